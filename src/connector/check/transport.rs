//! How the upstream is reached: the written keys with their defaults, files read, pins decoded.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{LoadContext, beside};
use crate::connector::raw;
use crate::connector::raw::transport::{Tls, Transport};
use crate::connector::raw::{Spanned, Text, TimeSpan};
use crate::diagnostic::Diagnostics;
use crate::response::{MEMORY_PER_BYTE, Most};
use crate::upstream::{TlsConfig, TlsVersion, TransportConfig};

/// `transport.timeout` when left out.
const TIMEOUT: Duration = Duration::from_secs(8);
/// A console that waits longer has long shown an error to its user.
const MAX_TIMEOUT: Duration = Duration::from_mins(1);
/// `transport.max_response` when left out.
const DEFAULT_RESPONSE: u64 = 1 << 20;
/// The same with a preprocess script: what a worker parses within its budget.
const DEFAULT_RESPONSE_WITH_SCRIPT: u64 = 256 << 10;
/// No reply of a login is larger; a cap of the cap keeps a slip of the pen from eating memory.
const MAX_RESPONSE: u64 = 16 << 20;
/// A document of the largest reply, at the memory that is usual for a byte of it.
const MAX_DOCUMENT: u64 = MEMORY_PER_BYTE as u64 * MAX_RESPONSE;
/// `transport.max_document` when left out is not less: a list of small objects takes ten times its text, and the 256 KiB of a
/// connector with a preprocess script may be such a list.
const MIN_DOCUMENT: u64 = 4 << 20;
/// `transport.max_in_flight` when left out, and at most.
const DEFAULT_IN_FLIGHT: u32 = 256;
const MAX_IN_FLIGHT: u32 = 4096;

/// The deadline of a login.
pub(super) fn timeout(raw: &raw::Connector) -> Duration {
    raw.transport.as_ref().and_then(|t| t.timeout.as_ref()).map_or(TIMEOUT, |span| span.value.0)
}

