//! Saving: what two tabs and another program write is never overwritten unseen.

use serde_json::Value;

use super::{Desk, shipped};

#[tokio::test]
async fn the_second_tab_sees_the_conflict_in_the_browser() {
    let form = shipped("form");
    let Some(desk) = Desk::on(&[("form.yaml", &form)]).await else { return };
    desk.editor("form", true).await;
    let type_title = async |title: &str| {
        let script = "const area = document.querySelector('.editor textarea'); area.focus(); const at = area.value.indexOf('title: '); area.setSelectionRange(at + 7, area.value.indexOf('\\n', at)); document.execCommand('insertText', false, arguments[0]);";
        desk.tab.js(script, title).await;
        desk.tab.until("!document.querySelector('.pill.dirty').hidden").await;
    };
    // The file as the first tab has it; a second one writes meanwhile.
    type_title("mine").await;
    let theirs = form.replace("title: 表单 (form both ways)", "title: theirs");
    assert_ne!(theirs, form);
    std::fs::write(desk.studio.path("form.yaml"), &theirs).unwrap();
    desk.tab.keys(&["Control+s"]).await;
    desk.tab.until("document.querySelector('dialog .diff')").await;
    desk.tab.shot("save").await;
    desk.is_clean("save").await;
    desk.press("studio.save").await;
    desk.tab
        .until(&format!("document.querySelector('dialog h2')?.innerText === {:?}", desk.word("studio.conflict")))
        .await;
    desk.tab.shot("conflict").await;
    assert_eq!(
        std::fs::read_to_string(desk.studio.path("form.yaml")).unwrap(),
        theirs,
        "nothing is overwritten unseen"
    );
    // That the file was changed is a refusal of the server, which the browser notes.
    let noted = desk.tab.complaints().await;
    assert!(noted.iter().all(|line| line.contains("412")), "{noted:?}");
    desk.is_clean("conflict").await;
    desk.press("studio.keep_mine").await;
    desk.tab.until("document.querySelector('.pill.dirty').hidden").await;
    assert!(std::fs::read_to_string(desk.studio.path("form.yaml")).unwrap().contains("title: mine"));
    assert!(desk.draft("form").await.is_null());
    // Another program, while nothing is under way here: the page follows.
    std::fs::write(desk.studio.path("form.yaml"), &theirs).unwrap();
    desk.tab.js("window.dispatchEvent(new Event('focus'))", Value::Null).await;
    desk.tab.until("document.querySelector('.editor textarea').value.includes('title: theirs')").await;
    // And while something is: a quiet notice.
    type_title("again mine").await;
    std::fs::write(desk.studio.path("form.yaml"), &form).unwrap();
    desk.tab.js("window.dispatchEvent(new Event('focus'))", Value::Null).await;
    desk.tab
        .until(
            "!document.querySelector('.strip:not(.bad)[hidden]') && document.querySelector('main > .strip')?.innerText",
        )
        .await;
    desk.tab.shot("changed-elsewhere").await;
}
