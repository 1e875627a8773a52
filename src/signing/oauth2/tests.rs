//! Tokens of the service's own: how the client proves itself, and when a token is asked for again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::clock::Ambient;
use crate::context::Context;
use crate::signing::trial::{added, form, scheme};
use crate::signing::{Scheme, ServerReply, SignError, SigningPorts, TokenStore};
use crate::upstream::{Exchange, Outgoing, Reply, SendFault, Timings};
use crate::verdict::Cause;

/// A token endpoint that gives `t1`, `t2`, … or what it is told to.
#[derive(Default)]
pub(in crate::signing) struct Endpoint {
    pub asked: Mutex<Vec<Outgoing>>,
    pub answers: Mutex<Vec<(u16, Value)>>,
    /// Milliseconds.
    pub clock: AtomicU64,
}

impl Exchange for Endpoint {
    fn send<'a>(&'a self, request: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        Box::pin(async move {
            let number = {
                let mut asked = self.asked.lock().unwrap();
                asked.push(request.clone());
                asked.len()
            };
            // Others come meanwhile.
            tokio::task::yield_now().await;
            let mut answers = self.answers.lock().unwrap();
            let usual =
                (200, json!({ "access_token": format!("t{number}"), "token_type": "Bearer", "expires_in": 600 }));
            let (status, body) = if answers.is_empty() { usual } else { answers.remove(0) };
            let body = body.to_string().into_bytes().into();
            Ok(Reply { status, headers: HeaderMap::new(), body, timings: Timings::default() })
        })
    }
}

impl Ambient for Endpoint {
    fn unix_ms(&self) -> u64 {
        1_767_323_045_000 + self.clock.load(Ordering::Relaxed)
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl Endpoint {
    pub(in crate::signing) fn ports<'a>(&'a self, context: &'a Context, tokens: &'a TokenStore) -> SigningPorts<'a> {
        let deadline = Instant::now() + Duration::from_mins(1);
        SigningPorts { context, ambient: self, exchange: self, deadline, tokens }
    }

