//! Calls of the API by reqwest. One request a call: nothing is sent twice, no redirect is followed, and no proxy variable is
//! read, because a token and a password must reach the daemon that was named and no other.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use doorward::secret::Secret;
use doorward::trace::harmless;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, Response, redirect};
use serde_json::Value as Json;

use super::address::Address;
use super::answer::Answer;
use super::{Access, fault, tls};

/// A daemon on another continent answers sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The daemon ends a login at its connector's own timeout, which is shorter.
const CALL_TIMEOUT: Duration = Duration::from_mins(2);

/// A send test of a large reply is well below; a server that is no Doorward may send without end.
const MAX_BODY: usize = 16 << 20;

/// A daemon and the right to call it.
pub struct Client {
    http: reqwest::Client,
    /// As the user wrote it.
    address: Address,
    base: String,
    token: Secret,
}

/// A request as a console writes it.
pub struct ConsoleRequest {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub headers: HeaderMap,
    /// With its type.
    pub body: Option<(&'static str, String)>,
}

/// What a console hears.
pub struct ConsoleReply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Client {
    /// A client of the daemon at `address`. Nothing is sent yet.
    #[expect(clippy::disallowed_methods, reason = "a client of the API; the way to upstreams is doorward::upstream")]
    pub fn new(address: Address, access: &Access) -> Result<Self> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(access.ca_file.as_deref())?)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT);
        let (builder, base) = match &address {
            Address::Origin(origin) => (builder, origin.to_string()),
            Address::Socket(path) => (builder.unix_socket(path.as_path()), "http://localhost".to_owned()),
        };
        let http = builder.build().context("no client can be made")?;
        Ok(Self { http, base, token: access.token()?, address })
    }

    /// One call that the token's scopes must allow.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Json>) -> Result<Answer> {
        let answer = self.ask(method, path, body).await?;
        if answer.code() == Some("insufficient_scope") {
            let detail = answer.body.get("detail").and_then(Json::as_str).unwrap_or("it lacks the scope");
            bail!("the token is not one for this call: {} in doorward.yaml", harmless(detail));
        }
        Ok(answer)
    }

    /// One call. An error says why there is no answer of a Doorward, or that it does not know the token.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Json>) -> Result<Answer> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(serde_json::to_vec(body)?);
        }
        let answer = self.read(self.send(request).await?).await?;
        ensure!(answer.code() != Some("invalid_token"), "the daemon at {} knows no such token", self.address);
        Ok(answer)
    }

    /// A page that is no JSON.
    pub async fn text(&self, path: &str) -> Result<String> {
        let mut response = self.send(self.request(Method::GET, path)).await?;
        if response.status().as_u16() != 200 {
            return Err(self.read(response).await?.refusal());
        }
        let bytes = self.bytes(&mut response).await?;
        String::from_utf8(bytes)
            .map_err(|_| anyhow!("what answers at {} is no Doorward; is the address right?", self.address))
    }

    async fn bytes(&self, response: &mut Response) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| fault::explain(&self.address, &error))? {
            ensure!(bytes.len() + piece.len() <= MAX_BODY, "the answer of {} is larger than 16 MiB", self.address);
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(self.token.expose())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        request.send().await.map_err(|error| fault::explain(&self.address, &error))
    }

    /// A console's request to a door, without a token of its own. The reply as it came.
    pub async fn as_console(&self, request: ConsoleRequest) -> Result<ConsoleReply> {
        let ConsoleRequest { method, target, headers, body } = request;
        let mut asked = self.http.request(method, format!("{}{target}", self.base)).headers(headers);
        if let Some((content_type, body)) = body {
            asked = asked.header(CONTENT_TYPE, content_type).body(body);
        }
        let mut response = asked.send().await.map_err(|error| fault::explain(&self.address, &error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| fault::explain(&self.address, &error))? {
            ensure!(body.len() + piece.len() <= MAX_BODY, "the answer of {} is larger than 16 MiB", self.address);
            body.extend_from_slice(&piece);
        }
        Ok(ConsoleReply { status, headers, body })
    }

    async fn read(&self, mut response: Response) -> Result<Answer> {
        let status = response.status().as_u16();
        let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_problem = media.starts_with("application/problem+json");
        let bytes = self.bytes(&mut response).await?;
        match serde_json::from_slice(&bytes) {
            Ok(Json::Object(body)) => Ok(Answer { status, is_problem, body }),
            _ => bail!("what answers at {} is no Doorward (HTTP {status}); is the address right?", self.address),
        }
    }
}
