//! The drill of an operator with two daemons: Redis is restarted and a daemon is killed while people log in. No login is lost but
//! those that were in flight or waited for an answer then, and no id of a challenge is good twice.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::challenges::connectors;
use crate::challenges::upstream::{CODE, Upstream};
use crate::support::daemon::{Home, TOKEN, client};
use crate::support::redis::Redis;

const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

const PEOPLE: usize = 12;

/// What one person does: calls either daemon, and knows which of them are alive.
#[derive(Clone)]
struct Person {
    name: String,
    http: reqwest::Client,
    /// The daemons that are alive.
    daemons: Arc<Mutex<Vec<String>>>,
    /// Every id that was good once.
    good: Arc<Mutex<HashSet<String>>>,
}

impl Person {
    /// The answer, or `None` when the daemon died over it.
    async fn call(&self, turn: usize, path: &str, body: &Value) -> Option<Value> {
        let base = {
            let daemons = self.daemons.lock().unwrap();
            daemons[turn % daemons.len()].clone()
        };
        let request = self.http.post(format!("{base}{path}")).bearer_auth(TOKEN);
        let sent = request.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
        serde_json::from_str(&sent.text().await.ok()?).ok()
    }

    /// A challenge; `None`: lost.
    async fn open(&self, turn: usize) -> Option<String> {
        let body = json!({ "username": self.name, "password": "right" });
        let opened = self.call(turn, "/v1/connectors/corp/authenticate", &body).await?;
        Some(opened["challenge"]["id"].as_str()?.to_owned())
    }

    /// Whether the answer is taken; the same answer once more never is.
    async fn answer(&self, turn: usize, id: &str) -> bool {
        let body = json!({ "challenge": id, "answers": { "code": CODE } });
        let first = self.call(turn, "/v1/challenges", &body).await;
        let accepted = first.as_ref().is_some_and(|answer| answer["verdict"] == "accept");
        for again in [turn, turn + 1] {
            let answer = self.call(again, "/v1/challenges", &body).await.unwrap_or_default();
            assert_ne!(answer["verdict"], "accept", "an id was good twice: {first:?} {answer}");
        }
        if accepted {
            assert!(self.good.lock().unwrap().insert(id.to_owned()), "an id was given twice");
        }
        accepted
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_restarts_and_a_daemon_dies_while_people_log_in() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let upstream = Upstream::start().await;
    let home = Home::new(
        "state: { kind: redis, url: { file: redis.url }, keys: [ { file: state.key } ] }\n\
         guard: { store: redis, when_away: local }",
    );
    std::fs::write(home.path("redis.url"), redis.url(None)).unwrap();
    std::fs::write(home.path("state.key"), KEY).unwrap();
    home.connector("corp", &connectors::sms(&upstream.base));
    let (one, other) = (home.start(), home.start());
    let daemons = Arc::new(Mutex::new(vec![one.base.clone(), other.base.clone()]));
    let good = Arc::default();
    // The three moments at which everybody has a challenge open: before the restart, before the kill, after all.
    let (opened, go_on) = (Arc::new(Barrier::new(PEOPLE + 1)), Arc::new(Barrier::new(PEOPLE + 1)));
    let people: Vec<_> = (0..PEOPLE)
        .map(|number| {
            let person = Person {
                name: format!("user{number}"),
                http: client(),
                daemons: Arc::clone(&daemons),
                good: Arc::clone(&good),
            };
            let (opened, go_on) = (Arc::clone(&opened), Arc::clone(&go_on));
            tokio::spawn(async move {
                let mut accepted = Vec::new();
                for moment in 0..3 {
                    // Logins between the moments: none of them may be lost.
                    let id = loop {
                        // While a connection to the old Redis is replaced, one try may fail: it was in flight.
                        if let Some(id) = person.open(number + moment).await {
                            break id;
                        }
                    };
                    opened.wait().await;
                    go_on.wait().await;
                    accepted.push(person.answer(number + moment + 1, &id).await);
                }
                accepted
            })
        })
        .collect();
    opened.wait().await;
    redis.stop();
    redis.resume();
    go_on.wait().await;
    opened.wait().await;
    daemons.lock().unwrap().pop();
    other.kill();
    go_on.wait().await;
    opened.wait().await;
    go_on.wait().await;
    for person in people {
        let accepted = person.await.unwrap();
        assert_eq!(accepted, [false, true, true], "only what waited while Redis was restarted is lost");
    }
    drop(one);
}
