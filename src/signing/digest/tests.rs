//! The examples of RFC 2069, 2617 and 7616 (with their errata: each response was computed anew by Python's hashlib), and what a
//! reply does to a login.

use http::header::{HeaderMap, WWW_AUTHENTICATE};

use super::answer::Answer;
use super::challenge::{Hash, Quality, Unanswerable, strongest};
use crate::context::Context;
use crate::signing::trial::{Fixed, added, again, form, scheme, sign};
use crate::signing::{SignError, www_authenticate::Malformed};
use crate::upstream::{Reply, Timings};
use crate::verdict::Cause;

fn fields(challenges: &[&str]) -> HeaderMap {
    challenges.iter().map(|it| (WWW_AUTHENTICATE, http::HeaderValue::from_bytes(it.as_bytes()).unwrap())).collect()
}

/// Name, password, method, body, cnonce.
type Login = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CIRCLE: Login = ("Mufasa", "Circle of Life", "GET", "", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");

/// RFC 7616 section 3.9.1, with this algorithm.
fn mufasa(algorithm: &str, qop: &str) -> String {
    format!(
        r#"Digest realm="http-auth@example.org", qop="{qop}", algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#
    )
}

fn answered(challenge: &str, login: Login, uri: &str) -> (String, String) {
    let challenge = strongest(&fields(&[challenge])).unwrap();
    let (username, password, method, body, cnonce) = login;
    let (username, password, body) = (username.as_bytes(), password.as_bytes(), body.as_bytes());
    let answer = Answer { challenge: &challenge, username, password, method, uri, body, cnonce };
    let response = answer.response(&answer.keyed());
    (String::from_utf8(answer.header(&response).to_vec()).unwrap(), response)
}

#[test]
fn the_examples_of_the_standards() {
    let rfc_2617 = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
    let login = ("Mufasa", "Circle Of Life", "GET", "", "0a4f113b");
    let (header, response) = answered(rfc_2617, login, "/dir/index.html");
    assert_eq!(response, "6629fae49393a05397450978507c4ef1");
    assert_eq!(
        header,
        r#"Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", response="6629fae49393a05397450978507c4ef1", qop=auth, nc=00000001, cnonce="0a4f113b", opaque="5ccc069c403ebaf9f0171e9517f40e41""#
    );
    // RFC 2069 section 2.4 with erratum 749: the response that is printed there is of another password.
    let rfc_2069 = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
    let (header, response) = answered(rfc_2069, ("Mufasa", "CircleOfLife", "GET", "", "unused"), "/dir/index.html");
    assert_eq!(response, "1949323746fe6a43ef61f9606e7febea");
    assert!(!header.contains("qop") && !header.contains("nc=") && !header.contains("algorithm"), "{header}");
    let table = [
        ("MD5", "auth", "", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "auth", "", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ("MD5-sess", "auth", "", "e783283f46242139c486a698fec7211d"),
        ("SHA-256-sess", "auth", "", "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"),
        ("MD5", "auth-int", r#"{"a":1}"#, "15b188edd42ec64280df76d316ec198e"),
        ("SHA-256", "auth-int", r#"{"a":1}"#, "193d6834c8f5b21e6b707fdd7de62ad0b3514493466cf33958098aa6d3836274"),
    ];
    for (algorithm, qop, body, expected) in table {
        let method = if body.is_empty() { "GET" } else { "POST" };
        let login = (CIRCLE.0, CIRCLE.1, method, body, CIRCLE.4);
        let (header, response) = answered(&mufasa(algorithm, qop), login, "/dir/index.html");
        assert_eq!(response, expected, "{algorithm} {qop}");
        assert!(header.contains(&format!(", algorithm={algorithm}, qop={qop}, nc=00000001, ")), "{header}");
    }
}

/// RFC 7616 section 3.9.2 with erratum 4897: what is printed there is SHA-512 cut short, not SHA-512/256.
#[test]
fn the_example_with_a_hashed_name_and_utf_8() {
    let challenge = r#"Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash="#;
    let login = ("Jäsøn Doe", "Secret, or not?", "GET", "", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v");
    let (header, response) = answered(&format!("{challenge}true"), login, "/doe.json");
    assert_eq!(response, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
    assert!(
        header.starts_with(r#"Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", "#),
        "{header}"
    );
    assert!(header.contains(", userhash=true"), "{header}");
    let (header, same) = answered(&format!("{challenge}false"), login, "/doe.json");
    assert_eq!(same, response);
    assert!(header.starts_with("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm="), "{header}");
    assert!(!header.contains("userhash"), "{header}");
    let (_, session) =
        answered(&format!("{challenge}true").replace("SHA-512-256", "SHA-512-256-sess"), login, "/doe.json");
    assert_eq!(session, "5df408eedb9260fa5576d1e23d63a441d1c1c3740df0bbfba5ded9233f6de306");
}

#[test]
fn the_strongest_challenge_is_answered() {
    let one = |algorithm: &str| {
        format!("Digest realm=r, nonce={}, algorithm={algorithm}, qop=auth", algorithm.to_lowercase())
    };
    let (md5, sha256, sha512) = (one("MD5"), one("SHA-256-SESS"), one("SHA-512-256"));
    for (offered, hash) in [
        (vec!["Basic realm=r", &md5, &sha256], Hash::Sha256),
        (vec![&sha512, &md5], Hash::Sha512Of256),
        (vec![&one("SHA3-256"), "Digest nonce=x", "NTLM", "=", &md5], Hash::Md5),
        (vec![&format!("Basic realm=\"r, Digest\", {md5}, {sha256}")], Hash::Sha256),
    ] {
        assert_eq!(strongest(&fields(&offered)).unwrap().hash, hash, "{offered:?}");
    }
    assert!(strongest(&fields(&[&sha256])).unwrap().session);
    let first = strongest(&fields(&["Digest realm=a,nonce=1", "Digest realm=b,nonce=2"])).unwrap();
    assert_eq!((first.realm, first.quality), (b"a".to_vec(), Quality::None));
    for (qop, quality) in
        [("\"\"", Quality::None), ("\"x, AUTH-int ,auth\"", Quality::Auth), ("auth-int", Quality::AuthInt)]
    {
        assert_eq!(strongest(&fields(&[&format!("Digest realm=a,nonce=1,qop={qop}")])).unwrap().quality, quality);
    }
}

#[test]
fn what_cannot_be_answered_says_why() {
    for (offered, why) in [
        (vec![], Unanswerable::Nothing),
        (vec!["Basic realm=x", "NTLM"], Unanswerable::OtherSchemes("Basic, NTLM".to_owned())),
        (vec!["Digest nonce=x"], Unanswerable::Lacks("realm")),
        (vec!["Digest realm=x"], Unanswerable::Lacks("nonce")),
        (vec!["Digest realm=x, nonce=\"\""], Unanswerable::Lacks("nonce")),
        (vec!["Digest realm=x, nonce=\"y"], Unanswerable::Malformed(Malformed::Syntax)),
        (
            vec!["Digest realm=x, nonce=y, algorithm=SHA-3", "Basic realm=x"],
            Unanswerable::Unknown("algorithm `sha-3`".to_owned(), "MD5, SHA-256 and SHA-512-256"),
        ),
        (
            vec!["Digest realm=x, nonce=y, qop=other"],
            Unanswerable::Unknown("qop `other`".to_owned(), "auth and auth-int"),
        ),
    ] {
        assert_eq!(strongest(&fields(&offered)).unwrap_err(), why, "{offered:?}");
    }
}

const AUTH: &str = r#"digest: { username: "u\"x", password: "{{user.userPassword}}" }"#;

fn user() -> Context {
    let mut context = Context::default();
    context.user.password = "p".into();
    context
}

fn reply(status: u16, challenges: &[&str]) -> Reply {
    Reply { status, headers: fields(challenges), body: bytes::Bytes::new(), timings: Timings::default() }
}

#[test]
fn a_probe_then_the_answer_over_the_url_that_is_sent() {
    let plan = form("GET", "https://4a.example.com/a%20b?x=1&y=%22", &[]);
    let scheme = scheme(AUTH, &plan).unwrap();
    let (context, ambient) = (user(), Fixed::at(0));
    let (request, signature) = sign(&*scheme, &plan, &context, &ambient).unwrap();
    assert!(signature.probe && signature.added.is_empty());
    assert!(request.headers.iter().all(|(name, _)| name != "authorization"));
    let asked = reply(401, &[r#"Digest realm="a\"b", nonce="n", qop=auth"#]);
    let (request, signature) = again(&*scheme, &plan, (&context, &ambient), (&asked, 0)).unwrap().unwrap();
    let header = added(&signature, "authorization");
    // md5(md5('u"x:a"b:p') + ':n:00000001:000102…0f:auth:' + md5('GET:/a%20b?x=1&y=%22'))
    let response = "c5871ca82df83b38f63215b7b3487f27";
    assert_eq!(
        header,
        format!(
            r#"Digest username="u\"x", realm="a\"b", nonce="n", uri="/a%20b?x=1&y=%22", response="{response}", qop=auth, nc=00000001, cnonce="000102030405060708090a0b0c0d0e0f""#
        )
    );
    assert!(request.headers.iter().any(|(name, value)| name == "authorization" && value.is_sensitive()));
    assert_eq!(signature.hidden[0].expose(), response, "an upstream may repeat it");
    assert!(!signature.probe);
}

#[test]
fn bytes_above_ascii_go_out_in_the_servers_charset_or_the_files() {
    let plan = form("GET", "https://4a.example.com/", &[]);
    for (charset, challenge, expected) in [
        ("", "", "Digest username=\"周\"".as_bytes()),
        (", charset: gbk", "", b"Digest username=\"\xd6\xdc\"".as_slice()),
        (", charset: gbk", ", charset=utf-8", b"Digest username*=UTF-8''%E5%91%A8".as_slice()),
    ] {
        let scheme = scheme(&format!("digest: {{ username: 周, password: p{charset} }}"), &plan).unwrap();
        let asked = reply(401, &[&format!("Digest realm=\"统\", nonce=n{challenge}")]);
        let (request, _) = again(&*scheme, &plan, (&user(), &Fixed::at(0)), (&asked, 0)).unwrap().unwrap();
        let (_, header) = request.headers.iter().find(|(name, _)| name == "authorization").unwrap();
        assert!(header.as_bytes().starts_with(expected), "{header:?}");
        assert!(header.as_bytes().windows(3).any(|it| it == "统".as_bytes()), "the realm as it came: {header:?}");
    }
}

#[test]
fn only_a_challenge_says_something_to_a_probe() {
    let plan = form("GET", "https://4a.example.com/", &[]);
    let scheme = scheme(AUTH, &plan).unwrap();
    for (status, challenges, cause) in [
        (200, vec![], Cause::UnexpectedReply),
        (200, vec!["Digest realm=r, nonce=n"], Cause::UnexpectedReply),
        (302, vec![], Cause::UnexpectedReply),
        (403, vec![], Cause::UnexpectedReply),
        (401, vec![], Cause::UnexpectedReply),
        (401, vec!["Basic realm=r"], Cause::UnexpectedReply),
        (401, vec!["Digest realm=\"r"], Cause::UnexpectedReply),
        (503, vec![], Cause::UpstreamError),
    ] {
        let given = reply(status, &challenges);
        match again(&*scheme, &plan, (&user(), &Fixed::at(0)), (&given, 0)) {
            Err(SignError::Unavailable(found, why)) => assert_eq!(found, cause, "{why}"),
            other => panic!("{status} {challenges:?}: {other:?}"),
        }
    }
}

#[test]
fn after_the_answer_only_a_stale_nonce_is_answered() {
    let plan = form("GET", "https://4a.example.com/", &[]);
    let scheme = scheme(AUTH, &plan).unwrap();
    let again_after = |status, challenge: &str| {
        let again_after = reply(status, &[challenge]);
        again(&*scheme, &plan, (&user(), &Fixed::at(0)), (&again_after, 1)).unwrap()
    };
    assert!(again_after(401, "Digest realm=r, nonce=n2").is_none(), "the credential is wrong");
    assert!(again_after(401, "Digest realm=r, nonce=n2, stale=false").is_none());
    assert!(again_after(401, "Digest realm=\"r").is_none());
    assert!(again_after(200, "Digest realm=r, nonce=n2, stale=true").is_none());
    let (_, signature) = again_after(401, "Digest realm=r, nonce=n2, stale=TRUE").unwrap();
    assert!(added(&signature, "authorization").contains(", nonce=\"n2\", "));
}

#[test]
fn what_the_probe_must_not_carry_is_refused_at_load() {
    let with = |value: &str| form("POST", "https://4a.example.com/", &[("p", value)]);
    assert_eq!(scheme(AUTH, &with("{{user.userPassword}}")).unwrap_err(), ["auth-probe"]);
    assert!(scheme(AUTH, &with("{{user.username}}")).is_ok());
    let nothing = form("GET", "https://4a.example.com/", &[]);
    assert_eq!(scheme("digest: { username: a, password: b, charset: klingon }", &nothing).unwrap_err(), ["charset"]);
}

#[test]
fn what_the_header_cannot_carry_is_refused_before_the_probe() {
    let plan = form("GET", "https://4a.example.com/", &[]);
    let scheme = scheme(r#"digest: { username: "{{user.username}}", password: p }"#, &plan).unwrap();
    for name in ["a:b", "a\r\nb", "a\0"] {
        let mut context = user();
        context.user.username = name.into();
        assert!(sign(&*scheme, &plan, &context, &Fixed::at(0)).is_err(), "{name:?}");
    }
}

/// The reply to `answered`, with these fields of Authentication-Info.
fn proved(status: u16, body: &'static str, info: &[&str]) -> Reply {
    let name = http::HeaderName::from_static("authentication-info");
    let headers = info.iter().map(|it| (name.clone(), http::HeaderValue::from_str(it).unwrap())).collect();
    Reply { status, headers, body: body.into(), timings: Timings::default() }
}

/// Of RFC 7616 section 3.9.1's exchange, and of RFC 2617's with `auth-int`; by Python's hashlib: A2 is `:uri`, with auth-int
/// `:uri:H(body)` (section 3.5).
#[test]
fn the_servers_proof_is_checked_where_it_is_sent() {
    let plan = form("GET", "https://4a.example.com/dir/index.html", &[]);
    let mut drawn = Context::default();
    drawn.user.username = "Mufasa".into();
    drawn.user.password = "Circle of Life".into();
    let signature = |auth: &str, challenge: &str| {
        let asked = reply(401, &[challenge]);
        let scheme = scheme(auth, &plan).unwrap();
        again(&*scheme, &plan, (&drawn, &Fixed::at(0)), (&asked, 0)).unwrap().unwrap()
    };
    for (algorithm, qop, right) in PROOFS {
        let (request, signature) = signature(&format!("{USER} }}"), &mufasa(algorithm, qop));
        let identity = request.headers.iter().any(|(name, value)| name == "accept-encoding" && value == "identity");
        assert_eq!(identity, qop == "auth-int");
        let proof = signature.proof.unwrap();
        assert!(!format!("{proof:?}").contains("Circle"));
        let check = |info: &[&str]| proof.check(&proved(200, "ok", info)).map_err(|error| error.to_string());
        check(&[&format!("rspauth=\"{right}\", qop={qop}, nc=00000001, cnonce=\"000102\"")]).unwrap();
        check(&["nextnonce=\"n2\"", &format!("rspauth={}", right.to_ascii_uppercase())]).unwrap();
        check(&[]).unwrap();
        check(&["nextnonce=\"n2\""]).unwrap();
        for (wrong, why) in [
            (format!("rspauth=\"{}\"", right.replace('a', "b")), "is wrong"),
            ("rspauth=\"\"".to_owned(), "is wrong"),
            (format!("rspauth=\"{right}"), "malformed"),
            (format!("rspauth={right}, rspauth={right}"), "twice"),
        ] {
            assert!(check(&[&wrong]).unwrap_err().contains(why), "{algorithm} {wrong}");
        }
        assert!(proof.check(&proved(401, "", &["rspauth=x"])).is_ok(), "the answer was refused");
        let changed = proof.check(&proved(200, "other", &[&format!("rspauth={right}")]));
        assert_eq!(changed.is_err(), qop == "auth-int", "only auth-int is over the body");
    }
    let (_, signature) = signature(&format!("{USER}, require_rspauth: true }}"), &mufasa("MD5", "auth"));
    let proof = signature.proof.unwrap();
    let missing = proof.check(&proved(200, "ok", &["nextnonce=x"])).unwrap_err().to_string();
    assert!(missing.contains("require_rspauth"), "{missing}");
    for refused in [401, 403, 423, 500] {
        assert!(proof.check(&proved(refused, "", &[])).is_ok(), "a refusal lets nobody in");
    }
}

const USER: &str = r#"digest: { username: "{{user.username}}", password: "{{user.userPassword}}""#;

/// Over the cnonce 000102…0f and the body `ok`.
const PROOFS: [(&str, &str, &str); 4] = [
    ("MD5", "auth", "bdda9383395c11a1468df109ba78a10c"),
    ("SHA-256", "auth", "2f49fe7d3b075052d49c4ad3f83f2fa42484dc63df2faa729623071bb52de2e4"),
    ("SHA-256-sess", "auth", "eb43da51e1e7f44d7abc4aafb47189254cec62779728836238c0ecbd8497f169"),
    ("MD5", "auth-int", "b4d8da8bea26c527f2e7c72690ba361c"),
];
