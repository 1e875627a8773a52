//! From a curl command to a connector that `doorward check` accepts, without typing YAML; and one header by its card.

use std::process::Command;

use serde_json::{Value, json};

use super::{Desk, shipped};

/// The command of docs/first-connector.md.
fn command(base: &str) -> String {
    format!(
        "curl {base}/api/v2/login -H 'Content-Type: application/json' -d '{{\"account\":\"zhangsan\",\"credential\":\"10470c3b4b1fed12c3baac014be15fac67c6e815\"}}'"
    )
}

async fn import(desk: &Desk) {
    desk.press("studio.new").await;
    desk.fill("studio.new_id", "my-4a").await;
    desk.fill("studio.new_command", &command(&desk.demo.base())).await;
    desk.press("studio.create").await;
    desk.tab.until("document.querySelector('dialog .review tbody tr')").await;
    desk.tab.shot("import-guessed").await;
    desk.fill("studio.import_username", "zhangsan").await;
    desk.fill("studio.import_password", "123456").await;
    desk.tab.until("[...document.querySelectorAll('.review td select')].map((it) => it.value).join() === 'username,password|md5|sha1'").await;
    desk.tab.shot("import-review").await;
    desk.is_clean("import").await;
    desk.press("studio.create").await;
    desk.tab.until("document.querySelector('.bench h1')?.innerText === 'my-4a' && document.querySelector('.problems > :not(.note)')").await;
}

/// Waits until a check of the text has come back after what was just done.
async fn save(desk: &Desk, id: &str) {
    desk.tab.until("document.querySelector('.bench .button.primary:not(:disabled)')").await;
    desk.tab.js("document.querySelector('main').dispatchEvent(new KeyboardEvent('keydown', { key: 's', ctrlKey: true, bubbles: true }))", Value::Null).await;
    desk.tab.until("document.querySelector('dialog .diff')").await;
    desk.press("studio.save").await;
    desk.tab
        .until(&format!(
            "!sessionStorage.getItem('doorward.draft.{id}') && document.querySelector('.pill.dirty').hidden"
        ))
        .await;
}

/// Rules from marked tests.
async fn propose(desk: &Desk) {
    // Twice right, once wrong, and each is marked.
    desk.send("zhangsan", "123456").await;
    desk.tab.click(".marks summary").await;
    for (at, (password, mark)) in
        [("123456", "studio.mark_right"), ("123456", "studio.mark_right"), ("nonsense", "studio.mark_wrong")]
            .into_iter()
            .enumerate()
    {
        if at > 0 {
            desk.send("zhangsan", password).await;
        }
        desk.press(mark).await;
        desk.tab.until("document.querySelector('.marks [role=status]').innerText").await;
    }
    desk.tab.shot("marked").await;
    desk.is_clean("marked").await;
    desk.press("studio.propose").await;
    desk.tab
        .until("document.querySelector('dialog pre.case')?.innerText.includes('{ field: code, equals: 200 }')")
        .await;
    desk.tab.shot("proposal").await;
    desk.is_clean("proposal").await;
    desk.press("studio.insert").await;
    let draft = desk.until_draft("my-4a", "it.includes('equals: 500')").await;
    assert!(draft.contains("{ field: result.token, has_value: true }"), "{draft}");
}

/// An earlier text is a draft away.
async fn earlier(desk: &Desk, text: &str) {
    desk.press("studio.history").await;
    desk.tab
        .until("document.querySelector('dialog select') && document.querySelector('dialog .diff, dialog .note')")
        .await;
    desk.tab.js("const it = document.querySelector('dialog select'); it.value = it.options.length - 1; it.dispatchEvent(new Event('change'))", Value::Null).await;
    desk.tab.until("document.querySelector('dialog .diff .added')").await;
    desk.tab.shot("history").await;
    desk.is_clean("history").await;
    desk.press("studio.history_take").await;
    desk.until_draft("my-4a", "it.includes('FILL_IN right')").await;
    assert_eq!(std::fs::read_to_string(desk.studio.path("my-4a.yaml")).unwrap(), text, "nothing is saved by it");
}

