//! The page's own files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::StudioProcess;

fn assets() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/studio/page");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// With Trusted Types `'none'` the browser refuses most of these; the page must not even try.
#[test]
fn the_studios_page_makes_no_markup_of_text() {
    for file in assets() {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "style=",
            "javascript:",
            "DOMParser",
        ] {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
        assert!(text.lines().count() <= 400, "{} is too long", file.display());
        let elsewhere =
            text.match_indices("https://").filter(|(at, _)| !text[*at + 8..].starts_with("4a.corp.example.com"));
        assert_eq!(elsewhere.count(), 0, "{}: an address elsewhere", file.display());
    }
}

#[tokio::test]
async fn every_file_of_the_studios_page_is_served_and_no_other() {
    let studio = StudioProcess::unopened(&[], &[], &[]);
    for file in assets() {
        let name = file.file_name().unwrap().to_str().unwrap();
        let answer = studio.raw("GET", &format!("/assets/{name}"), &[], None).await;
        assert_eq!((answer.status, answer.text), (200, std::fs::read_to_string(&file).unwrap()), "{name}");
    }
    for (path, media_type) in
        [("/", "text/html"), ("/lang/en.json", "application/json"), ("/lang/zh-CN.json", "application/json")]
    {
        let answer = studio.raw("GET", path, &[], None).await;
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with(media_type), "{path}");
    }
    for path in ["/assets/", "/assets/mod.rs", "/lang/fr.json", "/assets/..%2Fmod.rs"] {
        assert_eq!(studio.raw("GET", path, &[], None).await.status, 404, "{path}");
    }
}

/// Keys of the format that lead nowhere and read nothing. A new key of the schema must go here or into `src/studio/trust.rs`.
const HARMLESS: &str = "$schema access_key acknowledge aes after after_key algorithm algorithms all allow_empty_password answer also answers any \
     assertion_audience callback verifier as ask assign attempts attempts_left attr attributes audience aws_sigv4 base64 basic bearer between body cache canonical capture \
     case cause challenge charset claim claims clientIp client_auth client_id client_secret clock connect_timeout consumer_key des des3 \
     consumer_secret contains content_type cookie cookies css default digest domain domains drop_when echo equals error error_code \
     error_message except exists expect expires_in extension fail field fields filename first_of for form form_from format from ge \
     grant gt has_value header headers hmac html http_only identity in in_front inner input into iv iv_as issuer json jwt_bearer keep_alive key key_as key_id key_name \
     key_place kind label last le leeway legacy lt map match matches max max_document max_in_flight max_response message method min_version mode \
     more multipart name nodes nonce not ntlm oauth1 oauth2 object optional otherwise output padding pairs password password_fields pattern pending \
     poll_after preprocess private_key public query realm reason refresh_token regex region reject replies request requests require_rspauth required \
     resend response retry role same_site scope script scripts secret_key secure sends_code_to separator service session_token set \
     skip_empty sm2_alg sm4 sorted_sign starts_with status step steps subject success tests text time_zone timeout title to token token_secret \
     traceparent transport type unavailable user userPassword username username_fields value var variables verdict version when workstation xml";

const TRUSTED: &str = "auth ca_file client_cert_file client_key_file cookie_delivery decrypt env file image jwks_url jwt pin_sha256 \
     preprocess_file proxy resolve secrets settings tls token_url url variables_file";

#[test]
fn every_key_of_the_schema_is_judged_by_the_studios_trust_set() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/connector.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut keys = BTreeSet::new();
    collect(&schema, &mut keys);
    let judged: BTreeSet<&str> = HARMLESS.split_whitespace().chain(TRUSTED.split_whitespace()).collect();
    let unjudged: Vec<_> = keys.iter().filter(|key| !judged.contains(key.as_str())).collect();
    assert!(unjudged.is_empty(), "where do these lead, and what do they read? {unjudged:?}");
    assert!(keys.len() > 150, "the schema was not read");
    let code = include_str!("../../../src/studio/trust.rs");
    let named = |key: &&str| !code.contains(&format!("\"{key}\"")) && !key.ends_with("_file");
    assert_eq!(TRUSTED.split_whitespace().filter(named).collect::<Vec<_>>(), <[&str; 0]>::default());
}

fn collect(node: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match node {
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::Object(properties)) = object.get("properties") {
                keys.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect(value, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}
