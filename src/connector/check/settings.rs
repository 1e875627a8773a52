//! Settings, secrets, time zone and waived lints: what is read once, when the connector loads.

use std::collections::BTreeMap;

use url::Url;

use super::{LoadContext, SecretsFrom, beside};
use crate::connector::FromEnvironment;
use crate::connector::raw;
use crate::connector::raw::connector::{SecretSource, Setting as Written};
use crate::diagnostic::{Diagnostics, did_you_mean};
use crate::files::ReadError;
use crate::request;
use crate::secret::Secret;
use crate::template::{Language, Setting};

/// Lints that a connector may waive, with what each is about.
const LINTS: [(&str, &str); 10] = [
    ("status_only", "success looks at the HTTP status only"),
    ("cookie_evidence", "success looks at a cookie, which any page may set"),
    ("header_evidence", "success looks at a header that any reply may have"),
    (
        "credential_in_url",
        "the password or something computed from it stands in the URL, which servers and proxies log",
    ),
    ("plain_http", "credentials cross the network in clear"),
    ("cookie_for_scripts", "a delivered cookie is not HttpOnly"),
    ("cookie_in_clear", "a delivered cookie is not Secure"),
    ("cookie_cross_site", "a delivered cookie is SameSite=None"),
    ("all_cookies", "whatever the upstream sets is delivered"),
    ("typed_name", "a console keeps the name that was typed, and the upstream does not say whose password it was"),
];

/// A secret file larger than this is not a secret but a mistake.
const SECRET_BYTES: usize = 64 * 1024;

/// What templates may refer to.
pub(super) fn language(raw: &raw::Connector, load: LoadContext<'_>, diagnostics: &mut Diagnostics) -> Language {
    let mut settings = BTreeMap::new();
    for (name, written) in raw.settings.iter() {
        let value = match load.settings.get(&name.value) {
            Some(given) => Some(Setting::Text(given.clone())),
            None => setting(&name.value, written, load, diagnostics),
        };
        // After a mistake something must stand for it, so that the rest of the file can be checked.
        settings.insert(name.value.clone(), value.unwrap_or_else(|| Setting::Text("https://unset.invalid".to_owned())));
    }
    for given in load.settings.keys().filter(|given| raw.settings.get(given).is_none()) {
        let span = raw.version.span.clone();
        let mistake = diagnostics.error_at("unknown-setting", &span, format!("the connector has no setting `{given}`"));
        let near = did_you_mean(given, raw.settings.iter().map(|(name, _)| name.value.as_str()));
        diagnostics.add(match near {
            Some(near) => mistake.help(format!("did you mean `{near}`?")),
            None => mistake,
        });
    }
    Language { settings, time_zone: time_zone(raw, diagnostics) }
}

fn setting(name: &str, written: &Written, load: LoadContext<'_>, diagnostics: &mut Diagnostics) -> Option<Setting> {
    match written {
        Written::Literal(text) => Some(Setting::Text(text.text.clone())),
        Written::Env(from) => {
            let value = (load.env)(&from.env.text).or_else(|| from.default.as_ref().map(|text| text.text.clone()));
            if value.is_none() {
                let message = format!("the setting `{name}` needs the environment variable {}", from.env.text);
                let mistake = diagnostics.error_at("setting-unset", &from.env.span, message).label("not set");
                diagnostics.add(mistake.help(format!("set it, or give a `default`, or pass --set {name}=VALUE")));
            }
            value.map(Setting::Text)
        }
        Written::Nodes(nodes) => {
            let mut origins = Vec::new();
            for node in nodes.nodes.iter() {
                match Url::parse(&node.text) {
                    Ok(url) if is_origin(&url) => origins.push(url),
                    _ => {
                        let mistake = diagnostics.error_at("bad-origin", &node.span, "a node is an origin");
                        diagnostics
                            .add(mistake.help("write scheme, host and port only, such as https://4a-1.example.com"));
                    }
                }
            }
            (origins.len() == nodes.nodes.len()).then_some(Setting::Nodes(origins))
        }
    }
}

/// The settings whose text comes from the environment, and whether the file puts them into a URL.
pub(super) fn from_env(raw: &raw::Connector, load: LoadContext<'_>) -> Vec<FromEnvironment> {
    let given = |name: &str| load.settings.contains_key(name);
    let texts =
        raw.settings.iter().filter(|(name, _)| !given(&name.value)).filter_map(|(name, written)| match written {
            Written::Env(from) => Some((&name.value, (load.env)(&from.env.text)?)),
            Written::Literal(_) | Written::Nodes(_) => None,
        });
    texts.map(|(name, text)| FromEnvironment { value: Secret::new(text), in_url: stands_in_url(raw, name) }).collect()
}

