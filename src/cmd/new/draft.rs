//! Writes the connector: a request with holes, rules to fill in, golden cases.
//!
//! What it writes loads as it is and accepts no user: the rules ask for a field called FILL_IN, which no server sends. Only the answers to a
//! password grant are known beforehand (RFC 6749).
//! Values that may be secrets are not written, neither in templates nor in comments.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::auth::{self, Auth};
use super::body::{BodyDraft, body};
use super::curl::{Curl, Scheme};
use super::grant;
use super::holes::{Holes, Literals};
use super::parts::value_names;
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
    if let Some(text) = with_token(curl)? {
        return Ok(text);
    }
    let mut holes = Holes::new(literals);
    let text = drawn(curl, &mut holes)?;
    lacks_nobody(&holes)?;
    Ok(text)
}

/// What the request says of the user, or what it lacks.
pub fn lacks_nobody(holes: &Holes) -> Result<()> {
    if !holes.password {
        bail!("no part of the request looks like the password; say which with --password VALUE");
    }
    if !holes.username {
        bail!("no part of the request looks like the user name; say which with --username VALUE");
    }
    Ok(())
}

/// The text, also of a request in which nobody was found.
pub fn drawn(curl: &Curl, holes: &mut Holes) -> Result<String> {
    holes.see(&value_names(curl));
    let mut request = String::new();
    writeln!(request, "      method: {}", method(&curl.method)?)?;
    // The body first: its names say best which value is the user name.
    let BodyDraft { body, content_type } = body(curl, holes)?;
    holes.place = "query";
    let url = url(curl, holes);
    writeln!(request, "      url: {}", quoted(&format!("${{base}}{url}")))?;
    let query = pairs(&curl.query, holes);
    let in_url = [&url, &query].iter().any(|text| text.contains("{{user.userPassword"));
    section(&mut request, "query", &query);
    holes.place = "header";
    let (mut headers, auth) = headers(curl, holes);
    if let Some(media) = content_type {
        headers.insert_str(0, &format!("        Content-Type: {}\n", quoted(&media)));
    }
    section(&mut request, "headers", &headers);
    let cookies: String = curl.cookies.iter().map(|(name, value)| cookie(name, value, holes)).collect();
    section(&mut request, "cookies", &cookies);
    let auth = if auth.is_some() { auth } else { auth::of_options(curl)? };
    if let Some(auth) = &auth {
        request.push_str(&auth.line(holes));
    }
    request.push_str(&body);
    let given = given(&holes.attributes);
    let tail = if grant::grant_type(curl).is_some_and(|grant| grant == "password") {
        grant::password_tail(&curl.method, &given)
    } else {
        let asked_first = auth.as_ref().map_or(("", 1), Auth::asked_first);
        tail(&curl.method, asked_first, &given)
    };
    Ok(head(curl, holes, in_url) + &request + &tail)
}

/// The connector for a command that only gets a token: the request that it is for is to be filled in. `None` for another one.
pub fn with_token(curl: &Curl) -> Result<Option<String>> {
    let Some(token) = grant::token_request(curl)? else { return Ok(None) };
    let request = format!(
        "      method: POST\n      url: \"${{base}}/FILL_IN\"\n{}      body:\n        json:\n          username: \
         \"{{{{user.username}}}}\"\n          password: \"{{{{user.userPassword}}}}\"\n",
        token.auth
    );
    // The first reply is the token endpoint's.
    let first = "{ json: { access_token: t1, token_type: Bearer, expires_in: 3600 } }, ";
    Ok(Some(head(curl, &token.holes, false) + &request + &tail("POST", (first, 2), "")))
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

/// What the cases give beside name and password.
fn given(attributes: &[String]) -> String {
    let given: Vec<String> = attributes.iter().map(|name| format!("{name}: x")).collect();
    if given.is_empty() { String::new() } else { format!(", attributes: {{ {} }}", given.join(", ")) }
}

/// The rules to fill in, and golden cases. `first` are the replies before that of the login; all requests have the same method.
fn tail(method: &str, (first, requests): (&str, usize), given: &str) -> String {
    let format = if method == "HEAD" { "bytes" } else { "auto" };
    let requests = vec![format!("{{ method: {method} }}"); requests].join(", ");
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
    replies: [{first}{{ json: {{ FILL_IN: "FILL_IN right" }} }}]
    expect: {{ verdict: accept, requests: [{requests}] }}
  - name: wrong password
    user: {{ username: alice, userPassword: "wrong"{given} }}
    replies: [{first}{{ json: {{ FILL_IN: "FILL_IN wrong" }} }}]
    expect: {{ verdict: reject, reason: invalid_credentials }}
  - name: a login page instead of an answer
    user: {{ username: alice, userPassword: "right"{given} }}
    replies: [{first}{{ html: "<html><title>Sign in</title></html>" }}]
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

/// The lines of headers, and what a header Authorization says that is a scheme's.
fn headers(curl: &Curl, holes: &mut Holes) -> (String, Option<Auth>) {
    let authorization = curl.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let auth = authorization.and_then(|(_, value)| auth::of_header(value, curl));
    let signed_by_option = matches!(curl.scheme, Scheme::AwsSigv4(_));
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in &curl.headers {
        let lower = name.to_ascii_lowercase();
        let makes = auth.as_ref().is_some_and(|auth| lower == "authorization" || auth.makes(&lower));
        if DROPPED.contains(&lower.as_str())
            || makes
            || (signed_by_option && lower.starts_with("x-amz-"))
            || lower.starts_with("sec-")
            || kept.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            continue;
        }
        let template = match (lower.as_str(), value.split_once(' ')) {
            ("authorization" | "proxy-authorization", Some((scheme, _))) => format!("{scheme} {}", holes.secret(name)),
            ("authorization" | "proxy-authorization", None) => holes.secret(name),
            // Their queries may hold anything.
            ("referer" | "origin", _) => value.split(['?', '#']).next().unwrap_or_default().to_owned(),
            _ => holes.fill_header(name, value),
        };
        kept.push((name.clone(), template));
    }
    let lines = kept.iter().map(|(name, value)| format!("        {}: {}\n", key(name), quoted(value)));
    (lines.collect::<Vec<_>>().concat(), auth)
}

/// A cookie of a command is a session cookie more often than not.
fn cookie(name: &str, value: &str, holes: &mut Holes) -> String {
    let template = holes.of_user(name, value).unwrap_or_else(|| holes.secret(&format!("cookie_{name}")));
    format!("        {}: {}\n", key(name), quoted(&template))
}
