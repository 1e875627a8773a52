//! The shipped connectors of more than one step against the demo server: wrong, late, used and other people's answers,
//! codes sent once more, tokens that are kept, hostile text where an answer belongs.

use doorward::document::Value;
use doorward::flow::{Action, UtilityEnd};
use doorward::verdict::Verdict;
use doorward_demo::people::PEOPLE;
use doorward_demo::user::{Asks, Mood, NEW_PASSWORD};

use crate::shipped::HOSTILE;
use crate::support::shipped::Stand;

/// What is asked for, and the error that a wrong answer comes to, where it is asked again.
const ASKED_AGAIN: &[(&str, &str)] = &[
    ("sms-code", "mfa_failed"),
    ("sms-login", "mfa_failed"),
    ("totp", "mfa_failed"),
    ("wecom-code", "mfa_failed"),
    ("dingtalk-code", "mfa_failed"),
    ("password-renewal", "invalid_input"),
];
/// Those whose code comes in a message, and the route that sends it.
const MESSAGES: &[(&str, &str)] = &[
    ("sms-code", "/mfa/sms/send"),
    ("wecom-code", "/cgi-bin/message/send"),
    ("dingtalk-code", "/v1.0/robot/oToMessages/batchSend"),
];
/// Those that ask for six digits.
const CODES: &[&str] = &["sms-code", "totp", "wecom-code", "dingtalk-code"];
/// Those with a token of the application, and the route that grants it.
const APPS: &[(&str, &str)] = &[
    ("app-token", "/open/oauth/token"),
    ("wecom-code", "/cgi-bin/gettoken"),
    ("dingtalk-code", "/v1.0/oauth2/accessToken"),
];

fn ids(pairs: &[(&'static str, &'static str)]) -> Vec<&'static str> {
    pairs.iter().map(|(id, _)| *id).collect()
}

#[tokio::test]
async fn a_wrong_answer_costs_an_attempt_and_the_right_one_still_counts() {
    let stand = Stand::of(&ids(ASKED_AGAIN)).await;
    for &(id, error) in ASKED_AGAIN {
        let (shipped, _) = stand.live(id);
        let (username, password) = shipped.right();
        let checked = stand.server.passwords_checked();
        let mut login = stand.begin(id, username, &password).await;
        let (attempts, first) = (login.challenge().attempts_left, login.challenge().id.clone());
        assert_eq!(login.answer(Mood::Wrong).await, format!("challenge({error})"), "{id}: {}", login.report.explain);
        assert_eq!(login.challenge().attempts_left, attempts - 1, "{id}");
        assert_ne!(login.challenge().id, first, "{id}: an answer uses the id up");
        assert_eq!(login.answer(Mood::Right).await, "accept", "{id}: {}", login.report.explain);
        assert_eq!(stand.server.passwords_checked(), checked + 1, "{id}: the password is sent once");
        assert_eq!(login.credential_sends, 1, "{id}: and so is each answer");
    }
}

#[tokio::test]
async fn wrong_answers_end_with_the_attempts() {
    let stand = Stand::of(&ids(ASKED_AGAIN)).await;
    for &(id, error) in ASKED_AGAIN {
        let (shipped, _) = stand.live(id);
        let (username, password) = shipped.right();
        let mut login = stand.begin(id, username, &password).await;
        for _ in 1..login.challenge().attempts_left {
            assert_eq!(login.answer(Mood::Wrong).await, format!("challenge({error})"), "{id}");
        }
        assert_eq!(login.answer(Mood::Wrong).await, format!("reject({error})"), "{id}: {}", login.report.explain);
    }
}

#[tokio::test]
async fn hostile_answers_are_not_sent() {
    let stand = Stand::of(CODES).await;
    let verified =
        || ["/mfa/sms/verify", "/api/v1/authn/factors/{id}/verify"].map(|route| stand.server.requests(route));
    for id in CODES {
        for hostile in
            HOSTILE.iter().chain(&["", "12345", "1234567", "１２３４５６", "{{steps.send.code}}", "123456\n"])
        {
            stand.seconds_later(30);
            let before = verified();
            let mut login = stand.begin(id, "zhangsan", "123456").await;
            let word = login.fill_in(&[("code", hostile)]).await;
            assert_eq!(word, "challenge(invalid_input)", "{id} {hostile:?}: {}", login.report.explain);
            assert_eq!(verified(), before, "{id} {hostile:?}");
            let word = login.fill_in(&[("code", "123456"), ("admin", "1")]).await;
            assert_eq!(word, "challenge(invalid_input)", "{id}: an answer that nobody asked for");
            assert_eq!(login.answer(Mood::Right).await, "accept", "{id}: {}", login.report.explain);
        }
    }
}

