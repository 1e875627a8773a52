//! Each shipped connector against the demo server, through the real flow: right, wrong, hostile and odd accounts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward::clock::System;
use doorward::connector::catalog::{Live, Loader, files};
use doorward::connector::check::SecretsFrom;
use doorward::demo::people::{Knock, PEOPLE};
use doorward::demo::shipped::{self, CONNECTORS, SCRIPTS, SECRETS, Shipped};
use doorward::demo::{DemoServer, Outcome};
use doorward::document::Object;
use doorward::flow::progress::Progress;
use doorward::flow::{Login, Report, Tools, authenticate};
use doorward::script::{Limits, Worker};
use doorward::secret::Secret;
use doorward::upstream::{Egress, EgressRules};
use doorward::verdict::Verdict;

/// Where the repository's connectors are.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors")
}

fn loader(base: Option<String>) -> Loader {
    let rules = EgressRules { allow_loopback: true, ..EgressRules::default() };
    Loader {
        worker: Worker::of(env!("CARGO_BIN_EXE_doorward")),
        limits: Limits::default(),
        egress: Arc::new(Egress::new(&rules).unwrap()),
        env: Box::new(|name| SECRETS.iter().find(|(secret, _)| *secret == name).map(|(_, value)| (*value).to_owned())),
        settings: base.into_iter().map(|base| ("base".to_owned(), base)).collect(),
        secrets: BTreeMap::new(),
        secrets_from: SecretsFrom::Environment,
    }
}

/// The shipped connectors, pointed at `base`.
async fn loaded(base: Option<String>) -> Vec<(&'static Shipped, Live)> {
    let files = files(&repository()).unwrap();
    let outcomes = loader(base).load(&files).await;
    let mut loaded = Vec::new();
    for outcome in outcomes {
        let found: Vec<_> = outcome.diagnostics.iter().map(|found| (&found.message, &found.help)).collect();
        let Some(live) = outcome.live else { panic!("{} does not load: {found:#?}", outcome.id) };
        let shipped = CONNECTORS.iter().find(|shipped| shipped.id == outcome.id);
        loaded.push((shipped.unwrap_or_else(|| panic!("{} is not in demo::shipped", outcome.id)), live));
    }
    loaded
}

async fn login(live: &Live, username: &str, password: String) -> Report {
    let progress = Progress::default();
    let login = Login {
        username: username.to_owned(),
        password: Secret::new(password),
        client_ip: None,
        attributes: Object::new(),
        request_id: "shipped".to_owned(),
        deadline: None,
        trace: false,
    };
    authenticate(&live.connector, Tools::of(live, &System, &progress), login).await
}

/// `accept`, `reject(reason)` or another verdict's name.
fn word(report: &Report) -> String {
    match &report.verdict {
        Verdict::Reject(reject) => format!("reject({})", reject.reason),
        verdict => verdict.name().to_owned(),
    }
}

#[test]
fn the_binary_carries_the_files_of_the_repository() {
    let names: Vec<String> = CONNECTORS.iter().map(|shipped| format!("{}.yaml", shipped.id)).collect();
    let mut on_disk: Vec<String> = files(&repository())
        .unwrap()
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut sorted = names.clone();
    sorted.sort();
    on_disk.sort();
    assert_eq!(sorted, on_disk);

    let scratch = tempfile::tempdir().unwrap();
    let laid_out = shipped::lay_out(scratch.path()).unwrap();
    for name in &names {
        assert_eq!(
            std::fs::read(laid_out.join(name)).unwrap(),
            std::fs::read(repository().join(name)).unwrap(),
            "{name}"
        );
    }
    for (name, text) in SCRIPTS {
        assert_eq!(std::fs::read_to_string(scratch.path().join("scripts").join(name)).unwrap(), *text);
    }
}

#[tokio::test]
async fn golden_cases_pass() {
    let loader = loader(None);
    for outcome in loader.load(&files(&repository()).unwrap()).await {
        let found: Vec<_> = outcome.diagnostics.iter().map(|found| (&found.message, &found.help)).collect();
        assert!(found.is_empty(), "{}: {found:#?}", outcome.id);
        let live = outcome.live.unwrap_or_else(|| panic!("{} does not load", outcome.id));
        let golden = doorward::golden::run(&live, &loader).await;
        let found: Vec<_> = golden.diagnostics.iter().map(|found| (&found.message, &found.help)).collect();
        assert!(found.is_empty(), "{}: {found:#?}", outcome.id);
        assert!(golden.cases >= 5 && golden.passed == golden.cases, "{}: {golden:?}", outcome.id);
    }
}

#[tokio::test]
async fn right_passwords_are_accepted_whatever_they_hold() {
    let server = DemoServer::start().await.unwrap();
    for (shipped, live) in loaded(Some(server.base())).await {
        for person in [PEOPLE[0], PEOPLE[1], PEOPLE[5]] {
            let report = login(&live, person.login, shipped.packed(person.password)).await;
            assert_eq!(
                word(&report),
                "accept",
                "{} {}: {} {:?}",
                shipped.id,
                person.login,
                report.explain,
                server.seen().last()
            );
            assert_eq!(report.credential_sends, 1, "{}", shipped.id);
        }
    }
}

