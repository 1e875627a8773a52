//! Each shipped connector against the demo server, through the real flow: right, wrong, hostile and odd accounts.

use doorward::catalog::files;
use doorward::shipped::{self, CONNECTORS, SCRIPTS};
use doorward::verdict::Verdict;
use doorward_demo::Outcome;
use doorward_demo::people::{LoginResult, PEOPLE};
use doorward_demo::user::{Asks, Mood};

use crate::support::shipped::{Stand, loader, repository};

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
    let stand = Stand::new().await;
    for (shipped, _) in stand.logins() {
        for person in [PEOPLE[0], PEOPLE[1], PEOPLE[5]] {
            // No authenticator's code counts twice.
            stand.seconds_later(30);
            let checked = stand.server.passwords_checked();
            let session = stand.login(shipped.id, person.login, &shipped.packed(person.password), Mood::Right).await;
            let seen = stand.server.seen().pop();
            let explain = &session.report.explain;
            assert_eq!(session.word(), "accept", "{} {}: {explain} {seen:?}", shipped.id, person.login);
            assert_eq!(session.credential_sends, 1, "{}", shipped.id);
            assert_eq!(stand.server.passwords_checked(), checked + 1, "{}", shipped.id);
        }
    }
}

#[tokio::test]
async fn wrong_passwords_and_accounts_that_may_not_log_in_are_rejected() {
    let stand = Stand::new().await;
    for (shipped, _) in stand.logins() {
        let expect = async |username: &str, password: &str, expected: &str| {
            let session = stand.login(shipped.id, username, &shipped.packed(password), Mood::Right).await;
            assert_eq!(session.word(), expected, "{} {username}: {}", shipped.id, session.report.explain);
        };
        expect("zhangsan", "654321", "reject(invalid_credentials)").await;
        expect("nobody", "123456", "reject(invalid_credentials)").await;
        expect("wangwu", "whatever", "reject(account_locked)").await;
        // These two say no more than "denied" to others than the locked.
        let coarse = ["form", "multipart"].contains(&shipped.id);
        for (person, reason) in [(PEOPLE[3], "account_disabled"), (PEOPLE[4], "password_expired")] {
            let expected = match shipped.asks {
                // It is what this one is for.
                Asks::NewPassword if reason == "password_expired" => "accept".to_owned(),
                _ if coarse => "reject(invalid_credentials)".to_owned(),
                _ => format!("reject({reason})"),
            };
            expect(person.login, person.password, &expected).await;
        }
        let session = stand.begin(shipped.id, "zhangsan", "").await;
        assert_eq!(session.word(), "reject(invalid_input)", "{}: {}", shipped.id, session.report.explain);
    }
}

/// A login by the name alone: the code is the only proof, for whoever has the telephone.
#[tokio::test]
async fn a_name_alone_is_asked_for_a_code_or_refused() {
    let stand = Stand::of(&["sms-login"]).await;
    for person in [PEOPLE[0], PEOPLE[1], PEOPLE[5]] {
        let session = stand.login("sms-login", person.login, "", Mood::Right).await;
        assert_eq!(session.word(), "accept", "{}: {}", person.login, session.report.explain);
    }
    for (login, expected) in
        [("nobody", "invalid_credentials"), ("wangwu", "account_locked"), ("zhaoliu", "account_disabled")]
    {
        let session = stand.begin("sms-login", login, "").await;
        assert_eq!(session.word(), format!("reject({expected})"), "{login}: {}", session.report.explain);
    }
    for text in HOSTILE {
        let session = stand.begin("sms-login", text, "").await;
        assert_eq!(session.word(), "reject(invalid_credentials)", "{text}: {}", session.report.explain);
        let seen = stand.server.seen().pop().unwrap().outcome;
        assert_eq!(seen, Outcome::Understood { login: (*text).to_owned(), result: LoginResult::Wrong }, "{text}");
    }
    let session = stand.begin("sms-login", "zhangsan", "123456").await;
    assert_eq!(session.word(), "reject(invalid_input)", "{}", session.report.explain);
}

/// What people type into login forms to break them, and what careless templates break on.
pub const HOSTILE: &[&str] = &[
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
    let stand = Stand::new().await;
    for (shipped, _) in stand.logins() {
        let mut attempts: Vec<(&str, String)> = vec![shipped.injection()];
        attempts.extend(HOSTILE.iter().map(|text| (*text, shipped.packed("123456"))));
        attempts.extend(HOSTILE.iter().map(|text| ("zhangsan", shipped.packed(text))));
        for (username, password) in attempts {
            let before = stand.server.seen();
            let session = stand.login(shipped.id, username, &password, Mood::Right).await;
            let (verdict, explain) = (session.word(), &session.report.explain);
            if verdict == "reject(invalid_input)" {
                assert_eq!(stand.server.seen(), before, "{}: sent although refused: {username}", shipped.id);
                assert_eq!(session.credential_sends, 0, "{}", shipped.id);
                continue;
            }
            assert_eq!(verdict, "reject(invalid_credentials)", "{} {username:?}: {explain}", shipped.id);
            let seen = stand.server.seen().pop().unwrap().outcome;
            let expected = Outcome::Understood { login: username.to_owned(), result: LoginResult::Wrong };
            assert_eq!(seen, expected, "{}: something else arrived", shipped.id);
        }
        let (username, password) = shipped.injection();
        let session = stand.login(shipped.id, username, &password, Mood::Right).await;
        assert_eq!(session.word(), format!("reject({})", shipped.refused), "{}", shipped.id);
    }
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let stand = Stand::nowhere().await;
    for (shipped, _) in stand.logins() {
        let (username, password) = shipped.right();
        let session = stand.begin(shipped.id, username, &password).await;
        assert_eq!(session.word(), "unavailable", "{}: {}", shipped.id, session.report.explain);
    }
}

#[tokio::test]
async fn what_the_upstream_gives_goes_back() {
    let stand = Stand::of(&["extension-whole", "extension-parts", "soap", "gbk", "cas", "app-token"]).await;
    let mapped = async |id: &str| match stand.begin(id, "zhangsan", "123456").await.report.verdict {
        Verdict::Accept(accept) => accept.mapped,
        verdict => panic!("{id}: {verdict:?}"),
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
    for id in ["cas", "app-token"] {
        assert!(mapped(id).await.attributes.contains(&("display_name".to_owned(), "张三".into())), "{id}");
    }
}