#[tokio::test]
async fn a_code_is_its_users() {
    let stand = Stand::of(CODES).await;
    for id in CODES {
        let (shipped, _) = stand.live(id);
        let mut login = stand.begin(id, "zhangsan", "123456").await;
        let mut other = stand.begin(id, "lisi", PEOPLE[1].password).await;
        let code = |who: &str| match shipped.asks {
            Asks::Authenticator => stand.server.phone(who).authenticator,
            _ => stand.server.phone(who).code().unwrap(),
        };
        if code("lisi") != code("zhangsan") {
            assert_eq!(login.fill_in(&[("code", &code("lisi"))]).await, "challenge(mfa_failed)", "{id}");
        }
        assert_eq!(login.answer(Mood::Right).await, "accept", "{id}");
        assert_eq!(other.answer(Mood::Right).await, "accept", "{id}");
    }
}

#[tokio::test]
async fn what_comes_too_late_does_not_count() {
    // The store of the daemon forgets a challenge when its time is over; here it is the upstream that says so.
    let stand = Stand::of(&["sms-code", "push-confirm", "captcha-ask"]).await;
    let mut sms = stand.begin("sms-code", "zhangsan", "123456").await;
    let mut push = stand.begin("push-confirm", "zhangsan", "123456").await;
    let mut captcha = stand.begin("captcha-ask", "zhangsan", "123456").await;
    stand.seconds_later(120);
    assert_eq!(push.go_on(Action::Poll).await, "reject(challenge_expired)", "{}", push.report.explain);
    assert_eq!(captcha.answer(Mood::Right).await, "reject(mfa_failed)", "{}", captcha.report.explain);
    stand.seconds_later(180);
    assert_eq!(sms.answer(Mood::Right).await, "challenge(mfa_failed)", "{}", sms.report.explain);
    let said = sms.challenge().error.as_ref().and_then(|error| error.error_message.clone());
    assert_eq!(said.as_deref(), Some("验证码已过期，请重新获取"));
}

#[tokio::test]
async fn a_code_is_sent_once_more_and_replaces_the_first() {
    let stand = Stand::of(&ids(MESSAGES)).await;
    for &(id, route) in MESSAGES {
        let mut login = stand.begin(id, "zhangsan", "123456").await;
        let first = stand.server.phone("zhangsan").code().unwrap();
        let sent = stand.server.requests(route);
        let (challenge, attempts) = (login.challenge().id.clone(), login.challenge().attempts_left);
        assert_eq!(login.go_on(Action::Resend).await, "challenge(too_many_attempts)", "{id}: too early");
        assert_eq!(stand.server.requests(route), sent, "{id}");
        stand.seconds_later(60);
        assert_eq!(login.go_on(Action::Resend).await, "challenge", "{id}: {}", login.report.explain);
        assert_eq!(stand.server.requests(route), sent + 1, "{id}");
        assert_eq!(login.challenge().id, challenge, "{id}: the id stays");
        assert_eq!(login.challenge().attempts_left, attempts, "{id}");
        let second = stand.server.phone("zhangsan").code().unwrap();
        if first != second {
            assert_eq!(login.fill_in(&[("code", &first)]).await, "challenge(mfa_failed)", "{id}");
        }
        assert_eq!(login.fill_in(&[("code", &second)]).await, "accept", "{id}: {}", login.report.explain);
    }
}

#[tokio::test]
async fn a_code_is_sent_once_more_although_the_applications_token_was_lost() {
    let stand = Stand::of(&["wecom-code", "dingtalk-code"]).await;
    for id in ["wecom-code", "dingtalk-code"] {
        let mut login = stand.begin(id, "zhangsan", "123456").await;
        stand.server.forget_app_tokens();
        stand.seconds_later(60);
        assert_eq!(login.go_on(Action::Resend).await, "challenge", "{id}: {}", login.report.explain);
        assert_eq!(login.answer(Mood::Right).await, "accept", "{id}: {}", login.report.explain);
    }
}

#[tokio::test]
async fn an_authenticators_code_is_good_once_and_not_for_long() {
    let stand = Stand::of(&["totp"]).await;
    let mut login = stand.begin("totp", "zhangsan", "123456").await;
    let old = stand.server.phone("zhangsan").authenticator;
    stand.seconds_later(90);
    assert_eq!(login.fill_in(&[("code", &old)]).await, "challenge(mfa_failed)");
    let code = stand.server.phone("zhangsan").authenticator;
    assert_eq!(login.fill_in(&[("code", &code)]).await, "accept", "{}", login.report.explain);
    let mut login = stand.begin("totp", "zhangsan", "123456").await;
    assert_eq!(login.fill_in(&[("code", &code)]).await, "challenge(mfa_failed)");
    let said = login.challenge().error.as_ref().and_then(|error| error.error_message.clone());
    assert!(said.unwrap().contains("only be used once"));
    stand.seconds_later(30);
    assert_eq!(login.answer(Mood::Right).await, "accept");
}

