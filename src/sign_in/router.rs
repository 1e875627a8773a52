//! Which path leads where. The guard stands around all of them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::front::Front;
use super::{answer, guard, home, keys, login, page};
use crate::http::Served;

const STYLE: &str = include_str!("pages/style.css");

/// The pages, to be served on addresses of their own.
pub fn served(front: &Arc<Front>) -> Served {
    let of_faults = Arc::clone(front);
    let on_fault = move |_: &Uri, _| {
        let mut response = page::odd(&of_faults, of_faults.language("", &HeaderMap::new()));
        guard::dress(&mut response);
        response
    };
    Served {
        router: router(front),
        on_fault: Arc::new(on_fault),
        limits: front.app.shared_limits(),
        metrics: Arc::clone(&front.app.metrics),
    }
}

fn router(front: &Arc<Front>) -> Router {
    Router::new()
        .route("/", get(home::get))
        .route("/login", get(login::get).post(login::post))
        .route("/login/answer", post(answer::post))
        .route("/login/wait", get(answer::wait))
        .route("/login/return", get(answer::back))
        .route("/logout", post(home::logout))
        .route("/oauth/jwks", get(keys::get))
        .route("/.well-known/jwks.json", get(keys::get))
        .route("/style.css", get(style))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(front), guard::guard))
        .with_state(Arc::clone(front))
}

async fn style() -> Response {
    let mut response = Response::new(Body::from(STYLE));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}

async fn nowhere(State(front): State<Arc<Front>>, headers: HeaderMap) -> Response {
    let lang = front.language("", &headers);
    let (title, text) = (lang.text("signin.nowhere"), lang.text("signin.nowhere_text").to_owned());
    page::begin_anew(&front, lang, StatusCode::NOT_FOUND, title, text)
}
