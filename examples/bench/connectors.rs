//! The connectors of the bench: one login, several ways to write it.

use std::net::SocketAddr;

use super::bodies;

/// A public key of 2048 bits.
const RSA: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtXVx3dD+eEpXjI1S3xxDZH/0ppI9B6fO4lqMJa1K5Y0ER0oj8S4EVytEcYhT2Ddv9T9NoeZQRVjTZuZ7N9LkLHq2dCdRgTMvjRpMAOyMyRZgSIUthvNKl7zysrI8YRyfm7miEX+1D5QR1i2yrnwtcmgZfxq+b8oTuGg4u2ZghLspjWwyC0/fUQVY5gmRqtqhoDvhonxeA+jC2VtjkTilqO0uhRLbOWdylRXwLtQdo1+xwPIEyqEb9ZZVtbeBVjAY2DVC0yOBqMd8b1vTOGwTpf2Mi9hlLNMgkOqiuxk9nz5USfjXlH4vwxHXU2mKWWLfy6qPEB8c3WVWL4E7FTAEWQIDAQAB";

/// The user's name in the reply is the user's.
const IDENTITY: &str = "      identity: { field: result.loginName, match: ignore_case }\n";

const FILTER: &str = "{{user.userPassword | md5}}";

/// A door to the connector without a script, which answers as much as the API.
pub const DOOR: &str = r#"
version: 1
console:
  who: returned
  accepts: { all: [ { status: 200 }, { field: verdict, equals: accept } ] }
  refuses: { not: { status: 200 } }
connector: plain
at: { method: POST, path: /door/plain, body: json }
caller: { client: door, token: { header: X-Door-Key } }
login: { username: username, password: password }
replies:
  accept:
    status: 200
    json:
      verdict: accept
      connector: "{{accept.connector}}"
      request_id: "{{request.id}}"
      username: "{{accept.username}}"
      subject: "{{accept.subject}}"
      extension: "{{accept.extension}}"
      extension_text: "{{accept.extension_text}}"
      cookies: "{{accept.cookies}}"
  reject: { status: 403 }
  unavailable: { status: 503 }
"#;

/// Id and text.
pub type Written = (String, String);

/// Without a script, with one, with two; an encrypted reply, an encrypted password, a login with a challenge.
pub fn kinds(upstream: SocketAddr) -> Vec<Written> {
    let script = "    variables: env.md5Psw = code_util.md5(user.userPassword)\n";
    let preprocess = "      preprocess: result.msg = String(result.msg).trim()\n";
    let sealed = format!("      decrypt: {{ aes: {{ mode: cbc }}, key: \"{0}\", iv: \"{0}\" }}\n", bodies::KEY);
    let rsa = format!("{{{{user.userPassword | rsa(key='{RSA}')}}}}");
    // The sealed reply is the same for all users.
    let sealed = text(upstream, "", FILTER, &sealed).replace("/api/login", "/api/sealed").replace(IDENTITY, "");
    [
        ("plain", plain(upstream)),
        ("variables", text(upstream, script, "{{env.md5Psw}}", "")),
        ("both", text(upstream, script, "{{env.md5Psw}}", preprocess)),
        ("sealed", sealed),
        ("rsa", text(upstream, "", &rsa, "").replace("/api/login", "/api/rsa")),
        ("challenge", challenge(upstream)),
    ]
    .map(|(id, text)| (id.to_owned(), text))
    .into()
}

/// A login without a script.
pub fn plain(upstream: SocketAddr) -> String {
    text(upstream, "", FILTER, "")
}

/// The reply of a format (`json`, `xml`, `html`), and about so many KiB of it.
pub fn reply(upstream: SocketAddr, format: &str, size: usize) -> String {
    let success = match format {
        "html" => "      success: { css: \"#token\", has_value: true }\n".to_owned(),
        "xml" => "      success: { all: [{ field: reply.code, equals: 200 }, { field: reply.result.token, has_value: true }] }\n".to_owned(),
        _ => "      success: { all: [{ field: code, equals: 200 }, { field: result.token, exists: true }] }\n".to_owned(),
    };
    format!(
        "version: 1\nsteps:\n  - name: login\n    request:\n      method: POST\n      \
         url: \"http://{upstream}/api/reply/{format}/{size}\"\n      body:\n        json: {{ user-name: \"{{{{user.username}}}}\", \
         user-password: \"{FILTER}\" }}\n    response:\n      format: {format}\n{success}"
    )
}

fn text(upstream: SocketAddr, variables: &str, password: &str, preprocess: &str) -> String {
    format!(
        "version: 1\nsteps:\n  - name: login\n{variables}    request:\n      method: POST\n      \
         url: \"http://{upstream}/api/login\"\n      body:\n        json: {{ user-name: \"{{{{user.username}}}}\", \
         user-password: \"{password}\" }}\n    response:\n      format: json\n{preprocess}      reject:\n        \
         - {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }}\n        \
         - {{ when: {{ field: code, equals: 423 }}, reason: account_locked }}\n      \
         unavailable: {{ field: code, in: [-1, 400] }}\n      \
         success: {{ all: [{{ field: code, equals: 200 }}, {{ field: result.token, exists: true }}] }}\n\
         {IDENTITY}      map: {{ error_code: code, error_message: msg, extension: result }}\n"
    )
}

/// The login, and a code that the upstream checks.
fn challenge(upstream: SocketAddr) -> String {
    let first = text(upstream, "", FILTER, "").replace(
        "      success: ",
        "      success: { all: [{ field: code, equals: 201 }, { field: result.token, exists: true }] }\n      more: ",
    );
    format!(
        "{first}  - name: verify\n    ask:\n      type: sms\n      fields: [{{ name: code, label: code, pattern: \"[0-9]{{6}}\" }}]\n      \
         expires_in: 5m\n      attempts: 3\n    request:\n      method: POST\n      url: \"http://{upstream}/api/code\"\n      \
         body:\n        json: {{ user-name: \"{{{{user.username}}}}\", code: \"{{{{answer.code}}}}\" }}\n    \
         response:\n      format: json\n      reject:\n        - {{ when: {{ field: code, equals: 500 }}, reason: mfa_failed }}\n      \
         success: {{ all: [{{ field: code, equals: 200 }}, {{ field: result.token, exists: true }}] }}\n{IDENTITY}      \
         map: {{ error_code: code, error_message: msg }}\n"
    )
}