    pub(in crate::signing) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The last request: its Authorization and its form.
    pub(in crate::signing) fn last(&self) -> (String, Vec<(String, String)>) {
        let asked = self.asked.lock().unwrap();
        let last = asked.last().unwrap();
        assert_eq!((last.method.as_str(), last.carries_credential), ("POST", false));
        let authorization = last.headers.iter().find(|(name, _)| name == AUTHORIZATION);
        let authorization = authorization.map(|(_, value)| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let form = url::form_urlencoded::parse(last.body.as_ref().unwrap()).into_owned().collect();
        (authorization, form)
    }

    pub(in crate::signing) async fn sign(&self, scheme: &dyn Scheme, tokens: &TokenStore) -> Result<String, SignError> {
        let mut request = form("GET", "https://4a.example.com/", &[]).render(&Context::default(), None).unwrap();
        let context = Context::default();
        let ports = self.ports(&context, tokens);
        scheme.sign(&mut request, &ports).await.map(|signature| added(&signature, "authorization"))
    }

    async fn again(
        &self,
        scheme: &dyn Scheme,
        tokens: &TokenStore,
        (status, rounds, repeatable): (u16, u32, bool),
    ) -> Option<String> {
        let mut request = form("GET", "https://4a.example.com/", &[]).render(&Context::default(), None).unwrap();
        let reply = Reply { status, headers: HeaderMap::new(), body: bytes::Bytes::new(), timings: Timings::default() };
        let server = ServerReply { reply: &reply, probe: false, rounds, repeatable, end_point: None };
        let context = Context::default();
        let ports = self.ports(&context, tokens);
        let signature = scheme.again(&mut request, server, &ports).await.unwrap();
        signature.map(|signature| added(&signature, "authorization"))
    }

    fn later(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

pub(in crate::signing) fn compiled(auth: &str) -> Box<dyn Scheme> {
    scheme(auth, &form("GET", "https://4a.example.com/", &[])).unwrap_or_else(|codes| panic!("{codes:?}"))
}

/// The header and the payload of a token.
pub(in crate::signing) fn decoded(token: &str) -> (Value, Value, String) {
    let parts: Vec<&str> = token.split('.').collect();
    let part = |index: usize| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[index]).unwrap()).unwrap();
    (part(0), part(1), parts[2].to_owned())
}

fn client(more: &str) -> String {
    format!(
        r#"oauth2: {{ token_url: "https://as.example.com/token", client_id: "a b", client_secret: "s+/=", {more} }}"#
    )
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn the_client_proves_itself_as_the_file_says() {
    let endpoint = Endpoint::default();
    let grant = pair("grant_type", "client_credentials");
    for (auth, header, more) in [
        ("scope: read", "Basic YStiOnMlMkIlMkYlM0Q=", vec![pair("scope", "read")]),
        ("client_auth: basic_raw, audience: x", "Basic YSBiOnMrLz0=", vec![pair("audience", "x")]),
        ("client_auth: form", "", vec![pair("client_id", "a b"), pair("client_secret", "s+/=")]),
    ] {
        assert_eq!(
            endpoint.sign(&*compiled(&client(auth)), &TokenStore::default()).await.unwrap(),
            format!("Bearer t{}", endpoint.asked())
        );
        let (authorization, form) = endpoint.last();
        assert_eq!(authorization, header, "{auth}");
        assert_eq!(form, [vec![grant.clone()], more].concat(), "{auth}");
    }
}

#[tokio::test]
async fn the_client_signs_an_assertion() {
    let endpoint = Endpoint::default();
    let pem = include_str!("../sorted_sign/rsa-of-tests.pem").replace('\n', "\\n");
    let private = format!(
        r#"oauth2: {{ token_url: "https://as.example.com/token", client_id: hub, client_auth: private_key_jwt, private_key: "{pem}", key_id: k1 }}"#
    );
    for (auth, algorithm, id) in [(client("client_auth: client_secret_jwt"), "HS256", "a b"), (private, "RS256", "hub")]
    {
        endpoint.sign(&*compiled(&auth), &TokenStore::default()).await.unwrap();
        let (authorization, form) = endpoint.last();
        assert_eq!(authorization, "");
        let value = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap();
        assert_eq!(value("client_id"), id);
        assert_eq!(value("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let (header, payload, signature) = decoded(&value("client_assertion"));
        assert_eq!(header["alg"], algorithm);
        assert_eq!(header["kid"], if id == "hub" { json!("k1") } else { Value::Null });
        let jti = "07".repeat(16);
        assert_eq!(
            payload,
            json!({ "iss": id, "sub": id, "aud": "https://as.example.com/token", "jti": jti, "iat": 1_767_323_045, "exp": 1_767_323_105 })
        );
        assert!(!signature.is_empty());
    }
}

#[tokio::test]
async fn a_token_serves_all_logins_until_shortly_before_its_end() {
    let (endpoint, tokens) = (Endpoint::default(), TokenStore::default());
    let (scheme, same) = (compiled(&client("scope: read")), compiled(&client("scope: read")));
    let sign = async |scheme: &dyn Scheme| endpoint.sign(scheme, &tokens).await.unwrap();
    assert_eq!(sign(&*scheme).await, "Bearer t1");
    assert_eq!(sign(&*same).await, "Bearer t1", "two steps share a token");
    assert_eq!(sign(&*compiled(&client("scope: write"))).await, "Bearer t2");
    endpoint.later(539);
    assert_eq!(sign(&*scheme).await, "Bearer t1");
    endpoint.later(1);
    assert_eq!(sign(&*scheme).await, "Bearer t3", "a minute before its end");
    assert_eq!(endpoint.asked(), 3);
    assert_eq!(
        endpoint.sign(&*scheme, &TokenStore::default()).await.unwrap(),
        "Bearer t4",
        "another connector asks for its own"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_down_holds_nobody_up_while_the_token_is_good() {
    let (endpoint, tokens) = (Endpoint::default(), TokenStore::default());
    let scheme = compiled(&client("scope: read"));
    assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), "Bearer t1");
    endpoint.later(545);
    *endpoint.answers.lock().unwrap() = vec![(503, json!({})), (503, json!({})), (401, json!({ "error": "x" }))];
    assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), "Bearer t1", "it is good for 55 s more");
    assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), "Bearer t1");
    assert_eq!(endpoint.asked(), 2, "and the endpoint is not asked by each login");
    // A helper's that was refused is not good, whatever its time.
    let (context, mut request) =
        (Context::default(), form("GET", "https://4a.example.com/", &[]).render(&Context::default(), None).unwrap());
    let reply =
        Reply { status: 401, headers: HeaderMap::new(), body: bytes::Bytes::new(), timings: Timings::default() };
    let server = ServerReply { reply: &reply, probe: false, rounds: 0, repeatable: true, end_point: None };
    endpoint.later(2);
    let again = scheme.again(&mut request, server, &endpoint.ports(&context, &tokens)).await;
    assert!(matches!(again, Err(SignError::Unavailable(Cause::UpstreamError, _))));
    endpoint.later(2);
    let refused = endpoint.sign(&*scheme, &tokens).await;
    assert!(matches!(refused, Err(SignError::Misconfigured(_))), "a client that is refused is told at once");
    endpoint.later(2);
    assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), "Bearer t5");
    // To its very end and no longer.
    endpoint.later(600);
    *endpoint.answers.lock().unwrap() = vec![(503, json!({}))];
    assert!(matches!(endpoint.sign(&*scheme, &tokens).await, Err(SignError::Unavailable(..))));
}

