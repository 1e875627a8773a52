//! What a person does in a tab and sees there.

use std::fmt::Debug;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::support::npm::{self, AXE_CORE};

pub struct Tab {
    client: Client,
}

/// Calls of chromedriver beyond the standard.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _url: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

impl Tab {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    pub async fn goto(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// What a script gives; `arguments[0]` is `argument`.
    pub async fn js(&self, script: &str, argument: impl Into<Value>) -> Value {
        let done = self.client.execute(script, vec![argument.into()]).await;
        done.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an expression is true, and gives its value.
    pub async fn until(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; const end = Date.now() + 40000;
             const look = () => {{
               let found = null;
               try {{ found = ({expression}); }} catch {{ found = null; }}
               if (found) return done(found);
               if (Date.now() > end) return done(null);
               setTimeout(look, 20);
             }};
             look();"
        );
        let found = self
            .client
            .execute_async(&script, Vec::new())
            .await
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
        if found.is_null() {
            let page = self.js("return document.body.innerText", Value::Null).await;
            panic!("it never came to this: {expression}\n{}", page.as_str().unwrap_or_default());
        }
        found
    }

    /// Waits for an element that is shown, and clicks it.
    pub async fn click(&self, css: &str) {
        self.until(&format!("document.querySelector({css:?})?.checkVisibility()")).await;
        self.client
            .find(Locator::Css(css))
            .await
            .unwrap()
            .click()
            .await
            .unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Clicks the button or link that says `label`; the dialog's, if one is open.
    pub async fn press(&self, label: &str) {
        let found = format!(
            "(() => {{ const top = document.querySelector('dialog[open]') ?? document;
               return [...top.querySelectorAll('button, a')].find((it) => it.innerText.trim() === {label:?} && it.checkVisibility() && !it.disabled); }})()"
        );
        self.until(&format!("({found}) ? true : null")).await;
        self.js(&format!("const it = {found}; it.scrollIntoView({{ block: 'center' }}); it.click();"), Value::Null)
            .await;
    }

    /// Fills the input that a label names.
    pub async fn fill(&self, label: &str, value: &str) {
        let found = format!(
            "(() => {{ const top = document.querySelector('dialog[open]') ?? document;
               const of = [...top.querySelectorAll('label')].find((it) => it.innerText.trim() === {label:?} && it.checkVisibility());
               return of && document.getElementById(of.htmlFor); }})()"
        );
        self.until(&format!("({found}) ? true : null")).await;
        let script = format!(
            "const it = {found}; it.focus(); it.value = arguments[0];
             it.dispatchEvent(new Event('input', {{ bubbles: true }})); it.dispatchEvent(new Event('change', {{ bubbles: true }}));"
        );
        self.js(&script, value).await;
    }

    /// Keys, one after the other, to whatever has the focus. A chord is written `Control+s`.
    pub async fn keys(&self, keys: &[&str]) {
        for chord in keys {
            let all: Vec<char> = chord.split('+').map(code).collect();
            let mut actions = KeyActions::new("keyboard".to_owned());
            for value in &all {
                actions = actions.then(KeyAction::Down { value: *value });
            }
            for value in all.iter().rev() {
                actions = actions.then(KeyAction::Up { value: *value });
            }
            self.client.perform_actions(actions).await.unwrap();
        }
    }

    /// Types a text, key by key.
    pub async fn types(&self, text: &str) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in text.chars() {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.unwrap();
    }

    /// The Chrome DevTools Protocol.
    pub async fn cdp(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.issue_cmd(Vendor { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// What the browser complained of since it was last asked: scripts, policies, requests that failed.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Vendor { path: "se/log", body: json!({ "type": "browser" }) }).await.unwrap();
        let lines = log.as_array().unwrap().iter().filter(|it| it["level"] != "INFO" && it["level"] != "DEBUG");
        lines.map(|it| it["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// A picture for somebody to look at, where one is wanted.
    pub async fn shot(&self, name: &str) {
        let Some(folder) = std::env::var_os("DOORWARD_SHOTS") else { return };
        let picture = self.cdp("Page.captureScreenshot", json!({ "format": "png" })).await;
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// What axe-core finds against the page as it is now; empty, with a line that says so, where it cannot be had.
    pub async fn barriers(&self) -> Vec<String> {
        let Some(axe) = npm::file(&AXE_CORE, "axe.min.js") else { return Vec::new() };
        self.js(&format!("if (!window.axe) {{ {axe} }}"), Value::Null).await;
        // The scrolling part of CodeMirror has no tab stop of its own; the text in it has.
        let script = "const done = arguments[arguments.length - 1];
            axe.run({ exclude: [[['.editor.rich', '.cm-scroller']]] }, { resultTypes: ['violations'] }).then((it) => done(it.violations.map((one) =>
              `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).slice(0, 3).join(' | ')}`)), (error) => done([String(error)]));";
        let found = self.client.execute_async(script, Vec::new()).await.unwrap();
        found.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    }
}

/// WebDriver's code points for keys that have no character.
fn code(key: &str) -> char {
    match key {
        "Control" => '\u{e009}',
        "Shift" => '\u{e008}',
        "Enter" => '\u{e007}',
        "Escape" => '\u{e00c}',
        "Tab" => '\u{e004}',
        "Space" => ' ',
        "Down" => '\u{e015}',
        "Up" => '\u{e013}',
        "End" => '\u{e010}',
        "Home" => '\u{e011}',
        "F8" => '\u{e038}',
        "Backspace" => '\u{e003}',
        other => other.chars().next().unwrap(),
    }
}