#[tokio::test]
async fn a_push_waits_for_its_own_user() {
    let stand = Stand::of(&["push-confirm"]).await;
    let mut login = stand.begin("push-confirm", "zhangsan", "123456").await;
    let other = stand.begin("push-confirm", "lisi", PEOPLE[1].password).await;
    let id = login.challenge().id.clone();
    assert_eq!(login.challenge().message.as_deref(), Some("请在 张三 的手机 上确认登录"));
    assert!(login.challenge().poll_after.is_some());
    assert!(stand.server.press("lisi", true));
    for _ in 0..5 {
        assert_eq!(login.go_on(Action::Poll).await, "challenge", "{}", login.report.explain);
        assert_eq!((&login.challenge().id, login.challenge().attempts_left), (&id, 3), "a poll costs nothing");
    }
    drop(other);
    assert!(stand.server.press("zhangsan", true));
    assert_eq!(login.go_on(Action::Poll).await, "accept", "{}", login.report.explain);

    let mut login = stand.begin("push-confirm", "zhangsan", "123456").await;
    assert!(stand.server.press("zhangsan", false));
    assert_eq!(login.go_on(Action::Poll).await, "reject(mfa_failed)");
}

#[tokio::test]
async fn a_new_password_arrives_as_typed() {
    let stand = Stand::of(&["password-renewal"]).await;
    let mut old = PEOPLE[4].password.to_owned();
    for hostile in HOSTILE {
        stand.server.expire_password("sunqi");
        let new = format!("{hostile}Ab1-new");
        let mut login = stand.begin("password-renewal", "sunqi", &old).await;
        let word = login.fill_in(&[("new_password", &new), ("repeat", &new)]).await;
        assert_eq!(word, "accept", "{hostile:?}: {}", login.report.explain);
        let before = stand.begin("password-renewal", "sunqi", &old).await;
        assert_eq!(before.word(), "reject(invalid_credentials)", "{hostile:?}");
        let again = stand.begin("password-renewal", "sunqi", &new).await;
        assert_eq!(again.word(), "accept", "{hostile:?}: {}", again.report.explain);
        old = new;
    }
}

#[tokio::test]
async fn a_new_password_must_be_typed_twice_and_satisfy_the_server() {
    let stand = Stand::of(&["password-renewal"]).await;
    let mut login = stand.begin("password-renewal", "sunqi", PEOPLE[4].password).await;
    let word = login.fill_in(&[("new_password", NEW_PASSWORD), ("repeat", "Autumn-2026")]).await;
    assert_eq!(word, "challenge(invalid_input)");
    let said = login.challenge().error.as_ref().and_then(|error| error.error_message.clone());
    assert_eq!(said.as_deref(), Some("两次输入的新密码不一致"));
    assert_eq!(stand.server.requests("/account/password"), 0);
    for (weak, why) in [("Ab1", "至少 8 位"), ("my-sunqi-1", "用户名"), (PEOPLE[4].password, "用户名")] {
        let word = login.fill_in(&[("new_password", weak), ("repeat", weak)]).await;
        assert_eq!(word, "challenge(invalid_input)", "{weak}");
        let said = login.challenge().error.as_ref().and_then(|error| error.error_message.clone()).unwrap();
        assert!(said.contains(why), "{weak}: {said}");
    }
    assert_eq!(login.answer(Mood::Right).await, "accept", "{}", login.report.explain);
}

#[tokio::test]
async fn a_picture_is_good_for_one_try_and_another_may_be_had() {
    let stand = Stand::of(&["captcha-ask"]).await;
    let mut login = stand.begin("captcha-ask", "zhangsan", "123456").await;
    let first = login.challenge().image.clone().unwrap();
    stand.seconds_later(1);
    assert_eq!(login.go_on(Action::Resend).await, "challenge", "{}", login.report.explain);
    assert_ne!(login.challenge().image.as_ref(), Some(&first), "another picture");
    assert_eq!(login.answer(Mood::Right).await, "accept", "{}", login.report.explain);
    let before = stand.server.seen();
    let wrong = stand.login("captcha-ask", "zhangsan", "123456", Mood::Wrong).await;
    assert_eq!(wrong.word(), "reject(mfa_failed)");
    assert_eq!(stand.server.seen(), before, "the password was not looked at");
}

