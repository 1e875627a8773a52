//! Logins in the browser, to their end: what the page sends back, bound to the login that sent the browser there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use doorward::flow::Report;
use doorward::verdict::Verdict;
use doorward_demo::DemoServer;
use reqwest::Url;
use reqwest::redirect::Policy;

use crate::upstreams::door::{Door, word};

fn product(id: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("connectors/products/{id}.yaml"))
}

/// A browser that stops where it is sent to another site.
#[expect(clippy::disallowed_methods, reason = "a browser of the tests, which must not follow redirects")]
fn browser() -> reqwest::Client {
    // There may be one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(Policy::none()).build().unwrap()
}

fn page(report: &Report) -> Url {
    let Verdict::Challenge(challenge) = &report.verdict else { panic!("{}: {}", word(report), report.explain) };
    challenge.url.as_ref().unwrap().parse().unwrap()
}

/// What the browser brings back to the console.
fn back(reply: &reqwest::Response) -> HashMap<String, String> {
    let location = reply.headers()["location"].to_str().unwrap();
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

/// Logs in at the CAS server's page.
async fn at_cas(page: Url, user: &str, password: &str) -> HashMap<String, String> {
    let shown = browser().get(page.clone()).send().await.unwrap().text().await.unwrap();
    let hidden = |name: &str| {
        let (_, rest) =
            shown.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {shown}"));
        rest.split_once('"').unwrap().0.to_owned()
    };
    let fields = [
        ("username", user.to_owned()),
        ("password", password.to_owned()),
        ("lt", hidden("lt")),
        ("execution", hidden("execution")),
        ("_eventId", "submit".to_owned()),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let posted = browser().post(page).header("content-type", "application/x-www-form-urlencoded").body(form);
    back(&posted.send().await.unwrap())
}

#[tokio::test]
async fn a_cas_ticket_is_good_for_the_login_that_asked_for_it() {
    let demo = DemoServer::start().await.unwrap();
    let (base, callback) = (demo.base(), "https://app.example.com/cas");
    let door = Door::open(&product("cas-ticket"), &[("base", &base), ("callback", callback)]).await;
    let begun = door.login("zhangsan", "").await;
    let brought = at_cas(page(&begun), "zhangsan", "123456").await;
    assert!(brought["ticket"].starts_with("ST-") && brought["state"].len() >= 22, "{brought:?}");
    let accepted = door.answer(&begun, "ticket", &brought["ticket"]).await;
    assert_eq!(word(&accepted), "accept", "{}", accepted.explain);

    // A ticket of another login of the same user, and one that was used.
    let slipped_in = at_cas(page(&door.login("zhangsan", "").await), "zhangsan", "123456").await;
    for ticket in [&slipped_in["ticket"], &brought["ticket"]] {
        let begun = door.login("zhangsan", "").await;
        let refused = door.answer(&begun, "ticket", ticket).await;
        assert_eq!(word(&refused), "reject(mfa_failed)", "{}", refused.explain);
    }

    // Somebody else's name.
    let begun = door.login("zhangsan", "").await;
    let brought = at_cas(page(&begun), "周八", "春眠不觉晓").await;
    let refused = door.answer(&begun, "ticket", &brought["ticket"]).await;
    assert_eq!(word(&refused), "reject(identity_mismatch)", "{}", refused.explain);
}

#[tokio::test]
async fn an_oauth_1_verifier_is_good_for_the_login_that_asked_for_it() {
    let demo = DemoServer::start().await.unwrap();
    let (base, callback) = (demo.base(), "https://console.example.com/callback");
    let secret = [("consumer_secret", doorward_demo::secrets::OAUTH1_SECRET)];
    let door =
        Door::open_with(&product("oauth1-three-legged"), &[("base", &base), ("callback", callback)], &secret).await;
    let approve = async |page: Url, user: &str, password: &str| {
        let page = Url::parse_with_params(page.as_str(), [("account", user), ("password", password)]).unwrap();
        back(&browser().get(page).send().await.unwrap())
    };
    let answer = async |begun: &Report, brought: &HashMap<String, String>| {
        let answers =
            [("oauth_token", brought["oauth_token"].as_str()), ("oauth_verifier", &brought["oauth_verifier"])];
        door.answer_all(begun, &answers).await
    };
    let begun = door.login("zhangsan", "").await;
    let brought = approve(page(&begun), "zhangsan", "123456").await;
    let accepted = answer(&begun, &brought).await;
    assert_eq!(word(&accepted), "accept", "{}", accepted.explain);

    // What another login was given: refused before anything is sent, and by the server when only the verifier is slipped in.
    let other = approve(page(&door.login("zhangsan", "").await), "zhangsan", "123456").await;
    let begun = door.login("zhangsan", "").await;
    let refused = answer(&begun, &other).await;
    assert_eq!(word(&refused), "reject(invalid_input)", "{}", refused.explain);
    assert!(refused.explain.contains("nothing was sent"), "{}", refused.explain);
    let begun = door.login("zhangsan", "").await;
    let own = approve(page(&begun), "zhangsan", "123456").await;
    let mixed = HashMap::from([
        ("oauth_token".to_owned(), own["oauth_token"].clone()),
        ("oauth_verifier".to_owned(), other["oauth_verifier"].clone()),
    ]);
    let refused = answer(&begun, &mixed).await;
    assert_eq!(word(&refused), "reject(mfa_failed)", "{}", refused.explain);

    // Somebody else approved.
    let begun = door.login("zhangsan", "").await;
    let brought = approve(page(&begun), "周八", "春眠不觉晓").await;
    let refused = answer(&begun, &brought).await;
    assert_eq!(word(&refused), "reject(identity_mismatch)", "{}", refused.explain);
}

#[tokio::test]
async fn an_openid_code_is_good_for_the_login_that_asked_for_it() {
    let demo = DemoServer::start().await.unwrap();
    let base = demo.base();
    let settings = [("base", &*base), ("issuer", &base), ("callback", "https://console.example.com/callback")];
    let secret = [("client", doorward_demo::secrets::OIDC_SECRET)];
    let door = Door::open_with(&product("oidc-code"), &settings, &secret).await;
    let approve = async |page: Url, user: &str, password: &str| {
        let page = Url::parse_with_params(page.as_str(), [("account", user), ("password", password)]).unwrap();
        back(&browser().get(page).send().await.unwrap())
    };
    let answer = async |begun: &Report, code: &str, state: &str| {
        door.answer_all(begun, &[("code", code), ("state", state)]).await
    };
    let begun = door.login("zhangsan", "").await;
    let brought = approve(page(&begun), "zhangsan", "123456").await;
    let accepted = answer(&begun, &brought["code"], &brought["state"]).await;
    assert_eq!(word(&accepted), "accept", "{}", accepted.explain);

    // What another login was given, as a whole: refused before anything is sent. Its code alone: refused by the verifier.
    let other = approve(page(&door.login("zhangsan", "").await), "zhangsan", "123456").await;
    let begun = door.login("zhangsan", "").await;
    let refused = answer(&begun, &other["code"], &other["state"]).await;
    assert_eq!(word(&refused), "reject(invalid_input)", "{}", refused.explain);
    assert!(refused.explain.contains("nothing was sent"), "{}", refused.explain);
    let begun = door.login("zhangsan", "").await;
    let own = approve(page(&begun), "zhangsan", "123456").await;
    let refused = answer(&begun, &other["code"], &own["state"]).await;
    assert_eq!(word(&refused), "reject(mfa_failed)", "{}", refused.explain);

    // Somebody else logged in.
    let begun = door.login("zhangsan", "").await;
    let brought = approve(page(&begun), "周八", "春眠不觉晓").await;
    let refused = answer(&begun, &brought["code"], &brought["state"]).await;
    assert_eq!(word(&refused), "reject(identity_mismatch)", "{}", refused.explain);
}
