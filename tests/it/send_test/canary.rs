//! No output of a send test shows the password in any of its forms, whatever place it is sent in and however much of it
//! the upstream echoes; with `--reveal` it does.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::upstream::Upstream;
use super::{place, send_test};

/// Something of every class that an encoding touches.
const PASSWORD: &str = "Pa$$ w\"örd<&9>/登";

const USER: &str = "zhangsan";

/// Every form in which the password might be seen.
fn forms() -> Vec<(&'static str, String)> {
    let bytes = PASSWORD.as_bytes();
    let form: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let md5 = hex::encode(Md5::digest(bytes));
    let json = serde_json::to_string(PASSWORD).unwrap();
    vec![
        ("in clear", PASSWORD.to_owned()),
        ("a part in clear", "w\"örd".to_owned()),
        ("form", form.clone()),
        ("percent", form.replace('+', "%20")),
        ("JSON", json.trim_matches('"').to_owned()),
        ("JSON in JSON", serde_json::to_string(&json).unwrap().trim_matches('"').trim_matches(['\\', '"']).to_owned()),
        ("JSON of PHP", "Pa$$ w\\\"\\u00f6rd<&9>\\/\\u767b".to_owned()),
        ("XML", PASSWORD.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")),
        ("base64", STANDARD.encode(bytes)),
        ("base64url", URL_SAFE_NO_PAD.encode(bytes)),
        ("Basic", STANDARD.encode(format!("{USER}:{PASSWORD}"))),
        ("hex", hex::encode(bytes)),
        ("md5", md5.clone()),
        ("MD5", md5.to_uppercase()),
        ("md5 of md5", hex::encode(Md5::digest(md5.as_bytes()))),
        ("sha256", hex::encode(Sha256::digest(bytes))),
        ("base64 of sha256", STANDARD.encode(Sha256::digest(bytes))),
    ]
}

/// A connector that sends the password by `request`, a few lines of YAML.
fn connector(base: &str, path: &str, head: &str, request: &str) -> String {
    format!(
        r#"version: 1
settings: {{ base: "{base}" }}
acknowledge: {{ credential_in_url: "this test wants it there" }}
steps:
  - name: login
{head}
    request:
      method: POST
      url: "${{base}}/echo/{path}"
{request}
    response:
      reject:
        - {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }}
        - {{ when: {{ field: msg, starts_with: "never" }}, reason: other }}
      success: {{ all: [ {{ field: code, in: [ 200, 201 ] }}, {{ field: msg, contains: "wrong password" }} ] }}
      capture: {{ said: {{ field: msg }} }}
      map: {{ error_code: code, error_message: msg, extension: result, attributes: {{ said: msg }} }}
"#
    )
}

/// Name, keys beside the request, the request.
const PLACES: [(&str, &str, &str); 7] = [
    ("JSON", "", r#"      body: { json: { user: "{{user.username}}", password: "{{user.userPassword}}" } }"#),
    ("header", "", r#"      headers: { X-User: "{{user.username}}", X-Pass: "{{user.userPassword | base64}}" }"#),
    (
        "query",
        "",
        r#"      headers: { X-User: "{{user.username}}" }
      query: { p: "{{user.userPassword}}" }"#,
    ),
    (
        "form",
        "",
        r#"      headers: { X-User: "{{user.username}}" }
      body: { form: { p: "{{user.userPassword}}" } }"#,
    ),
    (
        "cookie",
        "",
        r#"      headers: { X-User: "{{user.username}}" }
      cookies: { p: "{{user.userPassword | sha256}}" }"#,
    ),
    ("basic", "", r#"      auth: { basic: { username: "{{user.username}}", password: "{{user.userPassword}}" } }"#),
    (
        "script",
        "    variables: |\n      env.once = code_util.md5(user.userPassword);\n      env.twice = code_util.md5(env.once);\n      env.big = env.once.toUpperCase();",
        r#"      headers: { X-User: "{{user.username}}" }
      body: { json: { password: "{{env.twice}}", once: "{{env.once}}", big: "{{env.big}}" } }"#,
    ),
];

fn found_in(output: &str) -> Vec<&'static str> {
    forms().into_iter().filter(|(_, form)| output.contains(form.as_str())).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn no_form_of_the_password_is_shown() {
    let upstream = Upstream::start().await;
    for (name, head, request) in PLACES {
        for (path, code) in [("right", 0), ("wrong", 1)] {
            let place = place(&connector(&upstream.origin, path, head, request));
            let arguments = ["corp", "--username", USER, "--password-stdin"];
            for form in [&[][..], &["--json"], &["--render-only"], &["--render-only", "--json"]] {
                let done = send_test(place.path(), &[&arguments[..], form].concat(), PASSWORD).await;
                let wanted = if form.contains(&"--render-only") { 0 } else { code };
                assert_eq!(done.code, Some(wanted), "{name} {form:?}: {done:?}");
                let shown = found_in(&format!("{}{}", done.out, done.err));
                assert!(shown.is_empty(), "{name} {path} {form:?} shows it as {shown:?}: {}", done.out);
            }
        }
    }
}

#[tokio::test]
async fn with_reveal_it_is_shown() {
    let upstream = Upstream::start().await;
    for (name, head, request) in PLACES {
        let place = place(&connector(&upstream.origin, "right", head, request));
        for form in [&["--reveal"][..], &["--reveal", "--json"]] {
            let arguments = [&["corp", "--username", USER, "--password-stdin"][..], form].concat();
            let done = send_test(place.path(), &arguments, PASSWORD).await;
            assert!(!found_in(&done.out).is_empty(), "{name} {form:?}: {done:?}");
        }
    }
}