/// An endpoint that never answers, and counts who asks.
#[derive(Default)]
struct Silent(Endpoint);

impl Exchange for Silent {
    fn send<'a>(&'a self, request: &'a Outgoing, deadline: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        Box::pin(async move {
            self.0.asked.lock().unwrap().push(request.clone());
            tokio::time::sleep_until(deadline).await;
            let explain = "no answer".to_owned();
            Err(SendFault { cause: Cause::Timeout, written: true, explain, word: None })
        })
    }
}

/// Of logins that wait for an endpoint that says nothing, each ends with its own deadline; one with little time spoils no other.
#[tokio::test]
async fn a_login_in_a_hurry_says_nothing_about_the_endpoint() {
    let (endpoint, tokens, context) = (Silent::default(), TokenStore::default(), Context::default());
    let scheme = compiled(&client("scope: read"));
    let sign = async |milliseconds: u64, exchange: &dyn Exchange| {
        let mut request = form("GET", "https://4a.example.com/", &[]).render(&Context::default(), None).unwrap();
        let deadline = Instant::now() + Duration::from_millis(milliseconds);
        let ports = SigningPorts { exchange, deadline, ..endpoint.0.ports(&context, &tokens) };
        scheme.sign(&mut request, &ports).await.map(|signature| added(&signature, "authorization"))
    };
    let timeout = |end: &Result<String, SignError>| matches!(end, Err(SignError::Unavailable(Cause::Timeout, _)));
    assert!(timeout(&sign(20, &endpoint).await));
    assert_eq!(sign(60_000, &endpoint.0).await.unwrap(), "Bearer t2", "it is asked again, and answers by now");
    // All that come at once wait for one request, and none longer than its own deadline.
    endpoint.0.later(600);
    let logins = (0..20).map(|_| sign(2_100, &endpoint));
    assert!(futures_util::future::join_all(logins).await.iter().all(timeout));
    assert_eq!(endpoint.0.asked(), 3);
    assert!(timeout(&sign(60_000, &endpoint.0).await), "two seconds without a word are told to the others");
    assert_eq!(endpoint.0.asked(), 3);
}

#[tokio::test]
async fn logins_at_the_same_time_ask_once() {
    let (endpoint, tokens) = (Endpoint::default(), TokenStore::default());
    let scheme = compiled(&client("scope: read"));
    let logins = (0..50).map(|_| endpoint.sign(&*scheme, &tokens));
    for signed in futures_util::future::join_all(logins).await {
        assert_eq!(signed.unwrap(), "Bearer t1");
    }
    assert_eq!(endpoint.asked(), 1);
}

#[tokio::test]
async fn a_refused_token_is_asked_for_once_again_for_a_helper() {
    let (endpoint, tokens) = (Endpoint::default(), TokenStore::default());
    let scheme = compiled(&client("scope: read"));
    endpoint.sign(&*scheme, &tokens).await.unwrap();
    let again = async |heard| endpoint.again(&*scheme, &tokens, heard).await;
    assert_eq!(
        again((401, 0, true)).await.as_deref(),
        Some("Bearer t1"),
        "it is a few seconds old: another will not help"
    );
    endpoint.later(30);
    assert_eq!(again((200, 0, true)).await, None);
    assert_eq!(again((401, 1, true)).await, None, "once");
    assert_eq!(again((401, 0, true)).await.as_deref(), Some("Bearer t2"));
    assert_eq!(endpoint.asked(), 2);
    // A factor's request is not sent again; the next login has another token.
    endpoint.later(30);
    assert_eq!(again((401, 0, false)).await, None);
    assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), "Bearer t3");
    assert_eq!(again((401, 0, false)).await, None);
    assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), "Bearer t3", "not one for each wrong password");
}

