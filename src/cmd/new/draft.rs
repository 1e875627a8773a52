//! Writes the connector: a request with holes, rules to fill in, golden cases.
//!
//! What it writes loads as it is and accepts no user: the rules ask for a field called FILL_IN, which no server sends.
//! Values that may be secrets are not written, neither in templates nor in comments.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use base64::Engine as _;

use super::body::{BodyDraft, body};
use super::curl::{Body, Curl};
use super::holes::{Holes, Literals};
use super::yaml::{comment, key, pairs, quoted};

/// Headers that curl, a browser or the connection adds; the connector has its own.
const DROPPED: [&str; 12] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "dnt",
    "host",
    "pragma",
    "priority",
    "upgrade-insecure-requests",
    "user-agent",
];

/// The text of a connector for `curl`.
pub fn connector(curl: &Curl, literals: Literals) -> Result<String> {
    let mut holes = Holes::new(literals);
    holes.see(&names(curl));
    let mut request = String::new();
    writeln!(request, "      method: {}", method(&curl.method)?)?;
    // The body first: its names say best which value is the user name.
    let BodyDraft { body, content_type } = body(curl, &mut holes)?;
    let url = url(curl, &mut holes);
    writeln!(request, "      url: {}", quoted(&format!("${{base}}{url}")))?;
    let query = pairs(&curl.query, &mut holes);
    let in_url = [&url, &query].iter().any(|text| text.contains("{{user.userPassword"));
    section(&mut request, "query", &query);
    let (mut headers, basic) = headers(curl, &mut holes);
    if let Some(media) = content_type {
        headers.insert_str(0, &format!("        Content-Type: {}\n", quoted(&media)));
    }
    section(&mut request, "headers", &headers);
    let cookies: String = curl.cookies.iter().map(|(name, value)| cookie(name, value, &mut holes)).collect();
    section(&mut request, "cookies", &cookies);
    if let Some((name, _)) = basic.as_ref().or(curl.basic.as_ref()) {
        let scheme = if curl.digest { "digest" } else { "basic" };
        request.push_str(&password_auth(scheme, name, &mut holes));
    }
    request.push_str(&body);
    if !holes.password {
        bail!("no part of the request looks like the password; say which with --password VALUE");
    }
    if !holes.username {
        bail!("no part of the request looks like the user name; say which with --username VALUE");
    }
    Ok(head(curl, &holes, in_url) + &request + &tail(curl, &holes.attributes))
}

/// The names of all values of the request.
fn names(curl: &Curl) -> Vec<String> {
    let mut names: Vec<String> = curl.query.iter().map(|(name, _)| name.clone()).collect();
    match &curl.body {
        Body::None => {}
        Body::Parts(parts) => names.extend(parts.iter().map(|(name, ..)| name.clone())),
        Body::Data(data) => match serde_json::from_str(data) {
            Ok(serde_json::Value::Object(members)) => names.extend(members.keys().cloned()),
            _ => names.extend(url::form_urlencoded::parse(data.as_bytes()).map(|(name, _)| name.into_owned())),
        },
    }
    names
}

fn method(written: &str) -> Result<&str> {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    if KNOWN.contains(&written) {
        return Ok(written);
    }
    bail!("the method of the curl command is none of {}", KNOWN.join(" "))
}

fn head(curl: &Curl, holes: &Holes, in_url: bool) -> String {
    let mut text = "# yaml-language-server: $schema=../docs/connector.schema.json\n#\n".to_owned();
    text.push_str(&comment(
        "",
        "Made by `doorward new --from-curl`. It loads as it is, and accepts no user before you say what a right login \
         looks like: search for FILL_IN.",
    ));
    for note in curl.notes.iter().chain(&holes.notes) {
        text.push_str(&comment("", &format!("- {note}")));
    }
    let _ = write!(text, "version: 1\ntitle: {}\n\n", quoted(&curl.origin));
    text.push_str(
        "# The only thing that differs between installations; `--set base=URL` of `doorward test` replaces it.\n",
    );
    let _ = write!(text, "settings:\n  base: {}\n\n", quoted(&curl.origin));
    if !holes.secrets.is_empty() {
        text.push_str(&comment(
            "",
            "Values of the command that may be secret. They are read from the environment (or write { file: PATH }). If \
             one is no secret, put it in its place below as it is; a value of one session will not work for ever.",
        ));
        text.push_str("secrets:\n");
        for name in &holes.secrets {
            let _ = writeln!(text, "  {name}: {{ env: {} }}", name.to_ascii_uppercase());
        }
        text.push('\n');
    }
    if !holes.attributes.is_empty() {
        text.push_str(&comment(
            "",
            "What the console sends beside user name and password, such as what a person reads from a picture. A utility can fetch \
             the picture before the login (docs/connectors.md).",
        ));
        text.push_str("input:\n  attributes:\n");
        for name in &holes.attributes {
            let _ = writeln!(text, "    {name}: {{ required: true, max: 256 }}");
        }
        text.push('\n');
    }
    if in_url {
        text.push_str(&comment(
            "",
            "The password stands in the URL, which servers and proxies log. If the server takes it in a body, send it \
             there; else say why not.",
        ));
        text.push_str("acknowledge: { credential_in_url: \"FILL_IN why\" }\n\n");
    }
    text + "steps:\n  - name: login\n    request:\n"
}

