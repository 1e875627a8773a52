//! A portal with a one-time token in its login page, as servers with CSRF protection have it, and a second server that
//! nobody should ever ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{any, get, post};

/// What the portal remembers, and how it behaves.
#[derive(Debug, Default)]
pub struct Memory {
    /// Tokens that are good once, by session.
    tokens: HashMap<String, String>,
    /// What was posted or asked, path and query in front.
    pub asked: Vec<String>,
    /// The `action` of the login form, when it is not the usual one.
    pub action: Option<String>,
    /// The `<base href>` of the page.
    pub base: Option<String>,
    /// Whether tokens of pages are forgotten at once, as by a server that was restarted.
    pub forgetful: bool,
}

#[derive(Clone, Default)]
pub struct Portal {
    pub origin: String,
    pub memory: Arc<Mutex<Memory>>,
}

impl Portal {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let portal = Self { origin: format!("http://{}", listener.local_addr().unwrap()), ..Self::default() };
        let router = Router::new()
            .route("/portal/", get(page))
            .route("/cas/login;flow=1", post(login))
            .route("/cas/enter", get(enter))
            .fallback(any(other))
            .with_state(portal.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        portal
    }

    /// What was asked beside the page.
    pub fn asked(&self) -> Vec<String> {
        self.memory.lock().unwrap().asked.clone()
    }

    fn note(&self, uri: &Uri, body: &[u8]) {
        let line = format!("{uri} {}", String::from_utf8_lossy(body));
        self.memory.lock().unwrap().asked.push(line.trim_end().to_owned());
    }

    /// Whether `token` is the one of this session; it is good once.
    fn takes(&self, headers: &HeaderMap, token: &str) -> bool {
        let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let session = cookie.strip_prefix("SESSION=").unwrap_or_default();
        self.memory.lock().unwrap().tokens.remove(session).as_deref() == Some(token)
    }
}

/// The login form stands in a table, as it does in old portals, beside a form that is none of ours.
async fn page(State(portal): State<Portal>) -> Response {
    let (session, token) =
        (uuid::Uuid::new_v4().simple().to_string(), format!("LT-{}&=\u{4e2d}", uuid::Uuid::new_v4()));
    let mut memory = portal.memory.lock().unwrap();
    if !memory.forgetful {
        memory.tokens.insert(session.clone(), token.clone());
    }
    let base = memory.base.clone().unwrap_or_else(|| "/cas/".to_owned());
    let action = memory.action.clone().unwrap_or_else(|| "login;flow=1?service=portal#top".to_owned());
    let (token, action) = (escaped(&token), escaped(&action));
    let page = format!(
        "<!DOCTYPE html><html><head><title>统一认证</title><base href=\"{base}\"></head><body>
         <form id=search action=\"/search\"><input name=q></form>
         <table><form id=login method=post action=\"{action}\"><tr>
           <td><input type=hidden name=lt value=\"{token}\"><input name=username value=guest></td>
           <td><input type=password name=password><input type=checkbox name=remember value=1></td>
           <td><select name=realm><option value=staff>员工<option value=guest selected>访客</select>
               <textarea name=note>\nline 1\nline 2</textarea><input name=off value=x disabled>
               <input type=submit name=go value=登录></td>
         </tr></form></table>
         <form id=enter action=\"/cas/enter?old=1\"><input type=hidden name=ticket value=\"{token}\"><input name=pin></form>
         </body></html>"
    );
    ([(header::SET_COOKIE, format!("SESSION={session}; Path=/; HttpOnly"))], Html(page)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

async fn login(State(portal): State<Portal>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    portal.note(&uri, &body);
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let field =
        |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    if !portal.takes(&headers, field("lt")) {
        let title = format!("<title>unknown: {}</title><p class=csrf>token mismatch", escaped(field("lt")));
        return (StatusCode::FORBIDDEN, Html(title)).into_response();
    }
    let order = fields.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "remember");
    let order: Vec<&str> = order.collect();
    assert_eq!(order, ["lt", "username", "password", "realm", "note", "go"], "as a browser sends it");
    assert_eq!((field("realm"), field("note")), ("guest", "line 1\r\nline 2"));
    outcome(field("username"), field("password"))
}

/// A form that is sent with GET: its entries are all of the query.
async fn enter(State(portal): State<Portal>, uri: Uri, headers: HeaderMap) -> Response {
    portal.note(&uri, b"");
    let query = uri.query().unwrap_or_default().as_bytes();
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(query).into_owned().collect();
    let [(ticket, value), (pin, typed), (lang, _)] = &fields[..] else { panic!("{uri}") };
    assert_eq!((ticket.as_str(), pin.as_str(), lang.as_str()), ("ticket", "pin", "lang"));
    if !portal.takes(&headers, value) {
        return (StatusCode::FORBIDDEN, Html("<p class=csrf>ticket")).into_response();
    }
    outcome("zhangsan", typed)
}

fn outcome(user: &str, password: &str) -> Response {
    match password {
        "p w&\"1\"密" => Html(format!("<title>Home</title><b id=welcome>{}</b>", escaped(user))).into_response(),
        _ => Html("<title>统一认证</title><p class=error>用户名或密码错误").into_response(),
    }
}

async fn other(State(portal): State<Portal>, uri: Uri, body: Bytes) -> StatusCode {
    portal.note(&uri, &body);
    StatusCode::NOT_FOUND
}