/// What a document may take in memory; what is written is checked with the rest of `transport`.
pub(super) fn max_document(raw: &raw::Connector) -> Most {
    let written = raw.transport.as_ref();
    let own = written.and_then(|written| written.max_document.as_ref()).map(|size| size.value.0);
    let reply = written.and_then(|written| written.max_response.as_ref()).map(|size| size.value.0);
    let reply = reply.unwrap_or(if scripted(raw) { DEFAULT_RESPONSE_WITH_SCRIPT } else { DEFAULT_RESPONSE });
    let bytes = own.unwrap_or_else(|| reply.saturating_mul(MEMORY_PER_BYTE as u64).max(MIN_DOCUMENT));
    Most(usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn scripted(raw: &raw::Connector) -> bool {
    let mut responses = raw.steps.iter().filter_map(|step| step.response.as_ref());
    responses.any(|response| response.preprocess.is_some() || response.preprocess_file.is_some())
}

/// Checks `transport`.
pub(super) fn transport(
    raw: &raw::Connector,
    load: LoadContext<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<TransportConfig> {
    let scripted = scripted(raw);
    let largest = if scripted { DEFAULT_RESPONSE_WITH_SCRIPT } else { DEFAULT_RESPONSE };
    let usual = TransportConfig { max_response: usize::try_from(largest).ok()?, ..TransportConfig::default() };
    let Some(written) = &raw.transport else { return Some(usual) };
    span_within(written.timeout.as_ref(), "timeout", MAX_TIMEOUT, diagnostics);
    span_within(written.connect_timeout.as_ref(), "connect_timeout", timeout(raw), diagnostics);
    span_within(written.keep_alive.as_ref(), "keep_alive", Duration::from_mins(10), diagnostics);
    let before = diagnostics.count();
    if let Some(size) = written.max_document.as_ref().filter(|s| s.value.0 == 0 || s.value.0 > MAX_DOCUMENT) {
        let message = format!("`max_document` is more than 0 and at most {} MiB", MAX_DOCUMENT >> 20);
        diagnostics.add(diagnostics.error_at("out-of-range", &size.span, message));
    }
    let config = TransportConfig {
        connect_timeout: written.connect_timeout.as_ref().map_or(usual.connect_timeout, |span| span.value.0),
        keep_alive: written.keep_alive.as_ref().map_or(usual.keep_alive, |span| span.value.0),
        max_response: max_response(written, scripted, diagnostics).unwrap_or(usual.max_response),
        max_in_flight: max_in_flight(written, diagnostics),
        tls: written.tls.as_ref().map(|tls| self::tls(tls, load, diagnostics)).unwrap_or_default(),
        resolve: resolve(written, diagnostics),
        proxy: proxy(written, diagnostics),
    };
    (diagnostics.count() == before).then_some(config)
}

fn span_within(span: Option<&Spanned<TimeSpan>>, key: &str, most: Duration, diagnostics: &mut Diagnostics) {
    if let Some(span) = span.filter(|span| span.value.0.is_zero() || span.value.0 > most) {
        let message = format!("`{key}` is more than 0 and at most {} ms here", most.as_millis());
        diagnostics.add(diagnostics.error_at("out-of-range", &span.span, message));
    }
}

fn max_response(written: &Transport, scripted: bool, diagnostics: &mut Diagnostics) -> Option<usize> {
    let size = written.max_response.as_ref()?;
    let most = if scripted { DEFAULT_RESPONSE_WITH_SCRIPT } else { MAX_RESPONSE };
    if size.value.0 == 0 || size.value.0 > most {
        let with = if scripted { " with a preprocess script" } else { "" };
        let message = format!("`max_response` is more than 0 and at most {} KiB{with}", most / 1024);
        diagnostics.add(diagnostics.error_at("out-of-range", &size.span, message));
    }
    usize::try_from(size.value.0).ok()
}

fn max_in_flight(written: &Transport, diagnostics: &mut Diagnostics) -> usize {
    let Some(limit) = &written.max_in_flight else { return DEFAULT_IN_FLIGHT as usize };
    if limit.value == 0 || limit.value > MAX_IN_FLIGHT {
        let message = format!("`max_in_flight` is 1 to {MAX_IN_FLIGHT}");
        diagnostics.add(diagnostics.error_at("out-of-range", &limit.span, message));
    }
    limit.value as usize
}

fn tls(written: &Tls, load: LoadContext<'_>, diagnostics: &mut Diagnostics) -> TlsConfig {
    if written.client_cert_file.is_some() != written.client_key_file.is_some() {
        let span = written.place.span.clone();
        let mistake =
            diagnostics.error_at("half-a-pair", &span, "a client certificate needs its key, and a key its certificate");
        diagnostics.add(mistake.help("write both client_cert_file and client_key_file"));
    }
    let legacy = written.legacy.as_ref().is_some_and(|why| legacy(written, why, diagnostics));
    TlsConfig {
        legacy,
        ca_pem: pem(written.ca_file.as_ref(), load, diagnostics),
        client_cert_pem: pem(written.client_cert_file.as_ref(), load, diagnostics),
        client_key_pem: pem(written.client_key_file.as_ref(), load, diagnostics),
        min_version: written.min_version.as_ref().map(|version| version.value).unwrap_or_default(),
        pin_sha256: written
            .pin_sha256
            .iter()
            .flat_map(|pins| pins.iter())
            .filter_map(|p| pin(p, diagnostics))
            .collect(),
    }
}

/// Whether this program can speak legacy TLS. It is weak whatever is written, so `check` says so each time.
fn legacy(written: &Tls, why: &Text, diagnostics: &mut Diagnostics) -> bool {
    let help = "put a TLS terminator beside the server instead (docs/transport.md, old servers)";
    if why.text.trim().is_empty() {
        let mistake = diagnostics.error_at("legacy-tls", &why.span, "`legacy` says why, and this says nothing");
        diagnostics.add(mistake.help("write legacy: \"Windows Server 2012 R2 until …\", or leave it out"));
        return false;
    }
    if let Some(version) = written.min_version.as_ref().filter(|version| version.value == TlsVersion::V1_3) {
        let message = "legacy TLS ends with 1.2, so nothing would be left";
        diagnostics.add(diagnostics.error_at("legacy-tls", &version.span, message).help("leave `min_version` out"));
        return false;
    }
    if !cfg!(feature = "legacy-tls") {
        let message = "this program was built without legacy TLS";
        let mistake = diagnostics.error_at("legacy-tls-absent", &why.span, message);
        diagnostics.add(mistake.help("build it with `cargo build --release --features legacy-tls`").help(help));
        return false;
    }
    let message = "this connector speaks TLS that has been broken in several ways (BEAST, Lucky 13, ROBOT): passwords may be read on the way";
    diagnostics.add(diagnostics.error_at("legacy-tls", &why.span, message).as_warning().help(help));
    true
}

fn pem(file: Option<&Text>, load: LoadContext<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let file = file?;
    match (load.read_file)(&beside(diagnostics.file(), &file.text)) {
        Ok(bytes) => Some(bytes),
        Err(why) => {
            let message = format!("the file {} cannot be read: {why}", file.text);
            let mistake = diagnostics.error_at("file-unreadable", &file.span, message);
            diagnostics.add(mistake.help("paths are relative to the connector's file"));
            None
        }
    }
}

fn pin(text: &Text, diagnostics: &mut Diagnostics) -> Option<[u8; 32]> {
    let digits = text.text.trim_start_matches("sha256//").trim_start_matches("sha256/");
    let bytes = STANDARD.decode(digits).ok().or_else(|| hex::decode(digits.replace(':', "")).ok());
    let pin = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    if pin.is_none() {
        let mistake =
            diagnostics.error_at("bad-pin", &text.span, "a pin is the SHA-256 of a public key, in base64 or hex");
        diagnostics.add(mistake.help("`doorward pin URL` prints it"));
    }
    pin
}

fn resolve(written: &Transport, diagnostics: &mut Diagnostics) -> BTreeMap<String, IpAddr> {
    let mut names = BTreeMap::new();
    for (name, addresses) in written.resolve.iter() {
        let [address] = &addresses.0[..] else {
            diagnostics.add(diagnostics.error_at("one-address", &name.span, "a name lives at one address here"));
            continue;
        };
        if let Ok(ip) = address.text.parse::<IpAddr>() {
            names.insert(name.value.trim_end_matches('.').to_ascii_lowercase(), ip);
        } else {
            let mistake = diagnostics.error_at("bad-address", &address.span, "this is no IP address");
            diagnostics.add(mistake.help("write it in full, such as 10.1.2.3 or 2001:db8::1"));
        }
    }
    names
}

fn proxy(written: &Transport, diagnostics: &mut Diagnostics) -> Option<url::Url> {
    let text = written.proxy.as_ref()?;
    let url = url::Url::parse(&text.text).ok().filter(|url| url.scheme() == "http" && url.host().is_some());
    if url.is_none() {
        let mistake = diagnostics.error_at("bad-proxy", &text.span, "a proxy is an http URL");
        diagnostics
            .add(mistake.help("write http://proxy.example.com:3128, and list it in the daemon's egress.proxies"));
    }
    url
}
