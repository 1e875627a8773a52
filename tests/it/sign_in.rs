//! The login page, as a browser meets it: cookies, forms and headers by hand, the real daemon behind.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::{get, post};
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFERER, SET_COOKIE};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::sessions::{connector, upstream};
use crate::support::daemon::{Daemon, Home, read};
use crate::support::nobody;

struct Lab {
    home: Home,
    daemon: Daemon,
    /// The address of the page.
    page: String,
}

impl Lab {
    async fn start() -> Self {
        Self::with("connectors: [ { id: corp, label: 统一认证 } ]", |_| {}).await
    }

    async fn with(connectors: &str, more: impl Fn(&Home)) -> Self {
        let (home, base) = (Home::new(""), upstream().await);
        home.configure(&format!(
            "log: {{ level: trace }}\naudit: {{ file: audit.jsonl }}\nguard: {{ enabled: false }}\nsign_in: {{ keys: [ {{ file: key }} ], \
             {connectors}, page: {{ url: \"http://127.0.0.1:1/\", listen: \"127.0.0.1:0\", name: 统一登录 }} }}"
        ));
        let text = read(&home.path("doorward.yaml")).replace("reload ]", "reload, sessions ]");
        std::fs::write(home.path("doorward.yaml"), text).unwrap();
        std::fs::write(home.path("key"), "ab".repeat(32)).unwrap();
        home.connector("corp", &connector(&base));
        home.connector("away", &connector(nobody().as_str().trim_end_matches('/')));
        more(&home);
        let daemon = home.start();
        let page = format!("http://{}", daemon.wait_for("login page")["address"].as_str().unwrap());
        Self { home, daemon, page }
    }

    fn browser(&self) -> Browser {
        Browser { page: self.page.clone(), cookies: BTreeMap::new(), more: HeaderMap::new() }
    }
}

/// Keeps cookies, follows nothing.
#[derive(Clone)]
struct Browser {
    page: String,
    cookies: BTreeMap<String, String>,
    more: HeaderMap,
}

struct Seen {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> String {
        let at = self
            .text
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("{name}: {}", self.text));
        at.1.split_once('"').unwrap().0.to_owned()
    }

    fn verdict(&self) -> &str {
        self.headers.get("doorward-verdict").map_or("", |value| value.to_str().unwrap())
    }
}

