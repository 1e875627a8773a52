//! Send tests: verdicts, challenges answered in place, rules by a click, and no secret left anywhere in the tab.

use serde_json::Value;

use super::{Desk, shipped};

const PASSWORD: &str = "canary-7c1e-password";

/// Everything that a tab keeps or shows.
const KEPT: &str = "return JSON.stringify([document.documentElement.outerHTML, [...document.querySelectorAll('input, textarea')].filter((it) => it.type !== 'password').map((it) => it.value),
    Object.entries(sessionStorage).filter(([key]) => key !== 'doorward.session'), Object.entries(localStorage), location.href, history.state, document.cookie])";

#[tokio::test]
async fn a_test_shows_its_verdict_and_leaves_no_password_in_the_browser() {
    let Some(desk) = Desk::on(&[("form.yaml", &shipped("form"))]).await else { return };
    desk.open("form").await;
    assert_eq!(desk.send("zhangsan", PASSWORD).await, "reject");
    assert_eq!(desk.send("zhangsan", PASSWORD).await, "reject");
    // One more may lock the account.
    desk.tab
        .until(&format!("document.querySelector('.result').innerText.includes({:?})", desk.word("studio.locks")))
        .await;
    let kept = desk.tab.js(KEPT, Value::Null).await.as_str().unwrap().to_owned();
    assert!(kept.contains("zhangsan") && !kept.contains(PASSWORD), "{kept}");
    assert_eq!(desk.send("zhangsan", "123456").await, "accept");
    desk.tab.shot("accept").await;
    desk.is_clean("accept").await;
    desk.press("studio.render").await;
    desk.tab
        .until(&format!("document.querySelector('.verdict').innerText.includes({:?})", desk.word("studio.rendered")))
        .await;
    desk.tab.shot("rendered").await;
    // A field of the reply becomes a row; nothing is saved by it.
    assert_eq!(desk.send("zhangsan", "1234567").await, "reject");
    desk.tab.click(".pick").await;
    desk.tab.until("document.querySelector('dialog[open] select')").await;
    desk.tab.shot("use-field").await;
    desk.is_clean("use a field").await;
    desk.press("studio.insert").await;
    let draft = desk.until_draft("form", "it.length").await;
    assert!(draft.contains("{ all: [ { field: result, equals: ok }, { field: result, equals: denied } ] }"), "{draft}");
    assert_eq!(std::fs::read_to_string(desk.studio.path("form.yaml")).unwrap(), shipped("form"));
}

#[tokio::test]
async fn a_code_is_asked_for_and_answered_in_the_browser() {
    let Some(desk) = Desk::on(&[("sms-code.yaml", &shipped("sms-code"))]).await else { return };
    desk.open("sms-code").await;
    assert_eq!(desk.send("zhangsan", "123456").await, "challenge");
    let answer = async |code: &str| {
        desk.tab.until("document.activeElement?.closest('.challenge')").await;
        desk.tab.types(code).await;
        desk.tab.js("document.querySelector('.challenge').dataset.old = 'yes'", Value::Null).await;
        desk.tab.keys(&["Enter"]).await;
        desk.tab.until("!document.querySelector('.challenge[data-old]')").await;
    };
    answer("000000").await;
    desk.tab.until("document.querySelector('.challenge .notice.bad')").await;
    desk.tab.shot("wrong-code").await;
    desk.is_clean("wrong code").await;
    let code = desk.demo.phone("zhangsan").code().expect("a message");
    answer(&code).await;
    assert_eq!(desk.tab.until("document.querySelector('.verdict .what code').innerText").await, "accept");
    let kept = desk.tab.js(KEPT, Value::Null).await.as_str().unwrap().to_owned();
    assert!(!kept.contains(&code), "the code is nowhere");
    desk.is_clean("answered").await;
}