fn tail(curl: &Curl, attributes: &[String]) -> String {
    let given: Vec<String> = attributes.iter().map(|name| format!("{name}: x")).collect();
    let given = if given.is_empty() { String::new() } else { format!(", attributes: {{ {} }}", given.join(", ")) };
    let format = if curl.method == "HEAD" { "bytes" } else { "auto" };
    // The first reply asks for the digest of the second request.
    let (asks, method) = if curl.digest && curl.basic.is_some() {
        let challenge =
            r#"{ status: 401, headers: { WWW-Authenticate: 'Digest realm="r", qop="auth", nonce="n"' } }, "#;
        (challenge, format!("{0} }}, {{ method: {0}", curl.method))
    } else {
        ("", curl.method.clone())
    };
    format!(
        r#"    response:
      # json, xml, form, html or text; auto goes by the Content-Type.
      format: {format}
      # Send one right and one wrong login and compare the replies:
      #   doorward test THIS_FILE --username NAME --reveal
      # What only a wrong one has; a row for each reason (account_locked, account_disabled, password_expired, ...).
      reject:
        - {{ when: {{ field: FILL_IN, equals: "FILL_IN wrong" }}, reason: invalid_credentials }}
      # What only a right one has, such as {{ all: [{{ field: code, equals: 200 }}, {{ field: data.token, has_value: true }}] }}
      success: {{ field: FILL_IN, equals: "FILL_IN right" }}
      # What goes back to the caller; the right side is a place in the reply.
      # map: {{ error_code: code, error_message: message, extension: data, attributes: {{ display_name: data.name }} }}

# Golden cases, run by `doorward check` without network. Paste real replies here (without real tokens).
tests:
  - name: right password
    user: {{ username: alice, userPassword: "right"{given} }}
    replies: [{asks}{{ json: {{ FILL_IN: "FILL_IN right" }} }}]
    expect: {{ verdict: accept, requests: [{{ method: {method} }}] }}
  - name: wrong password
    user: {{ username: alice, userPassword: "wrong"{given} }}
    replies: [{asks}{{ json: {{ FILL_IN: "FILL_IN wrong" }} }}]
    expect: {{ verdict: reject, reason: invalid_credentials }}
  - name: a login page instead of an answer
    user: {{ username: alice, userPassword: "right"{given} }}
    replies: [{asks}{{ html: "<html><title>Sign in</title></html>" }}]
    expect: {{ verdict: unavailable, cause: unexpected_reply }}
"#
    )
}

/// The path, with holes for the segments that are the user's. Only what the person named is looked for in a path.
fn url(curl: &Curl, holes: &mut Holes) -> String {
    let segments: Vec<String> =
        curl.path.split('/').map(|segment| holes.of_user("", segment).unwrap_or_else(|| segment.to_owned())).collect();
    segments.join("/")
}

fn section(request: &mut String, name: &str, lines: &str) {
    if !lines.is_empty() {
        let _ = write!(request, "      {name}:\n{lines}");
    }
}

/// The lines of headers, and user and password of an Authorization header of scheme Basic.
fn headers(curl: &Curl, holes: &mut Holes) -> (String, Option<(String, String)>) {
    let mut kept: Vec<(String, String)> = Vec::new();
    let mut basic = None;
    for (name, value) in &curl.headers {
        let lower = name.to_ascii_lowercase();
        if DROPPED.contains(&lower.as_str())
            || lower.starts_with("sec-")
            || kept.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            continue;
        }
        let template = match (lower.as_str(), value.split_once(' ')) {
            ("authorization", Some((scheme, rest))) if scheme.eq_ignore_ascii_case("basic") => {
                basic = basic_of(rest);
                match basic {
                    Some(_) => continue,
                    None => holes.secret(name),
                }
            }
            ("authorization" | "proxy-authorization", Some((scheme, _))) => format!("{scheme} {}", holes.secret(name)),
            ("authorization" | "proxy-authorization", None) => holes.secret(name),
            // Their queries may hold anything.
            ("referer" | "origin", _) => value.split(['?', '#']).next().unwrap_or_default().to_owned(),
            _ => holes.fill_header(name, value),
        };
        kept.push((name.clone(), template));
    }
    let lines = kept.iter().map(|(name, value)| format!("        {}: {}\n", key(name), quoted(value)));
    (lines.collect::<Vec<_>>().concat(), basic)
}

fn basic_of(encoded: &str) -> Option<(String, String)> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}

/// A cookie of a command is a session cookie more often than not.
fn cookie(name: &str, value: &str, holes: &mut Holes) -> String {
    let template = holes.of_user(name, value).unwrap_or_else(|| holes.secret(&format!("cookie_{name}")));
    format!("        {}: {}\n", key(name), quoted(&template))
}

/// Name and password are the user's when nothing else of the request is, else the service's own.
fn password_auth(scheme: &str, name: &str, holes: &mut Holes) -> String {
    let (name, password) = if holes.password {
        (holes.fill("basic name", name), holes.secret("basic_password"))
    } else {
        holes.username = true;
        holes.password = true;
        ("{{user.username}}".to_owned(), "{{user.userPassword}}".to_owned())
    };
    format!("      auth: {{ {scheme}: {{ username: {}, password: {} }} }}\n", quoted(&name), quoted(&password))
}