/// Whether a URL has `${name}` before its query.
fn stands_in_url(raw: &raw::Connector, name: &str) -> bool {
    let written = format!("${{{name}}}");
    let urls = raw.steps.iter().flat_map(|step| {
        let asked = step.request.as_ref().and_then(|request| match &request.sent.url {
            request::raw::Url::Template(text) => Some(text),
            request::raw::Url::From(_) => None,
        });
        let opened = step.ask.as_ref().and_then(|ask| ask.url.as_ref());
        asked.into_iter().chain(opened)
    });
    let before_query =
        |url: &raw::Text| url.text.split(['?', '#']).next().is_some_and(|place| place.contains(&written));
    urls.into_iter().any(before_query)
}

/// Whether `url` is scheme, host and port and nothing else.
pub(super) fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

fn time_zone(raw: &raw::Connector, diagnostics: &mut Diagnostics) -> jiff::tz::TimeZone {
    let Some(name) = &raw.time_zone else { return jiff::tz::TimeZone::UTC };
    jiff::tz::TimeZone::get(&name.text).unwrap_or_else(|_| {
        let message = format!("there is no time zone `{}`", name.text);
        let mistake = diagnostics.error_at("unknown-time-zone", &name.span, message);
        diagnostics.add(mistake.help("use a name of the IANA database, such as Asia/Shanghai"));
        jiff::tz::TimeZone::UTC
    })
}

/// The secrets, read now. A diagnostic names the variable or the file, never what is in it.
pub(super) fn secrets(
    raw: &raw::Connector,
    load: LoadContext<'_>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    for (name, written) in raw.secrets.iter() {
        let value = match (load.secrets.get(&name.value), load.secrets_from) {
            (Some(given), _) => Some(Secret::new(given.as_str())),
            (None, SecretsFrom::Samples) => Some(Secret::new(format!("sample-{}", name.value))),
            (None, SecretsFrom::Environment) => read_secret(&name.value, written, load, diagnostics),
        };
        secrets.extend(value.map(|value| (name.value.clone(), value)));
    }
    secrets
}

fn read_secret(
    name: &str,
    written: &raw::connector::Secret,
    load: LoadContext<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Secret> {
    let (found, wanted) = match &written.value.0 {
        SecretSource::Env(variable) => {
            ((load.env)(&variable.text), format!("the environment variable {}", variable.text))
        }
        SecretSource::File(path) => {
            let mut why = None;
            let bytes = (load.read_file)(&beside(diagnostics.file(), &path.text));
            let bytes = bytes.map_err(|unread| why = Some(unread)).ok();
            let text =
                bytes.filter(|bytes| bytes.len() <= SECRET_BYTES).and_then(|bytes| String::from_utf8(bytes).ok());
            // An editor's line end at the end is not part of the secret.
            let text = text.map(|text| {
                text.strip_suffix('\n').map_or(text.clone(), |t| t.strip_suffix('\r').unwrap_or(t).to_owned())
            });
            let why = why.filter(|why| !matches!(why, ReadError::System(_)));
            let why = why.map(|why| format!("; {why}")).unwrap_or_default();
            (text, format!("the file {}{why}", path.text))
        }
    };
    let found = found.filter(|value| !value.is_empty());
    if found.is_none() {
        let message = format!("the secret `{name}` needs {wanted}");
        let mistake =
            diagnostics.error_at("secret-missing", &written.span, message).label("not there, empty or not text");
        diagnostics.add(mistake.help("a secret is read when the connector loads; `doorward check` needs none"));
    }
    found.map(Secret::new)
}

/// Waived lints must exist and say why.
pub(super) fn acknowledgements(raw: &raw::Connector, diagnostics: &mut Diagnostics) {
    for (lint, why) in raw.acknowledge.iter() {
        if !LINTS.iter().any(|(known, _)| *known == lint.value) {
            let message = format!("there is no lint `{}`", lint.value);
            let mistake = diagnostics.error_at("unknown-lint", &lint.span, message);
            let known = LINTS.iter().map(|(known, _)| *known);
            diagnostics.add(match did_you_mean(&lint.value, known.clone()) {
                Some(near) => mistake.help(format!("did you mean `{near}`?")),
                None => mistake.help(format!("known lints: {}", known.collect::<Vec<_>>().join(" "))),
            });
        }
        if why.text.trim().is_empty() {
            let mistake = diagnostics.error_at("empty-why", &why.span, "a waived lint says why");
            diagnostics.add(mistake.help("write one line for the next reader of this file"));
        }
    }
}

/// Whether the connector waives `lint`.
pub(super) fn acknowledged(raw: &raw::Connector, lint: &str) -> bool {
    debug_assert!(LINTS.iter().any(|(known, _)| *known == lint));
    raw.acknowledge.get(lint).is_some()
}
