//! Commands that ask a token endpoint (RFC 6749): a user's password grant, and the service's own token.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::auth::{self, Auth};
use super::curl::{Body, Curl};
use super::holes::{Holes, Literals};
use super::yaml::{comment, quoted};

/// The value of `grant_type` in a form or in JSON.
pub fn grant_type(curl: &Curl) -> Option<String> {
    fields(curl).into_iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value)
}

fn fields(curl: &Curl) -> Vec<(String, String)> {
    let Body::Data(data) = &curl.body else { return Vec::new() };
    match serde_json::from_str(data) {
        Ok(serde_json::Value::Object(members)) => members
            .into_iter()
            .filter_map(|(name, value)| value.as_str().map(|value| (name, value.to_owned())))
            .collect(),
        _ => url::form_urlencoded::parse(data.as_bytes()).into_owned().collect(),
    }
}

/// `auth: oauth2` for a command that gets a token of the service's own; what it is for is not in the command.
pub struct TokenRequest {
    /// The lines of the key `auth`.
    pub auth: String,
    pub holes: Holes,
}

/// The same for `client_credentials` and `refresh_token`; `None` for another command.
pub fn token_request(curl: &Curl) -> Result<Option<TokenRequest>> {
    let Some(grant) = grant_type(curl) else { return Ok(None) };
    if !["client_credentials", "refresh_token"].contains(&grant.as_str()) {
        return Ok(None);
    }
    let mut holes = Holes::new(Literals::default());
    let fields = fields(curl);
    let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let header = curl.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let in_header = header.and_then(|(_, value)| auth::of_header(value, curl)).or(auth::of_options(curl)?);
    let (client, way) = match (in_header, field("client_id")) {
        (Some(Auth::Password { scheme: "basic", name }), _) => (name, "basic"),
        (_, Some(client)) => (client.to_owned(), "form"),
        _ => bail!("the command asks for a token and names no client: give client_id, or -u CLIENT:SECRET"),
    };
    let mut auth = String::from("      auth:\n        oauth2:\n");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(auth, "          {name}: {value}");
    };
    line("token_url", &quoted(&format!("${{base}}{}", curl.path)));
    line("client_id", &quoted(&client));
    line("client_secret", &quoted(&holes.secret("client_secret")));
    line("client_auth", way);
    if way == "basic" {
        holes.notes.push(
            "a client secret with other than letters and digits: some servers want it form-urlencoded inside Basic (client_auth: basic), \
             some as it is (basic_raw)"
                .to_owned(),
        );
    }
    for name in ["scope", "audience"] {
        if let Some(value) = field(name) {
            line(name, &quoted(value));
        }
    }
    if grant == "refresh_token" {
        line("grant", "refresh");
        line("refresh_token", &quoted(&holes.secret("refresh_token")));
    }
    holes.notes.push(
        "the command gets a token of the service's own and logs nobody in: write the request that does behind /FILL_IN; the token goes \
         with it"
            .to_owned(),
    );
    Ok(Some(TokenRequest { auth, holes }))
}

/// What is behind the request of a password grant: the answers are those of RFC 6749, so nothing is left to fill in but who that was.
pub fn password_tail(method: &str, given: &str) -> String {
    let who = comment(
        "      ",
        "Whose token it is, this reply does not say: a further step can ask (introspection, /oauth/check_token, userinfo) and compare by \
         `identity`. connectors/password-grant.yaml has one.",
    );
    format!(
        r#"    response:
      format: json
      # RFC 6749 section 5.2. A client that is refused is 401 and blames no user. Servers that say more (locked, disabled) say it in
      # error_description: a row for each, before this one.
      reject:
        - {{ when: {{ all: [{{ status: 400 }}, {{ field: error, equals: invalid_grant }}] }}, reason: invalid_credentials }}
      unavailable: {{ field: error, has_value: true }}
      success: {{ field: access_token, has_value: true }}
{who}      capture: {{ token: access_token }}
      map: {{ error_code: error, error_message: error_description }}

# Golden cases, run by `doorward check` without network.
tests:
  - name: right password
    user: {{ username: alice, userPassword: "right"{given} }}
    replies: [{{ json: {{ access_token: t1, token_type: bearer, expires_in: 3600 }} }}]
    expect: {{ verdict: accept, requests: [{{ method: {method} }}] }}
  - name: wrong password
    user: {{ username: alice, userPassword: "wrong"{given} }}
    replies: [{{ status: 400, json: {{ error: invalid_grant, error_description: Bad credentials }} }}]
    expect: {{ verdict: reject, reason: invalid_credentials }}
  - name: a client that is refused
    user: {{ username: alice, userPassword: "right"{given} }}
    replies: [{{ status: 401, json: {{ error: invalid_client }} }}]
    expect: {{ verdict: unavailable }}
  - name: a login page instead of an answer
    user: {{ username: alice, userPassword: "right"{given} }}
    replies: [{{ html: "<html><title>Sign in</title></html>" }}]
    expect: {{ verdict: unavailable, cause: unexpected_reply }}
"#
    )
}
