//! A console of the demo: it calls the daemon's API as any console does, and lets the demo's user answer challenges.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use doorward::request::Spellings;
use doorward::shipped::{Shipped, Stage};
use doorward::upstream::{Client, Egress, EgressRules, Origin, Outgoing, TransportConfig};
use doorward_demo::DemoServer;
use doorward_demo::user::{Answer, Asks, Mood};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde_json::{Map, Value, json};
use url::Url;

/// A login takes at most 8 s; the demo's own bound is wider, so that the verdict is the daemon's.
const POLL_TIMEOUT: Duration = Duration::from_secs(20);

/// A caller of the daemon.
pub struct Console<'a> {
    client: Client,
    daemon: Url,
    authorization: HeaderValue,
    upstream: &'a DemoServer,
}

impl<'a> Console<'a> {
    /// A caller of the daemon at `origin`, whose users have their telephones at `upstream`.
    pub fn new(origin: &str, token: &str, upstream: &'a DemoServer) -> anyhow::Result<Self> {
        let rules = EgressRules { allow_loopback: true, ..EgressRules::default() };
        let origins = [Origin::parse(origin)?];
        Ok(Self {
            client: Client::new(&TransportConfig::default(), Arc::new(Egress::new(&rules)?), &origins)?,
            daemon: Url::parse(origin)?,
            authorization: HeaderValue::try_from(format!("Bearer {token}"))?,
            upstream,
        })
    }

    /// What a login comes to, verdict by verdict: `accept`, `reject(reason)`, `unavailable(cause)`, `misconfigured`, and a
    /// `challenge` before, which the user answers in this mood. A challenge that is open at the end is given up.
    pub async fn login(
        &self,
        shipped: &Shipped,
        (username, password): (&str, String),
        mood: Mood,
    ) -> anyhow::Result<Vec<String>> {
        let mut body = json!({ "username": username });
        if shipped.stage != Stage::Alone {
            body["password"] = password.into();
        }
        if let Stage::After(utility) = shipped.stage {
            body["attributes"] = self.looked_up(utility).await?;
        }
        let mut reply = self.call(&format!("/v1/connectors/{}/authenticate", shipped.id), &body).await?;
        let mut words = vec![word(&reply)?];
        if let Some(answer) = self.answer(shipped.asks, username, &reply, mood) {
            if answer.get("action").is_some() {
                // Before `poll_after` a poll is not sent upstream.
                let wait = reply.pointer("/challenge/poll_after").and_then(Value::as_u64).unwrap_or_default();
                tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_secs(wait)).await;
            }
            reply = self.call("/v1/challenges", &answer).await?;
            words.push(word(&reply)?);
        }
        if let Some(open) = reply.pointer("/challenge/id") {
            self.call("/v1/challenges", &json!({ "challenge": open, "action": "cancel" })).await?;
        }
        Ok(words)
    }

    /// The body of the call that brings the user's answer; `None` when nothing is asked.
    fn answer(&self, asks: Asks, username: &str, reply: &Value, mood: Mood) -> Option<Value> {
        let challenge = reply.get("challenge")?;
        let image = challenge.get("image").and_then(Value::as_str);
        Some(match asks.answer(self.upstream, username, image, mood)? {
            Answer::Poll => json!({ "challenge": challenge.get("id"), "action": "poll" }),
            Answer::Fields(fields) => {
                let answers: Map<String, Value> =
                    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
                json!({ "challenge": challenge.get("id"), "answers": answers })
            }
        })
    }

    /// What a captcha's utility gives, with what the user reads in its picture.
    async fn looked_up(&self, utility: &str) -> anyhow::Result<Value> {
        let reply = self.call(&format!("/v1/utilities/{utility}"), &json!({ "inputs": {} })).await?;
        let part = |name: &str| reply.pointer(&format!("/extension/{name}")).and_then(Value::as_str);
        let picture = part("picture").and_then(|text| STANDARD.decode(text).ok());
        let digits = picture.and_then(|png| self.upstream.read_picture(&png)).context("the captcha cannot be read")?;
        Ok(json!({ "captcha": digits, "captcha_session": part("session").context("the captcha has no session")? }))
    }

    async fn call(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = Outgoing {
            method: Method::POST,
            url: self.daemon.join(path)?,
            headers: vec![
                (AUTHORIZATION, self.authorization.clone()),
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            ],
            spellings: Spellings::default(),
            body: Some(Bytes::from(body.to_string())),
            carries_credential: true,
            path_template: None,
            own: None,
        };
        let deadline = tokio::time::Instant::now() + POLL_TIMEOUT;
        let reply = self.client.send(&request, deadline).await;
        let reply = reply.map_err(|fault| anyhow::anyhow!("the daemon does not answer: {fault:?}"))?;
        serde_json::from_slice(&reply.body).context("the daemon's answer is not JSON")
    }
}

/// A verdict in a word, with what it says about why.
fn word(reply: &Value) -> anyhow::Result<String> {
    let text = |path: &str| reply.pointer(path).and_then(Value::as_str);
    let verdict = text("/verdict").with_context(|| format!("the daemon's answer is no verdict: {reply}"))?;
    Ok(match text("/reason").or(text("/cause")).or(text("/challenge/error/reason")) {
        Some(why) => format!("{verdict}({why})"),
        None => verdict.to_owned(),
    })
}