impl Browser {
    async fn send(&mut self, method: Method, path: &str, form: Option<&[(&str, &str)]>) -> Seen {
        // Nobody else chooses a provider in this process; a second choice is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "a browser, not an upstream's client")]
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut request = client.request(method.clone(), format!("{}{path}", self.page));
        if !self.cookies.is_empty() {
            let line: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, line.join("; "));
        }
        if method == Method::POST {
            request = request.header("sec-fetch-site", "same-origin");
        }
        if let Some(form) = form {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        let reply = request.headers(self.more.clone()).send().await.unwrap();
        for set in reply.headers().get_all(SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(set.contains("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        // Invariant 20 of the design.
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("script-src"), "{policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "same-origin")]
        {
            assert_eq!(headers[name], value, "{path}");
        }
        assert!(headers.contains_key("cache-control"), "{path}");
        assert!(!matches!(status, 307 | 308), "{path}");
        Seen { status, headers, text: reply.text().await.unwrap() }
    }

    async fn get(&mut self, path: &str) -> Seen {
        self.send(Method::GET, path, None).await
    }

    async fn submit(&mut self, path: &str, seen: &Seen, fields: &[(&str, &str)]) -> Seen {
        let (step, lang) = (seen.hidden("step"), seen.hidden("lang"));
        let mut form = vec![("step", step.as_str()), ("lang", lang.as_str())];
        form.extend_from_slice(fields);
        self.send(Method::POST, path, Some(&form)).await
    }

    async fn login(&mut self, user: &str, password: &str) -> Seen {
        let form = self.get("/login").await;
        self.submit("/login", &form, &[("username", user), ("password", password)]).await
    }

    async fn signed_in_as(&mut self) -> Option<String> {
        let home = self.get("/").await;
        if home.status == 303 {
            assert_eq!(home.headers[LOCATION], "/login");
            return None;
        }
        let who = home.text.split_once("<p class=\"who\">").unwrap().1;
        Some(who.split_once('<').unwrap().0.to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_and_out() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    assert_eq!(browser.signed_in_as().await, None);
    let done = browser.login("zhangsan", "right").await;
    assert_eq!((done.status, done.verdict()), (200, "accept"), "{}", done.text);
    assert!(done.text.contains("url=/") && done.text.contains("ZHANGSAN"), "{}", done.text);
    assert_eq!(browser.signed_in_as().await.as_deref(), Some("ZHANGSAN"));
    assert_eq!(lab.browser().signed_in_as().await, None, "another browser is nobody");
    let home = browser.get("/").await;
    let mut before = browser.clone();
    let out = browser.submit("/logout", &home, &[]).await;
    assert_eq!((out.status, browser.signed_in_as().await), (200, None));
    assert_eq!(before.signed_in_as().await, None, "the session is over, not only its cookie");
    let Lab { home, daemon, .. } = lab;
    let log = daemon.end().1;
    for text in [log, read(&home.path("audit.jsonl"))] {
        assert!(text.contains("sign-in") && !text.contains(&before.cookies["doorward-session"]), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verdict_has_its_page() {
    let lab = Lab::with("connectors: [ { id: corp }, { id: away } ]", |_| {}).await;
    let mut browser = lab.browser();
    let form = browser.get("/login").await;
    assert!(form.text.contains("name=\"connector\" value=\"away\""), "{}", form.text);
    let fields = |connector, user, password| [("connector", connector), ("username", user), ("password", password)];
    let wrong = browser.submit("/login", &form, &fields("corp", "zhangsan", "wrong")).await;
    assert_eq!((wrong.status, wrong.verdict()), (403, "reject"));
    assert!(wrong.text.contains("role=\"alert\"") && wrong.text.contains("value=\"zhangsan\""), "{}", wrong.text);
    // The page goes on from where it is: a fresh step each time.
    let empty = browser.submit("/login", &wrong, &fields("corp", "zhangsan", "")).await;
    assert_eq!((empty.status, empty.verdict()), (422, ""));
    let away = browser.submit("/login", &empty, &fields("away", "zhangsan", "right")).await;
    assert_eq!((away.status, away.verdict()), (503, "unavailable"));
    assert!(!away.text.contains("<form"), "no blind retry: {}", away.text);
    let form = browser.get("/login").await;
    assert_eq!(browser.submit("/login", &form, &fields("nosuch", "zhangsan", "right")).await.status, 400);
    assert_eq!(browser.get("/nowhere").await.status, 404);
    assert_eq!(browser.signed_in_as().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_asked_for_and_no_id_of_the_challenge_reaches_the_browser() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    let asked = browser.login("asked", "right").await;
    assert_eq!((asked.status, asked.verdict()), (200, "challenge"), "{}", asked.text);
    assert!(asked.text.contains("autocomplete=\"one-time-code\""), "{}", asked.text);
    let wrong = browser.submit("/login/answer", &asked, &[("answer.code", "000000")]).await;
    assert_eq!((wrong.status, wrong.verdict()), (200, "challenge"));
    assert!(wrong.text.contains("role=\"alert\""), "{}", wrong.text);
    // Invariant 2: only in the browser that began it, and once.
    let mut thief = lab.browser();
    thief.get("/login").await;
    assert_eq!(thief.submit("/login/answer", &wrong, &[("answer.code", "123456")]).await.status, 410);
    assert_eq!(browser.submit("/login/answer", &asked, &[("answer.code", "123456")]).await.status, 410, "a used one");
    let done = browser.submit("/login/answer", &wrong, &[("answer.code", "123456")]).await;
    assert_eq!((done.status, done.verdict()), (200, "accept"), "{}", done.text);
    assert_eq!(browser.signed_in_as().await.as_deref(), Some("ASKED"));
    assert_eq!(browser.submit("/login/answer", &wrong, &[("answer.code", "123456")]).await.status, 410);
    // Given up: the form again, and the step is used up.
    let asked = browser.login("asked", "right").await;
    let form = browser.submit("/login/answer", &asked, &[("action", "cancel")]).await;
    assert!(form.status == 200 && form.text.contains("name=\"password\""), "{}", form.text);
    assert_eq!(browser.submit("/login/answer", &asked, &[("answer.code", "123456")]).await.status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_is_not_taken() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    let fields = [("username", "zhangsan"), ("password", "right")];
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("sec-fetch-site", ""),
    ] {
        let form = browser.get("/login").await;
        browser.more.insert(name, value.parse().unwrap());
        let refused = browser.submit("/login", &form, &fields).await;
        browser.more.clear();
        assert_eq!((refused.status, refused.verdict()), (403, ""), "{value}");
    }
    assert_eq!(browser.signed_in_as().await, None);
    assert!(!read(&lab.home.path("audit.jsonl")).contains("zhangsan"), "nothing was sent");
    // A browser without Fetch Metadata shows where its form stood.
    for (origin, status) in
        [(Some("http://127.0.0.1:1"), 200), (Some("http://127.0.0.1"), 403), (Some("null"), 403), (None, 403)]
    {
        let form = browser.get("/login").await;
        let step = form.hidden("step");
        let client = crate::support::daemon::client();
        let body = format!("step={step}&username=zhangsan&password=right");
        let mut request = client.post(format!("{}/login", browser.page)).body(body);
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").header(REFERER, &browser.page);
        request = request.header(COOKIE, format!("doorward-browser={}", browser.cookies["doorward-browser"]));
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{origin:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_good_once_in_its_browser() {
    let lab = Lab::start().await;
    let (mut browser, mut other) = (lab.browser(), lab.browser());
    let (form, others) = (browser.get("/login").await, other.get("/login").await);
    let fields = [("username", "zhangsan"), ("password", "right")];
    assert_eq!(browser.submit("/login", &others, &fields).await.status, 410);
    let mut cookieless = lab.browser();
    assert_eq!(cookieless.submit("/login", &form, &fields).await.status, 410);
    assert_eq!(browser.submit("/login", &form, &fields).await.status, 200);
    // Back, and once more: nothing is sent twice.
    assert_eq!(browser.submit("/login", &form, &fields).await.status, 410);
    let step = others.hidden("step");
    for body in [
        vec![("step", step.as_str()), ("step", step.as_str()), ("username", "a"), ("password", "b")],
        vec![("step", step.as_str()), ("username", "a"), ("username", "b"), ("password", "b")],
    ] {
        assert_eq!(other.send(Method::POST, "/login", Some(&body)).await.status, 400, "a field that comes twice");
    }
}

/// Invariant 3.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_ends_what_the_browser_held() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    browser.login("zhangsan", "right").await;
    let mut before = browser.clone();
    assert_eq!(before.signed_in_as().await.as_deref(), Some("ZHANGSAN"));
    browser.login("lisi", "right").await;
    assert_eq!(browser.signed_in_as().await.as_deref(), Some("LISI"));
    assert_eq!(before.signed_in_as().await, None);
    assert_ne!(before.cookies["doorward-browser"], browser.cookies["doorward-browser"]);
}

/// Invariant 12, in a browser.
#[tokio::test(flavor = "multi_thread")]
async fn a_kick_signs_a_browser_out_at_once() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    browser.login("zhangsan", "right").await;
    let body = json!({ "connector": "corp", "user": "zhangsan" });
    let (status, text) = lab.daemon.call("POST", "/v1/sessions/kick", Some(body)).await;
    assert_eq!((status, browser.signed_in_as().await), (200, None), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_the_browsers_language_and_no_name_is_markup() {
    let lab = Lab::start().await;
    let mut browser = lab.browser();
    for (accepted, lang) in [("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("en-GB,en", "en"), ("fr", "zh-CN"), ("", "zh-CN")] {
        browser.more.insert(ACCEPT_LANGUAGE, accepted.parse().unwrap());
        let form = browser.get("/login").await;
        assert!(form.text.contains(&format!("<html lang=\"{lang}\">")), "{accepted}: {}", form.text);
        assert!(form.text.contains("统一登录"), "{}", form.text);
    }
    let english = browser.get("/login?lang=en").await;
    assert!(english.text.contains("<html lang=\"en\">") && english.text.contains("User name"), "{}", english.text);
    let name = "\"><script>alert(1)</script>";
    let wrong = browser.submit("/login", &english, &[("username", name), ("password", "wrong")]).await;
    assert!(wrong.text.contains("<html lang=\"en\">") && !wrong.text.contains("<script>"), "{}", wrong.text);
}

/// The upstream confirms at the second look.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_waited_for_without_a_script() {
    let looks = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let state = {
        let looks = std::sync::Arc::clone(&looks);
        move || {
            let state =
                if looks.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 { "WAITING" } else { "CONFIRMED" };
            std::future::ready(axum::Json(json!({ "code": 0, "data": { "state": state, "loginName": "zhangsan" } })))
        }
    };
    let begun = || {
        std::future::ready(axum::Json::<Value>(
            json!({ "code": 0, "data": { "pushId": "p", "loginName": "zhangsan" } }),
        ))
    };
    let router = Router::new().route("/push/login", post(begun)).route("/push/state", get(state));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/connectors/push-confirm.yaml");
    let text = std::fs::read_to_string(shipped).unwrap().split("\ntests:").next().unwrap().to_owned();
    let text = text.replace("https://4a.example.com", &base).replace("poll_after: 2s", "poll_after: 1s");
    let lab = Lab::with("connectors: [ { id: push } ]", move |home| home.connector("push", &text)).await;
    let mut browser = lab.browser();
    let mut seen = browser.login("zhangsan", "right").await;
    assert_eq!((seen.status, seen.verdict()), (200, "challenge"), "{}", seen.text);
    assert!(seen.text.contains("http-equiv=\"refresh\" content=\"2;url=/login/wait?step="), "{}", seen.text);
    let mut rounds = 0;
    while seen.verdict() == "challenge" {
        let step = seen.hidden("step");
        let mut thief = lab.browser();
        thief.get("/login").await;
        assert_eq!(thief.get(&format!("/login/wait?step={step}")).await.status, 410);
        seen = browser.get(&format!("/login/wait?step={step}&lang=en")).await;
        rounds += 1;
        assert!(rounds < 100_000, "{}", seen.text);
    }
    assert_eq!((seen.status, seen.verdict()), (200, "accept"), "{}", seen.text);
    assert_eq!(browser.signed_in_as().await.as_deref(), Some("zhangsan"));
}
