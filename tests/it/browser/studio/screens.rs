//! Every screen in both languages, light and dark, wide and narrow: no complaint of the browser, no barrier.

use serde_json::Value;

use super::{Desk, Look, shipped};

async fn screens(look: Look, name: &str) {
    let (form, sms) = (shipped("form"), shipped("sms-code"));
    let files = [("form.yaml", form.as_str()), ("sms-code.yaml", &sms), ("wrong.yaml", "version: 1\nstepz: []\n")];
    let Some(desk) = Desk::with(&files, &[], look).await else { return };
    let shot = |screen: &str| format!("{name}-{screen}");
    desk.tab.until("document.querySelectorAll('.list tbody tr').length === 3").await;
    desk.tab.shot(&shot("list")).await;
    desk.is_clean("list").await;
    desk.press("studio.new").await;
    desk.tab.until("document.querySelector('dialog[open] input')").await;
    desk.tab.shot(&shot("new")).await;
    desk.is_clean("new").await;
    desk.press("studio.cancel").await;
    desk.open("wrong").await;
    desk.tab.until("document.querySelector('.problems li.error')").await;
    desk.tab.shot(&shot("broken")).await;
    desk.is_clean("broken").await;
    desk.open("form").await;
    desk.tab.until("document.querySelector('.all-good')").await;
    desk.tab.shot(&shot("editor")).await;
    desk.is_clean("editor").await;
    assert_eq!(desk.send("zhangsan", "nonsense").await, "reject");
    desk.tab.shot(&shot("reject")).await;
    desk.is_clean("reject").await;
    desk.open("sms-code").await;
    desk.press("studio.graph").await;
    desk.tab.until("document.querySelectorAll('.picture .box').length > 3").await;
    desk.tab.shot(&shot("graph")).await;
    desk.is_clean("graph").await;
    desk.press("studio.cards").await;
    desk.tab.until("document.querySelector('.cards .card')").await;
    desk.tab.shot(&shot("cards")).await;
    desk.is_clean("cards").await;
    desk.press("studio.text_view").await;
    assert_eq!(desk.send("zhangsan", "123456").await, "challenge");
    desk.tab.until("document.querySelector('.challenge input')").await;
    desk.tab.shot(&shot("challenge")).await;
    desk.is_clean("challenge").await;
}

#[tokio::test]
async fn every_screen_is_clean_in_chinese_in_the_browser() {
    screens(Look::default(), "zh").await;
}

#[tokio::test]
async fn every_screen_is_clean_in_english_and_dark_in_the_browser() {
    screens(Look { language: "en", dark: true, ..Look::default() }, "en-dark").await;
}

#[tokio::test]
async fn every_screen_is_clean_when_narrow_in_the_browser() {
    screens(Look { width: 500, height: 900, ..Look::default() }, "zh-narrow").await;
}

#[tokio::test]
async fn every_screen_is_clean_at_200_percent_in_the_browser() {
    screens(Look { language: "en", width: 1280, height: 800, zoom: 2.0, ..Look::default() }, "en-zoom").await;
}

#[tokio::test]
async fn screens_without_a_connector_and_without_a_session_are_clean_in_the_browser() {
    let Some(desk) = Desk::on(&[]).await else { return };
    desk.tab.shot("empty").await;
    desk.is_clean("empty").await;
    // The link's secret has left the address and the history.
    assert!(!desk.tab.address().await.contains(&desk.studio.link_secret()));
    desk.tab.js("location.hash = '#/c/nothing'", Value::Null).await;
    desk.tab.until(&format!("document.body.innerText.includes({:?})", desk.word("studio.unknown"))).await;
    desk.tab.shot("unknown").await;
    desk.tab.js("sessionStorage.clear()", Value::Null).await;
    desk.tab.goto(&format!("{}/?again#/", desk.studio.base)).await;
    desk.tab.until(&format!("document.body.innerText.includes({:?})", desk.word("studio.no_session"))).await;
    desk.tab.complaints().await;
    desk.tab.shot("no-session").await;
    desk.is_clean("no session").await;
    desk.tab.goto(&desk.studio.link).await;
    desk.tab.until(&format!("document.body.innerText.includes({:?})", desk.word("studio.link_used"))).await;
    desk.tab.shot("link-used").await;
}

#[tokio::test]
async fn a_read_only_studio_says_why_in_the_browser() {
    let form = shipped("form");
    let Some(desk) = Desk::with(&[("form.yaml", &form)], &["--read-only"], Look::default()).await else { return };
    desk.open("form").await;
    desk.tab.until("document.querySelector('.bench .why')?.innerText.includes('--read-only')").await;
    desk.tab.shot("read-only").await;
    desk.is_clean("read-only").await;
}