#[tokio::test]
async fn wrong_passwords_and_accounts_that_may_not_log_in_are_rejected() {
    let server = DemoServer::start().await.unwrap();
    for (shipped, live) in loaded(Some(server.base())).await {
        let (username, password) = shipped.wrong();
        let report = login(&live, username, password).await;
        assert_eq!(word(&report), "reject(invalid_credentials)", "{}: {}", shipped.id, report.explain);
        let report = login(&live, "nobody", shipped.packed("123456")).await;
        assert_eq!(word(&report), "reject(invalid_credentials)", "{}: {}", shipped.id, report.explain);
        let report = login(&live, "wangwu", shipped.packed("whatever")).await;
        assert_eq!(word(&report), "reject(account_locked)", "{}: {}", shipped.id, report.explain);
        // These two say no more than "denied" to others than the locked.
        let coarse = ["form", "multipart"].contains(&shipped.id);
        for (person, reason) in [(PEOPLE[3], "account_disabled"), (PEOPLE[4], "password_expired")] {
            let report = login(&live, person.login, shipped.packed(person.password)).await;
            let reason = if coarse { "invalid_credentials" } else { reason };
            assert_eq!(
                word(&report),
                format!("reject({reason})"),
                "{} {}: {}",
                shipped.id,
                person.login,
                report.explain
            );
        }
        let report = login(&live, "zhangsan", String::new()).await;
        assert_eq!(word(&report), "reject(invalid_input)", "{}: {}", shipped.id, report.explain);
    }
}

/// What people type into login forms to break them, and what careless templates break on.
const HOSTILE: &[&str] = &[
    "' or '1'='1' -- ",
    r#"x","password":"123456","y":""#,
    r"zhangsan\",
    "zhangsan\" , \"code\" : 200",
    "zhangsan&password=123456&user-password=123456",
    "zhangsan%26a=b%00%0d%0a",
    "</password><password>123456</password>",
    "]]><!-- <![CDATA[ &lt;&#x41;",
    "{{user.userPassword | md5}}${base}",
    "../../admin?x=1#y",
    "a b\tc+d%20e;f,g=h|i",
    "周 八 \u{3000}",
];

#[tokio::test]
async fn hostile_input_arrives_as_typed_or_not_at_all() {
    let server = DemoServer::start().await.unwrap();
    for (shipped, live) in loaded(Some(server.base())).await {
        let mut attempts: Vec<(&str, String)> = vec![shipped.injection()];
        attempts.extend(HOSTILE.iter().map(|text| (*text, shipped.packed("123456"))));
        attempts.extend(HOSTILE.iter().map(|text| ("zhangsan", shipped.packed(text))));
        for (username, password) in attempts {
            let before = server.seen();
            let report = login(&live, username, password).await;
            let verdict = word(&report);
            if verdict == "reject(invalid_input)" {
                assert_eq!(server.seen(), before, "{}: sent although refused: {username}", shipped.id);
                assert_eq!(report.credential_sends, 0, "{}", shipped.id);
                continue;
            }
            assert_eq!(verdict, "reject(invalid_credentials)", "{} {username:?}: {}", shipped.id, report.explain);
            let seen = server.seen().pop().unwrap().outcome;
            let expected = Outcome::Understood { login: username.to_owned(), knock: Knock::Wrong };
            assert_eq!(seen, expected, "{}: something else arrived", shipped.id);
        }
        let report = login(&live, shipped.injection().0, shipped.injection().1).await;
        assert_eq!(word(&report), format!("reject({})", shipped.refused), "{}", shipped.id);
    }
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    // A port that was free a moment ago; whoever takes it meanwhile is no demo server either.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for (shipped, live) in loaded(Some(base)).await {
        let (username, password) = shipped.right();
        let report = login(&live, username, password).await;
        assert_eq!(word(&report), "unavailable", "{}: {}", shipped.id, report.explain);
    }
}

#[tokio::test]
async fn what_the_upstream_gives_goes_back() {
    let server = DemoServer::start().await.unwrap();
    let loaded: BTreeMap<&str, Live> =
        loaded(Some(server.base())).await.into_iter().map(|(shipped, live)| (shipped.id, live)).collect();
    let mapped = async |id: &str| {
        let report = login(&loaded[id], "zhangsan", "123456".to_owned()).await;
        match report.verdict {
            Verdict::Accept(accept) => accept.mapped,
            verdict => panic!("{id}: {verdict:?}"),
        }
    };
    let whole = mapped("extension-whole").await.extension.unwrap();
    let text = doorward::document::to_json(&whole);
    assert!(text.contains(r#""url":"https://app.example.com/v3/","expires_in":7200"#), "{text}");
    assert!(text.contains(r#""id":9007199254740993"#), "digits survive: {text}");
    let parts = mapped("extension-parts").await;
    let text = doorward::document::to_json(&parts.extension.unwrap());
    assert!(
        text.ends_with(r#""server":"https://app.example.com/v3/"}"#) && text.starts_with(r#"{"token":""#),
        "{text}"
    );
    let soap = mapped("soap").await;
    assert!(soap.attributes.contains(&("account_state".to_owned(), "active".into())), "{:?}", soap.attributes);
    let gbk = mapped("gbk").await;
    assert_eq!((gbk.error_code.as_deref(), gbk.error_message.as_deref()), (Some("200"), Some("认证通过")));
}
