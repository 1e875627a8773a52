//! The cases of AWS's suite, as far as they are requests that can be sent, and what is beside them.

use std::path::PathBuf;

use serde_json::Value;

use super::canonical::{Canonical, PathRule, SignedHeaders};
use super::signature;
use crate::context::Context;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::hex_encode;
use crate::signing::trial::{Fixed, added, form, scheme, sign};

/// Two cases of the suite, for where it is not: the others are read from its folder.
const KEY: &[u8] = b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SCOPE: &str = "20150830/us-east-1/service/aws4_request";

struct Case {
    name: String,
    folder: PathBuf,
    context: Value,
}

impl Case {
    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap()
    }
}

fn suite() -> Vec<Case> {
    let root = std::env::var_os("DOORWARD_CORPORA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"));
    let Ok(folders) = std::fs::read_dir(root.join("sigv4/v4")) else {
        println!("{} is absent: AWS's suite is not read", root.display());
        return Vec::new();
    };
    folders
        .map(|folder| {
            let folder = folder.unwrap().path();
            let context = std::fs::read_to_string(folder.join("context.json")).unwrap();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            Case { name, folder, context: serde_json::from_str(&context).unwrap() }
        })
        .collect()
}

/// The headers and the body of a request of the suite, folded lines included.
fn parts(request: &str) -> (Vec<(String, String)>, String) {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.lines().skip(1) {
        if let (true, Some((_, value))) = (line.starts_with(' '), headers.last_mut()) {
            *value += &["\n", line].concat();
        } else {
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    (headers, body.to_owned())
}

#[test]
fn awss_suite() {
    for case in suite() {
        let request = case.file("request.txt");
        let line = request.lines().next().unwrap();
        let method = line.split(' ').next().unwrap();
        let target = line[method.len() + 1..].strip_suffix(" HTTP/1.1").unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (written, body) = parts(&request);
        let body_hash = hex_encode(&digest(Algorithm::Sha256, body.as_bytes()));
        let mut headers = SignedHeaders::default();
        for (name, value) in &written {
            headers.add(name, value.as_bytes());
        }
        headers.add("X-Amz-Date", b"20150830T123600Z");
        let credentials = &case.context["credentials"];
        // With `omit_session_token` it is added to the signed request.
        if let (Some(token), false) = (credentials["token"].as_str(), case.context["omit_session_token"] == true) {
            headers.add("X-Amz-Security-Token", token.as_bytes());
        }
        if case.context["sign_body"] == true {
            headers.add("x-amz-content-sha256", body_hash.as_bytes());
        }
        // The suite has paths that nobody encoded yet; its unnormalized ones are signed encoded once all the same.
        let normalize = case.context["normalize"] == true;
        let encoded = super::canonical::encoded(path);
        let (path, rule) = if normalize { (path, PathRule::Normalized) } else { (encoded.as_str(), PathRule::AsSent) };
        let canonical = Canonical { method, path, query, headers: &headers, body_hash: &body_hash, rule };
        let text = canonical.request();
        assert_eq!(String::from_utf8_lossy(&text), case.file("header-canonical-request.txt"), "{}", case.name);
        let key = credentials["secret_access_key"].as_str().unwrap();
        let made = signature(key.as_bytes(), "20150830T123600Z", SCOPE, &text);
        assert_eq!(made, case.file("header-signature.txt").trim(), "{}", case.name);
    }
}

#[test]
fn get_vanilla_of_the_suite() {
    let mut headers = SignedHeaders::default();
    headers.add("Host", b"example.amazonaws.com");
    headers.add("X-Amz-Date", b"20150830T123600Z");
    let body_hash = hex_encode(&digest(Algorithm::Sha256, b""));
    let query = "Param-3=Value3&Param=Value2&%E1%88%B4=Value1";
    let rule = PathRule::Normalized;
    let canonical = Canonical { method: "GET", path: "/", query, headers: &headers, body_hash: &body_hash, rule };
    assert_eq!(
        signature(KEY, "20150830T123600Z", SCOPE, &canonical.request()),
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"
    );
}

const AUTH: &str = "aws_sigv4: { access_key: AKIDEXAMPLE, secret_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY, region: us-east-1, service: SERVICE }";

fn at_the_suites_time(auth: &str, url: &str) -> (crate::request::Prepared, crate::signing::Signature) {
    let plan = form("GET", url, &[]);
    let scheme = scheme(auth, &plan).unwrap();
    sign(&*scheme, &plan, &Context::default(), &Fixed::at(1_440_938_160)).unwrap()
}

/// What is signed is what is sent: `get-vanilla` of the suite, rendered and signed by the scheme.
#[test]
fn a_request_is_signed_as_it_is_sent() {
    let auth = AUTH.replace("SERVICE", "service");
    let (request, signature) = at_the_suites_time(&auth, "https://example.amazonaws.com/");
    assert_eq!(
        added(&signature, "authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["user-agent", "accept", "x-amz-date", "authorization"]);
    assert!(signature.hidden[0].expose().starts_with("5fa00fa3"), "an upstream may repeat it");
}

#[test]
fn s3_has_the_hash_of_the_body_and_other_services_encode_the_path_twice() {
    let (_, s3) = at_the_suites_time(&AUTH.replace("SERVICE", "s3"), "https://h/a%20b");
    assert_eq!(added(&s3, "x-amz-content-sha256"), hex_encode(&digest(Algorithm::Sha256, b"")));
    assert!(added(&s3, "authorization").contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date, "));
    let headers = SignedHeaders::default();
    let text = |rule| {
        let canonical =
            Canonical { method: "GET", path: "/a%20b//c", query: "", headers: &headers, body_hash: "x", rule };
        String::from_utf8(canonical.request()).unwrap()
    };
    assert_eq!(text(PathRule::AsSent), "GET\n/a%20b//c\n\n\n\nx");
    assert_eq!(text(PathRule::Normalized), "GET\n/a%2520b/c\n\n\n\nx");
}

#[test]
fn mistakes_are_told_at_load() {
    let plan = form("GET", "https://4a.example.com/", &[]);
    let with = |key: &str, region: &str| {
        scheme(
            &format!(r#"aws_sigv4: {{ access_key: "{key}", secret_key: s, region: "{region}", service: sts }}"#),
            &plan,
        )
    };
    assert_eq!(with("a", "{{user.username}}").unwrap_err(), ["auth-of-user"]);
    assert!(with("{{user.username}}", "cn-north-1").is_ok());
    let dated =
        crate::signing::trial::request(&serde_json::json!({ "url": "https://h/", "headers": { "X-Amz-Date": "x" } }));
    assert_eq!(scheme(&AUTH.replace("SERVICE", "sts"), &dated).unwrap_err(), ["auth-target"]);
}

/// `Credential=` has parts between slashes, and the header has commas.
#[test]
fn an_access_key_cannot_leave_its_part() {
    let plan = form("GET", "https://4a.example.com/", &[]);
    let auth = r#"aws_sigv4: { access_key: "{{user.username}}", secret_key: "{{user.userPassword}}", region: r, service: sts }"#;
    let scheme = scheme(auth, &plan).unwrap();
    for name in ["a/20200101", "a,b", "a b", "a\r\nb", "é"] {
        let mut context = Context::default();
        context.user.username = name.into();
        assert!(sign(&*scheme, &plan, &context, &Fixed::at(0)).is_err(), "{name:?}");
    }
}