#[tokio::test]
async fn a_curl_command_becomes_a_passing_connector_in_the_browser() {
    let Some(desk) = Desk::on(&[]).await else { return };
    let began = std::time::Instant::now();
    import(&desk).await;
    save(&desk, "my-4a").await;
    propose(&desk).await;
    save(&desk, "my-4a").await;
    for (password, verdict) in [("123456", "accept"), ("nonsense", "reject")] {
        assert_eq!(desk.send("zhangsan", password).await, verdict);
        desk.press("studio.record").await;
        desk.press("studio.next").await;
        desk.tab.until("document.querySelector('dialog pre.case')").await;
        desk.tab.shot("case").await;
        desk.press("studio.insert").await;
        desk.until_draft("my-4a", &format!("it.includes('verdict: {verdict}')")).await;
        desk.tab.until("document.querySelector('.all-good')").await;
        save(&desk, "my-4a").await;
    }
    let mut checked = Command::new(env!("CARGO_BIN_EXE_doorward"));
    let checked = checked.arg("check").arg(desk.studio.path("my-4a.yaml")).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let text = std::fs::read_to_string(desk.studio.path("my-4a.yaml")).unwrap();
    assert!(
        !text.contains("FILL_IN")
            || text.lines().filter(|line| line.contains("FILL_IN")).all(|line| line.trim_start().starts_with('#')),
        "{text}"
    );
    assert!(!text.contains("10470c3b"), "no digest of a password");
    eprintln!("from curl to two recorded cases: {:?} of a machine's clicks", began.elapsed());
    earlier(&desk, &text).await;
}

/// The difference is one line; comments stay; undo brings the bytes back.
#[tokio::test]
async fn one_header_is_changed_by_its_card_in_the_browser() {
    let before = shipped("query-headers-cookies").replace('\n', "\r\n");
    let Some(desk) = Desk::on(&[("a.yaml", &before)]).await else { return };
    let rich = desk.has_rich().await;
    for plain in [true, false] {
        if !plain && !rich {
            continue;
        }
        desk.editor("a", plain).await;
        desk.press("studio.cards").await;
        desk.tab.until("document.querySelector('[data-path=\"steps.0.request.headers.X-App-Key\"]')").await;
        desk.tab.shot(if plain { "cards" } else { "cards-rich" }).await;
        desk.is_clean("cards").await;
        let change = "const it = document.querySelector('[data-path=\"steps.0.request.headers.X-App-Key\"]'); it.focus(); it.value = arguments[0]; it.dispatchEvent(new Event('change'));";
        desk.tab.js(change, "v2-{{secret.app_key}}").await;
        let draft = desk.until_draft("a", "it.includes('v2-')").await;
        let expected = before.replace("X-App-Key: \"{{secret.app_key}}\"", "X-App-Key: \"v2-{{secret.app_key}}\"");
        assert_eq!(draft, expected, "one line and nothing else");
        desk.tab
            .until(
                "document.querySelector('[data-path=\"steps.0.request.headers.X-App-Key\"]').value.startsWith('v2-')",
            )
            .await;
        desk.press("studio.text_view").await;
        desk.focus(plain).await;
        desk.tab.keys(&["Control+z"]).await;
        desk.tab.until("!sessionStorage.getItem('doorward.draft.a')").await;
        // A row more, and one less.
        desk.press("studio.cards").await;
        desk.tab.until("document.querySelector('.rows .row:last-child input')").await;
        let add = "const row = [...document.querySelectorAll('.rows')].find((it) => it.querySelector('[data-path$=\"headers.X-App-Key\"]')).lastChild; const [name, value] = row.querySelectorAll('input'); name.value = 'X-New'; value.value = '1'; row.querySelector('button').click();";
        desk.tab.js(add, Value::Null).await;
        let draft = desk.until_draft("a", "it.includes('X-New')").await;
        let line = "        X-Auth-Credential: \"{{user.userPassword | md5}}\"\r\n";
        assert_eq!(draft, before.replace(line, &format!("{line}        X-New: \"1\"\r\n")));
        desk.tab.until("document.querySelector('[data-path=\"steps.0.request.headers.X-New\"]')").await;
        let remove = "document.querySelector('[data-path=\"steps.0.request.headers.X-New\"]').closest('.row').querySelector('.remove').click()";
        desk.tab.js(remove, json!(null)).await;
        desk.tab.until("!sessionStorage.getItem('doorward.draft.a')").await;
        desk.press("studio.text_view").await;
        desk.leave().await;
    }
}