#[tokio::test]
async fn a_message_counts_against_the_quota_of_its_user_and_a_picture_does_not() {
    let stand = Stand::of(&["sms-code", "sms-login", "captcha-ask"]).await;
    let counted = |id: &str| {
        let steps = stand.live(id).1.connector.steps.iter();
        steps.filter(|step| step.sends_code_to.is_some()).map(|step| step.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(counted("sms-code"), ["send"]);
    assert_eq!(counted("sms-login"), ["send"]);
    assert!(counted("captcha-ask").is_empty());
}

#[tokio::test]
async fn a_captcha_by_the_utility_is_good_for_one_login() {
    let stand = Stand::of(&["captcha-image", "captcha-login"]).await;
    let given = stand.looked_up("captcha-image").await;
    let first = stand.begin_with("captcha-login", "zhangsan", "123456", given.clone()).await;
    assert_eq!(first.word(), "accept", "{}", first.report.explain);
    let second = stand.begin_with("captcha-login", "zhangsan", "123456", given).await;
    assert_eq!(second.word(), "reject(mfa_failed)");
}

#[tokio::test]
async fn the_token_of_an_application_is_kept_until_it_is_refused() {
    let stand = Stand::of(&ids(APPS)).await;
    for &(id, route) in APPS {
        for _ in 0..3 {
            let login = stand.login(id, "zhangsan", "123456", Mood::Right).await;
            assert_eq!(login.word(), "accept", "{id}: {}", login.report.explain);
        }
        assert_eq!(stand.server.requests(route), 1, "{id}");
        // The server was started again, say: what it granted is no longer good.
        stand.server.forget_app_tokens();
        if id == "app-token" {
            // It is the request with the password that hears it, and that one is not sent again.
            let checked = stand.server.passwords_checked();
            let login = stand.login(id, "zhangsan", "123456", Mood::Right).await;
            assert_eq!(login.word(), "unavailable", "{id}: {}", login.report.explain);
            assert_eq!(stand.server.passwords_checked(), checked, "{id}: the upstream did not look at the password");
        }
        let login = stand.login(id, "zhangsan", "123456", Mood::Right).await;
        assert_eq!(login.word(), "accept", "{id}: {}", login.report.explain);
        assert_eq!(stand.server.requests(route), 2, "{id}");
    }
}

#[tokio::test]
async fn a_portals_cookie_goes_to_the_users_browser_only_after_an_accept() {
    let stand = Stand::of(&["csrf-form"]).await;
    let login = stand.begin("csrf-form", "zhangsan", "123456").await;
    let Verdict::Accept(accept) = login.report.verdict else { panic!("{}", login.report.explain) };
    let [cookie] = &accept.delivery.cookies[..] else { panic!("{:?}", accept.delivery) };
    assert_eq!((cookie.name.as_str(), cookie.domain.as_str()), ("intranet_token", "corp.example.com"));
    assert!(cookie.secure && cookie.http_only, "the portal did not say Secure");
    assert_eq!(cookie.value.expose().len(), 32, "the token that the portal drew");
    assert_eq!(stand.server.requests("/intranet/login"), 2, "the page and the form");
    let wrong = stand.begin("csrf-form", "zhangsan", "654321").await;
    assert_eq!(wrong.word(), "reject(invalid_credentials)", "and a reject has no place for cookies");
}

#[tokio::test]
async fn users_without_a_telephone_need_their_password_only() {
    let stand = Stand::of(&["sms-code", "totp", "push-confirm"]).await;
    for id in ["sms-code", "totp", "push-confirm"] {
        let login = stand.begin(id, PEOPLE[5].login, PEOPLE[5].password).await;
        assert!(matches!(login.report.verdict, Verdict::Accept(_)), "{id}: {}", login.report.explain);
    }
}

/// A login gives tokens, the utility renews them without the password, and a refresh token is good once.
#[tokio::test]
async fn tokens_of_a_login_are_renewed() {
    let stand = Stand::of(&["password-grant-form", "token-refresh"]).await;
    let login = stand.begin("password-grant-form", "zhangsan", "123456").await;
    let Verdict::Accept(accept) = login.report.verdict else { panic!("{}", login.report.explain) };
    let text = |object: &Value, name: &str| object.get(name).and_then(Value::scalar_text).unwrap().to_owned();
    let first = accept.mapped.extension.unwrap();
    let refresh = async |token: &str| stand.call("token-refresh", &[("refresh_token", token)]).await;
    let UtilityEnd::Extension(second) = refresh(&text(&first, "refresh_token")).await else { panic!("not renewed") };
    assert_ne!(text(&second, "access_token"), text(&first, "access_token"));
    let UtilityEnd::Refused(refused) = refresh(&text(&first, "refresh_token")).await else { panic!("taken twice") };
    assert_eq!(refused.error_code.as_deref(), Some("invalid_grant"));
    assert!(matches!(refresh(&text(&second, "refresh_token")).await, UtilityEnd::Extension(_)), "the newest is good");
    for made_up in ["x", "x&grant_type=password"] {
        assert!(matches!(refresh(made_up).await, UtilityEnd::Refused(_)), "{made_up}");
    }
}
