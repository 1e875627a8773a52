//! The demo's table: for each connector a right login, a wrong one and an injection, asked over HTTP as a console asks.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use doorward::demo::people::Knock;
use doorward::demo::shipped::{CONNECTORS, Shipped};
use doorward::demo::{DemoServer, Outcome};
use doorward::upstream::{Client, Egress, EgressRules, Origin, Outgoing, TransportConfig};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use url::Url;

/// A login takes at most 8 s; the demo's own bound is wider, so that the verdict is the daemon's.
const PATIENCE: Duration = Duration::from_secs(20);

/// A caller of the daemon.
pub struct Console {
    client: Client,
    daemon: Url,
    authorization: HeaderValue,
}

impl Console {
    /// A caller of the daemon at `origin`.
    pub fn new(origin: &str, token: &str) -> anyhow::Result<Self> {
        let rules = EgressRules { allow_loopback: true, ..EgressRules::default() };
        let origins = [Origin::parse(origin)?];
        Ok(Self {
            client: Client::new(&TransportConfig::default(), Arc::new(Egress::new(&rules)?), &origins)?,
            daemon: Url::parse(origin)?,
            authorization: HeaderValue::try_from(format!("Bearer {token}"))?,
        })
    }

    /// The verdict in a word: `accept`, `reject(reason)`, `unavailable(cause)`, `misconfigured`.
    async fn ask(&self, connector: &str, (username, password): (&str, String)) -> anyhow::Result<String> {
        let body = json!({ "username": username, "password": password });
        let request = Outgoing {
            method: Method::POST,
            url: self.daemon.join(&format!("/v1/connectors/{connector}/authenticate"))?,
            headers: vec![
                (AUTHORIZATION, self.authorization.clone()),
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            ],
            body: Some(Bytes::from(body.to_string())),
            carries_credential: true,
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let reply = self.client.send(&request, deadline).await;
        let reply = reply.map_err(|fault| anyhow::anyhow!("the daemon does not answer: {fault:?}"))?;
        let reply: Value = serde_json::from_slice(&reply.body).context("the daemon's answer is not JSON")?;
        let word = |name: &str| reply.get(name).and_then(Value::as_str);
        let verdict = word("verdict").context("the daemon's answer is no verdict")?;
        Ok(match word("reason").or(word("cause")) {
            Some(why) => format!("{verdict}({why})"),
            None => verdict.to_owned(),
        })
    }
}

/// One connector's line.
pub struct Row {
    shipped: &'static Shipped,
    right: String,
    wrong: String,
    injection: String,
    arrived: Arrived,
}

/// What the 4A server saw of the injection.
#[derive(PartialEq, Eq)]
enum Arrived {
    /// A user of exactly this name, who is not known.
    AsTyped,
    /// Nothing.
    NotSent,
    /// Something else.
    Altered,
}

impl Row {
    /// Whether all three came out as they must.
    pub fn as_expected(&self) -> bool {
        self.right == "accept"
            && self.wrong == "reject(invalid_credentials)"
            && self.injection == format!("reject({})", self.shipped.refused)
            && self.arrived != Arrived::Altered
    }
}

/// Asks everything.
pub async fn rows(console: &Console, upstream: &DemoServer) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for shipped in CONNECTORS {
        let right = console.ask(shipped.id, shipped.right()).await?;
        let wrong = console.ask(shipped.id, shipped.wrong()).await?;
        let before = upstream.seen();
        let injection = console.ask(shipped.id, shipped.injection()).await?;
        let after = upstream.seen();
        let as_typed = Outcome::Understood { login: shipped.hostile.to_owned(), knock: Knock::Wrong };
        let arrived = match after.last() {
            _ if after == before => Arrived::NotSent,
            Some(seen) if seen.outcome == as_typed => Arrived::AsTyped,
            _ => Arrived::Altered,
        };
        rows.push(Row { shipped, right, wrong, injection, arrived });
    }
    Ok(rows)
}

/// The table.
pub fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut line = |cells: [&str; 5]| {
        let [id, right, wrong, injection, arrived] = cells;
        let _ = writeln!(text, "{id:<24} {right:<15} {wrong:<28} {injection:<28} {arrived}");
    };
    line(["connector", "right password", "wrong password", "injection", "and the 4A server saw"]);
    for row in rows {
        let arrived = match row.arrived {
            Arrived::AsTyped => "the text as typed",
            Arrived::NotSent => "nothing: it was not sent",
            Arrived::Altered => "SOMETHING ELSE",
        };
        line([row.shipped.id, &row.right, &row.wrong, &row.injection, arrived]);
    }
    let wrong: Vec<&str> = rows.iter().filter(|row| !row.as_expected()).map(|row| row.shipped.id).collect();
    let _ = if wrong.is_empty() {
        writeln!(text, "\n{} connectors, {} logins, all as expected.", rows.len(), 3 * rows.len())
    } else {
        writeln!(text, "\nNot as expected: {}", wrong.join(" "))
    };
    text
}

/// Commands for a second terminal.
pub fn to_try(daemon: &str, token: &str, test: &str, upstream: &str, people: &str) -> String {
    format!(
        "\nIn another terminal, a login over the API:\n\
         \n  curl -i {daemon}/v1/connectors/foura-json-md5/authenticate \\\n    \
         -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\\n    \
         -d '{{\"username\":\"zhangsan\",\"password\":\"123456\"}}'\n\
         \nand the same with every stage shown (it asks for the password):\n\
         \n  {test} --username zhangsan --set base={upstream}\n\
         \nUsers and passwords:\n{people}\
         \nCtrl-C ends the demo."
    )
}
