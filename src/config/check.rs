//! From what was typed to what runs: every mistake at once, each with its place and what to do.
//!
//! Relative paths are relative to the configuration file. Secrets are read here, and no message quotes one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::files::{self, ReadError};
use crate::reading::{ByteSize, MapSpans, Spanned, Text};
use crate::secret::Secret;
use crate::upstream::{self, EgressRules};

use super::raw::{self, Daemon, SecretFrom};
use super::{Config, Limits, Log, Scripts, State};

/// A key, a token or an address with a password; more is a mistake.
const SECRET_BYTES: usize = 64 * 1024;

/// What the check needs beside the text.
pub(super) struct Check<'a> {
    pub diagnostics: &'a mut Diagnostics,
    /// The directory of the configuration file.
    pub base: PathBuf,
    /// Reads an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

impl Check<'_> {
    /// The whole file. With mistakes noted, the result must not run.
    pub(super) fn daemon(&mut self, raw: &Daemon) -> Config {
        let config = Config {
            listen: raw.listen.iter().filter_map(|text| self.parsed("listen-address", text)).collect(),
            insecure_listen: raw.insecure_listen.unwrap_or(false),
            tls: raw.tls.as_ref().map(|tls| self.tls(tls)),
            connectors: self.path(&raw.connectors),
            doors: raw.doors.as_ref().map(|doors| self.doors(doors)),
            clients: self.clients(&raw.clients),
            public_url: raw.public_url.as_ref().and_then(|text| self.url(text, &["https", "http"])),
            reserved_cookies: raw.reserved_cookies.iter().filter_map(|name| self.cookie_name(name)).collect(),
            egress: raw.egress.as_ref().map(|egress| self.egress(egress)).unwrap_or_default(),
            state: raw.state.as_ref().map(|state| self.state(state)).unwrap_or_default(),
            scripts: raw.scripts.as_ref().map(|scripts| self.scripts(scripts)).unwrap_or_default(),
            limits: raw.limits.as_ref().map(|limits| self.limits(limits)).unwrap_or_default(),
            guard: raw.guard.as_ref().map(|guard| self.guard(guard)).unwrap_or_default(),
            log: raw.log.as_ref().map(log).unwrap_or_default(),
            audit: raw.audit.as_ref().and_then(|audit| self.audit(audit)),
            tracing: raw.tracing.as_ref().and_then(|tracing| self.tracing(tracing)),
            sign_in: None,
        };
        let sign_in = raw.sign_in.as_ref().map(|sign_in| self.sign_in(sign_in, &config.state));
        let config = Config { sign_in, ..config };
        self.beside_the_page(raw, &config);
        self.in_clear(raw, &config);
        self.doors_in_clear(raw, &config);
        self.certificates(raw, &config);
        self.shared_guard(raw.guard.as_ref(), &config.state);
        config
    }

    /// Notes one mistake.
    pub(super) fn wrong(&mut self, code: &'static str, at: &Span, message: &str, help: &str) {
        let mistake: Diagnostic = self.diagnostics.error_at(code, at, message);
        self.diagnostics.add(mistake.help(help));
    }

    /// A value that has a `FromStr` with a message of its own.
    pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        code: &'static str,
        text: &Text,
    ) -> Option<T> {
        match text.as_str().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let mistake = self.diagnostics.error_at(code, &text.span, format!("{error}"));
                self.diagnostics.add(mistake);
                None
            }
        }
    }

    pub(super) fn path(&self, text: &Text) -> PathBuf {
        self.base.join(Path::new(text.as_str()))
    }

    /// A mistake unless there is such a file.
    pub(super) fn is_there(&mut self, text: &Text) {
        let message = match files::is_there(&self.path(text)) {
            Ok(()) => return,
            Err(ReadError::System(std::io::ErrorKind::NotFound)) => "there is no such file".to_owned(),
            Err(why) => format!("this file cannot be read: {why}"),
        };
        self.wrong("no-file", &text.span, &message, "paths are relative to this file");
    }

    pub(super) fn tls(&mut self, raw: &raw::ListenTls) -> super::Tls {
        for text in [Some(&raw.cert_file), Some(&raw.key_file), raw.client_ca_file.as_ref()].into_iter().flatten() {
            self.is_there(text);
        }
        super::Tls {
            cert_file: self.path(&raw.cert_file),
            key_file: self.path(&raw.key_file),
            client_ca_file: raw.client_ca_file.as_ref().map(|text| self.path(text)),
        }
    }

    /// The rule of section 8, at the place where it was broken.
    fn in_clear(&mut self, raw: &Daemon, config: &Config) {
        if config.tls.is_some() || config.insecure_listen {
            return;
        }
        self.no_open_address(raw.listen.iter());
    }

    /// Notes each address that others could read along at.
    pub(super) fn no_open_address<'t>(&mut self, addresses: impl Iterator<Item = &'t Text>) {
        let open = |text: &&Text| text.as_str().parse().is_ok_and(|address: super::Address| !address.is_local());
        let open: Vec<Span> = addresses.filter(open).map(|text| text.span.clone()).collect();
        for span in open {
            let message = "passwords would cross the network in clear";
            let help =
                "add tls: with cert_file and key_file, listen on 127.0.0.1 or unix:/path, or set insecure_listen: true";
            self.wrong("clear-text", &span, message, help);
        }
    }

    fn certificates(&mut self, raw: &Daemon, config: &Config) {
        if config.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some()) {
            return;
        }
        for client in raw.clients.iter().filter(|client| client.certificate.is_some()) {
            let message = "without a CA of client certificates no client can show one";
            self.wrong("no-client-ca", client.place.key("certificate"), message, "set tls.client_ca_file");
        }
    }

    fn url(&mut self, text: &Text, schemes: &[&str]) -> Option<url::Url> {
        let url = url::Url::parse(text.as_str()).ok();
        let good = url.filter(|url| schemes.contains(&url.scheme()) && url.has_host() && url.username().is_empty());
        if good.is_none() {
            let help = format!("write {}://host:port, without user and password", schemes.join(":// or "));
            self.wrong("bad-url", &text.span, "this is no URL of the kind that is wanted here", &help);
        }
        good
    }

    /// RFC 6265 section 4.1.1: a cookie's name is a token.
    fn cookie_name(&mut self, text: &Text) -> Option<String> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !text.as_str().is_empty() && text.as_str().bytes().all(token) {
            return Some(text.text.clone());
        }
        self.wrong("cookie-name", &text.span, "this cannot be the name of a cookie", "letters, digits, - and _ can");
        None
    }

    pub(super) fn egress(&mut self, raw: &raw::RawEgress) -> EgressRules {
        type Part = fn(&mut EgressRules) -> &mut Vec<String>;
        let parts: [(&[Text], Part); 3] = [
            (&raw.allow, |rules| &mut rules.allow),
            (&raw.deny, |rules| &mut rules.deny),
            (&raw.proxies, |rules| &mut rules.proxies),
        ];
        let mut all = EgressRules::default();
        for (written, part) in parts {
            for text in written {
                // Alone first, so that a mistake has its place.
                let mut one = EgressRules::default();
                part(&mut one).push(text.text.clone());
                match upstream::Egress::new(&one) {
                    Ok(_) => part(&mut all).push(text.text.clone()),
                    Err(error) => {
                        let mistake = self.diagnostics.error_at("egress-rule", &text.span, error.to_string());
                        self.diagnostics.add(mistake);
                    }
                }
            }
        }
        all
    }

    fn state(&mut self, raw: &raw::RawState) -> State {
        let redis = raw.kind.as_ref().is_some_and(|kind| kind.value == raw::StateKind::Redis);
        if !redis {
            for key in ["url", "ca_file", "sentinel", "keys"] {
                if let Some(span) = raw.place.written(key).cloned() {
                    self.wrong("unused-key", &span, "only `kind: redis` uses this", "set kind: redis, or leave it out");
                }
            }
            return State::Memory;
        }
        let keys: Vec<Secret> = raw.keys.iter().filter_map(|key| self.aead_key(key, &raw.place)).collect();
        let Some(url) = &raw.url else {
            self.wrong("missing-key", raw.place.key("kind"), "Redis needs its address", "add url: { env: REDIS_URL }");
            return State::Memory;
        };
        if raw.keys.is_empty() || raw.keys.len() > 2 {
            let help = "add keys: [ { env: DOORWARD_STATE_KEY } ]; a second one is for the time of a change";
            self.wrong(
                "state-keys",
                raw.place.key("keys"),
                "Redis needs one or two keys that seal what it keeps",
                help,
            );
        }
        let address = self.redis_address(url, &raw.place);
        let tls = address
            .as_ref()
            .is_some_and(|address| ["rediss://", "valkeys://"].iter().any(|tls| address.expose().starts_with(tls)));
        if let Some(ca) = &raw.ca_file {
            if address.is_some() && !tls {
                self.wrong(
                    "unused-key",
                    &ca.span,
                    "only rediss:// uses this",
                    "write rediss:// in url, or leave it out",
                );
            } else {
                self.is_there(ca);
            }
        }
        let ca_file = raw.ca_file.as_ref().map(|path| self.path(path));
        let sentinel = raw.sentinel.as_ref().map(|sentinel| self.sentinel(sentinel));
        State::Redis { url: address.unwrap_or_default(), keys, ca_file, sentinel }
    }

    fn sentinel(&mut self, raw: &raw::RawSentinel) -> super::Sentinel {
        let mut addresses = Vec::new();
        for text in raw.addresses.iter() {
            let parts = text.as_str().rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
            if let Some((host, port)) = parts.filter(|(host, port)| url::Host::parse(host).is_ok() && *port > 0) {
                addresses.push((host.trim_matches(['[', ']']).to_owned(), port));
            } else {
                let help = "write host:26379, 10.0.0.1:26379 or [::1]:26379";
                self.wrong("sentinel-address", &text.span, "this is no address of a Sentinel", help);
            }
        }
        let password = raw.password.as_ref().and_then(|password| self.secret(password));
        super::Sentinel { master: raw.master.text.clone(), addresses, password }
    }

    /// The address of Redis. It may hold a password, so no message says any of it.
    fn redis_address(&mut self, from: &SecretFrom, place: &MapSpans) -> Option<Secret> {
        let address = self.secret(from)?;
        let text = address.expose();
        // A fragment would turn the check of the certificate off.
        let good = !text.contains('#') && redis::IntoConnectionInfo::into_connection_info(text).is_ok();
        if !good {
            let help = "write rediss://user:password@host:6379/0, redis://host:6379/0, or unix:///path";
            self.wrong("bad-url", place.key("url"), "this holds no address of Redis", help);
        }
        good.then_some(address)
    }

    pub(super) fn aead_key(&mut self, from: &SecretFrom, place: &MapSpans) -> Option<Secret> {
        let key = self.secret(from)?;
        let good = key.expose().len() == 64 && key.expose().bytes().all(|byte| byte.is_ascii_hexdigit());
        if !good {
            self.wrong("state-keys", place.key("keys"), "a key is not 64 hex digits", "make one: openssl rand -hex 32");
        }
        good.then_some(key)
    }

    /// Reads a secret; its value stands in no message.
    pub(super) fn secret(&mut self, from: &SecretFrom) -> Option<Secret> {
        match from {
            SecretFrom::Env(name) => {
                let value = (self.env)(name.as_str()).filter(|value| !value.is_empty());
                if value.is_none() {
                    let message = format!("the environment variable {} is not set", name.as_str());
                    self.wrong("no-secret", &name.span, &message, "set it where the daemon is started");
                }
                value.map(Secret::new)
            }
            SecretFrom::File(path) => match files::read_text(&self.path(path), SECRET_BYTES) {
                Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
                Err(why) => {
                    let message = format!("this file cannot be read: {why}");
                    self.wrong("no-secret", &path.span, &message, "paths are relative to this file");
                    None
                }
            },
        }
    }

    fn scripts(&mut self, raw: &raw::RawScripts) -> Scripts {
        let usual = Scripts::default();
        Scripts {
            workers: raw.workers.as_ref().map(|workers| self.count(Some(workers), 1, 256, 1)),
            cpu: self.span(raw.cpu.as_ref().map(|s| (s.value.0, &s.span)), 10, 10_000, usual.cpu),
            wall: self.span(raw.wall.as_ref().map(|s| (s.value.0, &s.span)), 10, 60_000, usual.wall),
            memory: self.bytes(raw.memory.as_ref().map(|s| (s.value.0, &s.span)), 16 << 20, 1 << 30, usual.memory),
        }
    }

    fn limits(&mut self, raw: &raw::RawLimits) -> Limits {
        let usual = Limits::default();
        let given = |value: &Option<Spanned<crate::reading::TimeSpan>>| {
            value.as_ref().map(|spanned| (spanned.value.0, spanned.span.clone()))
        };
        let mut time = |value, usual| {
            let value: Option<(Duration, Span)> = given(value);
            self.span(value.as_ref().map(|(value, span)| (*value, span)), 10, 3_600_000, usual)
        };
        let (first_byte, header) = (time(&raw.first_byte, usual.first_byte), time(&raw.header, usual.header));
        let (body, idle, drain) =
            (time(&raw.body, usual.body), time(&raw.idle, usual.idle), time(&raw.drain, usual.drain));
        Limits {
            connections: self.count(raw.connections.as_ref(), 1, 1_000_000, usual.connections),
            in_flight: self.count(raw.in_flight.as_ref(), 1, 100_000, usual.in_flight),
            first_byte,
            header,
            body,
            idle,
            drain,
            pattern_memory: self.memory(raw.pattern_memory.as_ref(), usual.pattern_memory),
            reply_memory: self.memory(raw.reply_memory.as_ref(), usual.reply_memory),
            connector_reply_memory: self.memory(raw.connector_reply_memory.as_ref(), usual.connector_reply_memory),
        }
    }

    /// A number within bounds, or the usual one.
    pub(super) fn count(&mut self, given: Option<&Spanned<u32>>, least: usize, most: usize, usual: usize) -> usize {
        let Some(given) = given else { return usual };
        let value = given.value as usize;
        if !(least..=most).contains(&value) {
            self.wrong("out-of-range", &given.span, "this is out of range", &format!("{least} to {most}"));
        }
        value
    }

    /// A time span within bounds of milliseconds, or the usual one.
    pub(super) fn span(
        &mut self,
        given: Option<(Duration, &Span)>,
        least: u64,
        most: u64,
        usual: Duration,
    ) -> Duration {
        let Some((value, at)) = given else { return usual };
        if !(Duration::from_millis(least)..=Duration::from_millis(most)).contains(&value) {
            self.wrong("out-of-range", at, "this is out of range", &format!("{least}ms to {}s", most / 1000));
        }
        value
    }

    /// Memory of the daemon: no less than a daemon needs, no more than a machine has.
    fn memory(&mut self, given: Option<&Spanned<ByteSize>>, usual: usize) -> usize {
        let given = given.map(|size| (size.value.0, &size.span));
        let bytes = self.bytes(given, 1 << 20, 1 << 40, usual as u64);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// A size within bounds, or the usual one.
    pub(super) fn bytes(&mut self, given: Option<(u64, &Span)>, least: u64, most: u64, usual: u64) -> u64 {
        let Some((value, at)) = given else { return usual };
        if !(least..=most).contains(&value) {
            let help = format!("{}KiB to {}MiB", least >> 10, most >> 20);
            self.wrong("out-of-range", at, "this is out of range", &help);
        }
        value
    }
}

fn log(raw: &raw::RawLog) -> Log {
    let usual = Log::default();
    Log {
        level: raw.level.as_ref().map_or(usual.level, |level| match level.value {
            raw::RawLevel::Error => super::Level::Error,
            raw::RawLevel::Warn => super::Level::Warn,
            raw::RawLevel::Info => super::Level::Info,
            raw::RawLevel::Debug => super::Level::Debug,
            raw::RawLevel::Trace => super::Level::Trace,
        }),
        format: raw.format.as_ref().map(|format| match format.value {
            raw::RawFormat::Json => super::Format::Json,
            raw::RawFormat::Text => super::Format::Text,
        }),
    }
}
