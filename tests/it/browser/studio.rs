//! The studio's page: the ten points that only a real browser can show.

mod editing;
mod flow;
mod hostile;
mod saving;
mod screens;
mod testing;

use std::collections::BTreeMap;

use doorward_demo::DemoServer;
use serde_json::{Value, json};

use super::driver::Look;
use super::{Driver, Tab};
use crate::studio::{StudioProcess, shipped};

/// A studio, signed in to by a browser.
struct Desk {
    _driver: Driver,
    tab: Tab,
    studio: StudioProcess,
    demo: DemoServer,
    words: BTreeMap<String, String>,
}

impl Desk {
    /// On a directory with these files; `None` where there is no browser.
    async fn with(files: &[(&str, &str)], arguments: &[&str], look: Look) -> Option<Self> {
        let driver = Driver::start()?;
        let demo = DemoServer::start().await.unwrap();
        let base = demo.base();
        let studio = StudioProcess::unopened(files, arguments, &[("FOURA_BASE_URL", &base)]);
        let tab = driver.tab(look).await;
        tab.goto(&studio.link).await;
        tab.until("document.querySelector('main h1')").await;
        Some(Self { _driver: driver, tab, studio, demo, words: words(look.language) })
    }

    async fn on(files: &[(&str, &str)]) -> Option<Self> {
        Self::with(files, &[], Look::default()).await
    }

    /// A text of the page.
    fn word(&self, key: &str) -> &str {
        self.words.get(key).unwrap_or_else(|| panic!("{key}"))
    }

    async fn press(&self, key: &str) {
        self.tab.press(self.word(key)).await;
    }

    async fn fill(&self, key: &str, value: &str) {
        self.tab.fill(self.word(key), value).await;
    }

    /// Opens a connector and waits for its first check.
    async fn open(&self, id: &str) {
        self.tab.js("location.hash = arguments[0]", format!("#/c/{id}")).await;
        self.tab.until(&format!("document.querySelector('.bench h1')?.innerText === {id:?} && document.querySelector('.problems > :not(.note)')")).await;
    }

    /// Which editor this program has.
    async fn has_rich(&self) -> bool {
        let editor = self.tab.js("return import('/assets/features.js').then((it) => it.EDITOR)", Value::Null).await;
        if editor.is_null() {
            assert!(std::env::var_os("CI").is_none(), "the program was built without `make editor`");
            eprintln!("the program was built without `make editor`: tests of that editor are left out");
        }
        !editor.is_null()
    }

    /// Shows the connector in the plain view, or in the other one.
    async fn editor(&self, id: &str, plain: bool) {
        self.leave().await;
        self.tab.js("if (arguments[0]) localStorage.setItem('doorward.plain', 'yes'); else localStorage.removeItem('doorward.plain');", plain).await;
        self.open(id).await;
        let wanted =
            if plain { "document.querySelector('.editor textarea')" } else { "document.querySelector('.editor.rich')" };
        self.tab.until(wanted).await;
    }

    /// Puts the focus into the text.
    async fn focus(&self, plain: bool) {
        let script = if plain {
            "document.querySelector('.editor textarea').focus()"
        } else {
            "document.querySelector('.editor.rich').shadowRoot.querySelector('.cm-content').focus()"
        };
        self.tab.js(script, Value::Null).await;
    }

    /// The text that is not saved yet; null when nothing differs from the file.
    async fn draft(&self, id: &str) -> Value {
        let script = "const kept = sessionStorage.getItem('doorward.draft.' + arguments[0]); return kept && JSON.parse(kept).text";
        self.tab.js(script, id).await
    }

    /// Waits until the draft fulfils an expression of `it`.
    async fn until_draft(&self, id: &str, expression: &str) -> String {
        let kept = format!("JSON.parse(sessionStorage.getItem('doorward.draft.{id}'))?.text");
        let found =
            self.tab.until(&format!("(() => {{ const it = {kept}; return it && ({expression}) && it; }})()")).await;
        found.as_str().unwrap().to_owned()
    }

    /// Sends a test and waits for its verdict.
    async fn send(&self, username: &str, password: &str) -> String {
        self.fill("studio.username", username).await;
        self.fill("studio.password", password).await;
        self.tab.js("document.querySelector('.result').replaceChildren()", Value::Null).await;
        self.tab.click(".who button[type=submit]").await;
        let verdict = self.tab.until("document.querySelector('.pane.test').getAttribute('aria-busy') === 'false' && document.querySelector('.verdict .what code')?.innerText").await;
        verdict.as_str().unwrap().to_owned()
    }

    /// Nothing was refused, nothing was called elsewhere, nothing failed; axe finds no barrier.
    async fn is_clean(&self, screen: &str) {
        let complaints = self.tab.complaints().await;
        assert!(complaints.is_empty(), "{screen}: {complaints:#?}");
        let script = "return performance.getEntriesByType('resource').map((it) => it.name).filter((it) => !it.startsWith(location.origin + '/') && !it.startsWith('data:'))";
        assert_eq!(self.tab.js(script, Value::Null).await, json!([]), "{screen}");
        let barriers = self.tab.barriers().await;
        assert!(barriers.is_empty(), "{screen}: {barriers:#?}");
        self.tab.complaints().await;
    }
}

/// The page's texts in a language.
fn words(language: &str) -> BTreeMap<String, String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("lang/{language}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl Desk {
    /// Goes back to the list, whatever is not saved.
    async fn leave(&self) {
        self.tab.js("window.onbeforeunload = null; for (const key of Object.keys(sessionStorage)) if (key.startsWith('doorward.draft.')) sessionStorage.removeItem(key);", Value::Null).await;
        // Another address, or only the fragment would change and the page would stay.
        let list = format!("{}/?{}#/", self.studio.base, uuid::Uuid::new_v4().simple());
        self.tab.goto(&list).await;
        self.tab.until("document.querySelector('section.list')").await;
        // What a page that is left had under way was broken off.
        self.tab.complaints().await;
    }
}
