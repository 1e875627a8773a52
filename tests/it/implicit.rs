//! The implicit flow against the demo's provider: the id_token of this login is believed, and of no other.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::flow::Report;
use doorward::verdict::Verdict;
use doorward_demo::{Clock, DemoServer};

use crate::support::daemon::client_builder;
use crate::upstreams::door::{Door, word};

/// What the callback finds in its fragment.
#[derive(Clone)]
struct Fragment {
    id_token: String,
    state: String,
}

struct Stand {
    server: DemoServer,
    door: Door,
}

impl Stand {
    async fn of(server: DemoServer) -> Self {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/products/implicit-id-token.yaml");
        let door = Door::open(&file, &[("base", &server.base())]).await;
        Self { server, door }
    }

    /// Logs in at the provider's page, which the login of `report` opened.
    async fn browser(&self, report: &Report, username: &str, password: &str) -> Fragment {
        let Verdict::Challenge(challenge) = &report.verdict else { panic!("{}: {}", word(report), report.explain) };
        let url = challenge.url.as_ref().unwrap();
        assert!(url.starts_with(&self.server.base()), "{url}");
        let client = client_builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        assert_eq!(client.get(url).send().await.unwrap().status(), 200);
        let form = format!("username={username}&password={password}");
        let sent = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form).send();
        let response = sent.await.unwrap();
        assert_eq!(response.status(), 302);
        let location = url::Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
        assert_eq!(location.query(), None, "the answer is in the fragment alone");
        let pairs = url::form_urlencoded::parse(location.fragment().unwrap().as_bytes());
        let [id_token, state] = pairs.map(|(_, value)| value.into_owned()).collect::<Vec<_>>().try_into().unwrap();
        Fragment { id_token, state }
    }

    async fn begin(&self) -> Report {
        self.door.login("zhangsan", "").await
    }

    async fn answer(&self, report: &Report, fragment: &Fragment) -> Report {
        self.door.answer_all(report, &[("id_token", &fragment.id_token), ("state", &fragment.state)]).await
    }
}

#[tokio::test]
async fn the_token_of_this_login_and_user_alone() {
    let stand = Stand::of(DemoServer::start().await.unwrap()).await;
    let report = stand.begin().await;
    let own = stand.browser(&report, "zhangsan", "123456").await;
    let report = stand.answer(&report, &own).await;
    assert_eq!(word(&report), "accept", "{}", report.explain);

    // Somebody else logged in at the page.
    let report = stand.begin().await;
    let other = stand.browser(&report, "%E5%91%A8%E5%85%AB", "%E6%98%A5%E7%9C%A0%E4%B8%8D%E8%A7%89%E6%99%93").await;
    assert_eq!(word(&stand.answer(&report, &other).await), "reject(identity_mismatch)");

    // The token of an earlier login of the same user, with the state of this one; and both of the earlier one.
    let report = stand.begin().await;
    let fresh = stand.browser(&report, "zhangsan", "123456").await;
    let slipped_in = Fragment { id_token: own.id_token.clone(), ..fresh.clone() };
    let refused = stand.answer(&report, &slipped_in).await;
    assert_eq!(word(&refused), "unavailable(unexpected_reply)", "{}", refused.explain);
    assert!(refused.explain.contains("is of another login"), "{}", refused.explain);
    assert!(!refused.explain.contains(&own.id_token[..40]), "{}", refused.explain);
    let report = stand.begin().await;
    assert_eq!(word(&stand.answer(&report, &own).await), "reject(invalid_input)");
}

#[tokio::test]
async fn what_is_no_believable_token() {
    let stand = Stand::of(DemoServer::start().await.unwrap()).await;
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    for (change, why) in [
        (0, "is signed by an algorithm that `algorithms` does not name"),
        (1, "has a signature that is not right"),
        (2, "cannot be read"),
    ] {
        let report = stand.begin().await;
        let own = stand.browser(&report, "zhangsan", "123456").await;
        let [head, payload, signature] = own.id_token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let id_token = match change {
            0 => format!("{}.{payload}.", part(r#"{"alg":"none"}"#)),
            1 => format!("{head}.{}.{signature}", part(&claims.replace("zhangsan", "lisi"))),
            _ => payload.to_owned(),
        };
        let refused = stand.answer(&report, &Fragment { id_token, ..own }).await;
        assert_eq!(word(&refused), "unavailable(unexpected_reply)", "{}", refused.explain);
        assert!(refused.explain.contains(why), "{}", refused.explain);
    }
    let report = stand.begin().await;
    let own = stand.browser(&report, "zhangsan", "123456").await;
    let refused = stand.door.answer(&report, "id_token", &own.id_token).await;
    assert_eq!(word(&refused), "reject(invalid_input)", "without state: {}", refused.explain);
}

/// An hour ago.
struct Late;

impl Clock for Late {
    fn unix_ms(&self) -> u64 {
        doorward_demo::System.unix_ms() - 3_600_000
    }
}

#[tokio::test]
async fn an_expired_token() {
    let stand = Stand::of(DemoServer::start_at(Arc::new(Late)).await.unwrap()).await;
    let report = stand.begin().await;
    let own = stand.browser(&report, "zhangsan", "123456").await;
    let refused = stand.answer(&report, &own).await;
    assert_eq!(word(&refused), "unavailable(unexpected_reply)", "{}", refused.explain);
    assert!(refused.explain.contains("has expired"), "{}", refused.explain);
}
