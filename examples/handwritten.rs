//! The yardstick of `make bench`: what a programmer writes by hand for one customer, with axum and reqwest.
//!
//! `handwritten http://127.0.0.1:8080` prints its own address and serves `POST /login`: JSON in, md5 of the password, POST
//! to the upstream's `/api/login`, JSON out. It has no log, no guard, no limits, no second customer and no way to say
//! "could not tell"; what Doorward costs more is the price of those.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

#[derive(Serialize)]
struct Asked<'a> {
    #[serde(rename = "user-name")]
    username: &'a str,
    #[serde(rename = "user-password")]
    password: String,
}

#[derive(Deserialize)]
struct Reply {
    code: i64,
    msg: String,
    result: Option<Account>,
}

#[derive(Serialize, Deserialize)]
struct Account {
    token: String,
    #[serde(rename = "loginName")]
    login_name: String,
}

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    username: String,
    error_code: i64,
    error_message: String,
    extension: Option<Account>,
}

struct Upstream {
    client: reqwest::Client,
    url: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let base = std::env::args().nth(1).context("usage: handwritten http://HOST:PORT")?;
    // reqwest builds its TLS even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "the client of somebody else's program")]
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(8)).build()?;
    let upstream = Arc::new(Upstream { client, url: format!("{base}/api/login") });
    let router = Router::new().route("/login", post(login)).with_state(upstream);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn login(State(upstream): State<Arc<Upstream>>, body: Bytes) -> Response {
    match ask(&upstream, &body).await {
        Ok(answer) => {
            let status = if answer.verdict == "accept" { StatusCode::OK } else { StatusCode::FORBIDDEN };
            (status, Json(answer)).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn ask(upstream: &Upstream, body: &[u8]) -> Result<Answer> {
    let Login { username, password } = serde_json::from_slice(body)?;
    let asked = Asked { username: &username, password: hex::encode(Md5::digest(password.as_bytes())) };
    let request = upstream.client.post(&upstream.url).header(CONTENT_TYPE, "application/json");
    let reply = request.body(serde_json::to_vec(&asked)?).send().await?;
    let reply: Reply = serde_json::from_slice(&reply.bytes().await?)?;
    let same = reply.result.as_ref().is_some_and(|it| it.login_name.eq_ignore_ascii_case(&username));
    let verdict = if reply.code == 200 && same { "accept" } else { "reject" };
    Ok(Answer { verdict, username, error_code: reply.code, error_message: reply.msg, extension: reply.result })
}
