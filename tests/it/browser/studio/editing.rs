//! Typing: marks, fixes, completion, input methods; in both editors, in a file with CRLF and an emoji.

use serde_json::{Value, json};

use super::{Desk, shipped};

const RIGHT: &str = r#"{ username: "😀", userPassword: "x" }"#;
const WRONG: &str = r#"{ username: "😀", userPasword: "x" }"#;

fn with(user: &str) -> String {
    let text = shipped("form").replace(r#"{ username: wangwu, userPassword: "x" }"#, user).replace('\n', "\r\n");
    assert!(text.contains('😀'));
    text
}

#[tokio::test]
async fn a_mistake_is_marked_and_mended_by_the_keyboard_in_the_browser() {
    let (wrong, right) = (with(WRONG), with(RIGHT));
    let Some(desk) = Desk::on(&[("form.yaml", &wrong)]).await else { return };
    let rich = desk.has_rich().await;
    for plain in [true, false] {
        if !plain && !rich {
            continue;
        }
        desk.editor("form", plain).await;
        let marked = if plain {
            "document.querySelector('.under-error')?.innerText"
        } else {
            "document.querySelector('.editor.rich').shadowRoot.querySelector('.cm-lintRange-error')?.innerText"
        };
        desk.focus(plain).await;
        // It is far down: what is not in view is not drawn.
        desk.tab.keys(&["F8"]).await;
        assert_eq!(desk.tab.until(marked).await, "userPasword", "the mark, plain: {plain}");
        desk.tab.shot(if plain { "broken-plain" } else { "broken-rich" }).await;
        desk.tab.keys(&["Control+."]).await;
        assert_eq!(
            desk.until_draft("form", "it.includes('userPassword: \"x\"') && !it.includes('userPasword')").await,
            right
        );
        desk.tab.until("document.querySelector('.all-good')").await;
        // One undo takes it back, byte for byte: nothing is left to be saved.
        desk.tab.keys(&["Control+z"]).await;
        desk.tab.until("!sessionStorage.getItem('doorward.draft.form')").await;
        desk.is_clean("editing").await;
    }
}

#[tokio::test]
async fn what_may_stand_at_the_caret_is_offered_in_the_browser() {
    let Some(desk) = Desk::on(&[("form.yaml", &with(RIGHT))]).await else { return };
    let rich = desk.has_rich().await;
    for plain in [true, false] {
        if !plain && !rich {
            continue;
        }
        desk.editor("form", plain).await;
        desk.focus(plain).await;
        desk.tab.keys(&["Control+Home", "Enter", "Up"]).await;
        desk.tab.types("ackn").await;
        desk.tab.keys(&["Control+Space"]).await;
        let list = if plain {
            "document.querySelector('.suggestions:not([hidden]) li')"
        } else {
            "document.querySelector('.editor.rich').shadowRoot.querySelector('.cm-tooltip-autocomplete li[aria-selected]')"
        };
        desk.tab.until(&format!("{list}?.innerText.includes('acknowledge')")).await;
        desk.tab.shot(if plain { "completion-plain" } else { "completion-rich" }).await;
        // CodeMirror takes no choice within 75 ms of showing it, against typing ahead; a person is slower.
        desk.tab.until("new Promise((done) => setTimeout(() => done(true), 100))").await;
        desk.tab.keys(&["Enter"]).await;
        desk.until_draft("form", "it.startsWith('acknowledge: \\r\\n#')").await;
        desk.tab.keys(&["Control+z", "Control+z", "Control+z", "Control+z", "Control+z", "Control+z"]).await;
        desk.tab.js("sessionStorage.removeItem('doorward.draft.form'); location.hash = '#/'", Value::Null).await;
        desk.leave().await;
    }
}

/// "认证", as Pinyin brings it, while checks come and go.
#[tokio::test]
async fn an_input_method_leaves_clean_text_in_the_browser() {
    let Some(desk) = Desk::on(&[("form.yaml", &with(WRONG))]).await else { return };
    let rich = desk.has_rich().await;
    for plain in [true, false] {
        if !plain && !rich {
            continue;
        }
        desk.editor("form", plain).await;
        desk.focus(plain).await;
        desk.tab.keys(&["Control+Home"]).await;
        desk.tab.types("# ").await;
        for composed in ["r", "re", "ren", "ren z", "ren zh", "ren zheng"] {
            let caret = composed.chars().count();
            desk.tab
                .cdp(
                    "Input.imeSetComposition",
                    json!({ "text": composed, "selectionStart": caret, "selectionEnd": caret }),
                )
                .await;
        }
        // A check comes back in the middle of it.
        desk.tab.until("new Promise((done) => setTimeout(() => done(true), 600))").await;
        desk.tab.cdp("Input.insertText", json!({ "text": "认证" })).await;
        let draft = desk.until_draft("form", "it.includes('认证')").await;
        assert!(draft.starts_with("# 认证"), "{}", &draft[..40]);
        assert!(!draft.contains("ren") && draft.matches("认证").count() == 1, "{}", &draft[..60]);
        assert!(draft.ends_with(&with(WRONG)["# yaml-language-server".len()..]), "nothing else changed");
        desk.leave().await;
    }
}

/// WCAG 2.1.2: Tab indents, but Escape sets it free.
#[tokio::test]
async fn the_keyboard_can_leave_the_editor_in_the_browser() {
    let Some(desk) = Desk::on(&[("form.yaml", &with(RIGHT))]).await else { return };
    let rich = desk.has_rich().await;
    for plain in [true, false] {
        if !plain && !rich {
            continue;
        }
        desk.editor("form", plain).await;
        desk.focus(plain).await;
        desk.tab.keys(&["Control+Home", "Tab"]).await;
        desk.until_draft("form", "it.startsWith('  #')").await;
        desk.tab.keys(&["Control+z", "Escape", "Tab"]).await;
        desk.tab.until("!document.activeElement.closest('.editor')").await;
        desk.leave().await;
    }
}