#[tokio::test]
async fn a_refresh_token_is_replaced_by_the_one_that_comes_back() {
    let (endpoint, tokens) = (Endpoint::default(), TokenStore::default());
    let scheme = compiled(&client("grant: refresh, refresh_token: r0"));
    *endpoint.answers.lock().unwrap() = vec![
        (200, json!({ "access_token": "a1", "refresh_token": "r1", "expires_in": "60" })),
        (200, json!({ "access_token": "a2" })),
    ];
    for (token, refresh) in [("a1", "r0"), ("a2", "r1"), ("t3", "r1")] {
        assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), format!("Bearer {token}"));
        assert_eq!(endpoint.last().1, [pair("grant_type", "refresh_token"), pair("refresh_token", refresh)]);
        endpoint.later(700);
    }
}

#[tokio::test]
async fn what_the_endpoint_says_otherwise() {
    let misconfigured = |text: &str| Err(text.to_owned());
    for (answer, told) in [
        (
            (400, json!({ "error": "invalid_scope" })),
            misconfigured("the token endpoint refuses the client (HTTP 400: invalid_scope)"),
        ),
        ((401, json!({ "error": "s+/=" })), misconfigured("the token endpoint refuses the client (HTTP 401)")),
        ((401, json!("x")), Ok((Cause::UnexpectedReply, "answered HTTP 401 and no token"))),
        ((503, json!({ "error": "x" })), Ok((Cause::UpstreamError, "answered HTTP 503"))),
        ((302, json!({})), Ok((Cause::UnexpectedReply, "answered HTTP 302 and no token"))),
        ((200, json!({})), Ok((Cause::UnexpectedReply, "no access_token"))),
        ((200, json!({ "access_token": "a b" })), Ok((Cause::UnexpectedReply, "no access_token"))),
        ((200, json!({ "access_token": "a", "token_type": "mac" })), Ok((Cause::UnexpectedReply, "no bearer token"))),
        ((200, json!("token")), Ok((Cause::UnexpectedReply, "without a JSON object"))),
    ] {
        let (endpoint, tokens) = (Endpoint::default(), TokenStore::default());
        let scheme = compiled(&client("scope: read"));
        *endpoint.answers.lock().unwrap() = vec![answer.clone()];
        match (endpoint.sign(&*scheme, &tokens).await.unwrap_err(), told) {
            (SignError::Misconfigured(what), Err(told)) => assert_eq!(what, told),
            (SignError::Unavailable(cause, what), Ok((expected, told))) => {
                assert!(cause == expected && what.contains(told), "{what}");
            }
            (other, _) => panic!("{answer:?}: {other:?}"),
        }
        // Whoever waited is told the same; a second later it is asked again.
        endpoint.sign(&*scheme, &tokens).await.unwrap_err();
        assert_eq!(endpoint.asked(), 1);
        endpoint.later(1);
        assert_eq!(endpoint.sign(&*scheme, &tokens).await.unwrap(), "Bearer t2");
    }
}

#[test]
fn user_data_and_keys_that_do_not_fit_are_refused_at_load() {
    let plan = form("GET", "https://4a.example.com/", &[]);
    let with = |keys: &str| scheme(&format!("oauth2: {{ {keys} }}"), &plan).unwrap_err();
    let url = r#"token_url: "https://h/t""#;
    for (keys, code) in [
        (format!(r#"{url}, client_id: "{{{{user.username}}}}", client_secret: s"#), "auth-of-user"),
        (format!(r#"{url}, client_id: c, client_secret: "{{{{user.userPassword}}}}""#), "auth-of-user"),
        (format!(r#"{url}, client_id: c, client_secret: s, scope: "{{{{user.username}}}}""#), "auth-of-user"),
        (r#"token_url: "https://h/t?u={{user.username}}", client_id: c, client_secret: s"#.to_owned(), "auth-of-user"),
        (format!("{url}, client_id: c"), "auth-key"),
        (format!("{url}, client_id: c, private_key: k"), "auth-key"),
        (format!("{url}, client_id: c, client_secret: s, client_auth: private_key_jwt"), "auth-key"),
        (format!("{url}, client_id: c, client_secret: s, grant: refresh"), "auth-key"),
        (format!("{url}, client_id: c, client_secret: s, refresh_token: r"), "auth-key"),
    ] {
        assert_eq!(with(&keys), [code], "{keys}");
    }
}
