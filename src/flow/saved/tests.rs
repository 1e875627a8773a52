//! What stands in the bytes of a login that waits, and what does not.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use super::{SavedLogin, step};
use crate::connector::check::{Draft, LoadContext, SecretsFrom};
use crate::connector::{Connector, Needs};
use crate::context::{Enctype, Form, PageFacts, StepFacts, StepOutcome, StepValue, Variable};
use crate::document::Object;
use crate::flow::progress::Progress;
use crate::flow::{Exchange, InMemoryStore, Login, Ports, authenticate};
use crate::secret::Secret;
use crate::upstream::{Outgoing, Reply, SendFault, Timings};
use crate::verdict::Verdict;

struct CannedReply(&'static str);

impl Exchange for CannedReply {
    fn send<'a>(&'a self, _: &'a Outgoing, _: tokio::time::Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static("application/json"));
        let body = self.0.into();
        Box::pin(std::future::ready(Ok(Reply { status: 200, headers, body, timings: Timings::default() })))
    }
}

fn connector(last_step: &str) -> Connector {
    let text = format!(
        r#"
version: 1
secrets: {{ key: {{ env: KEY }} }}
input: {{ attributes: {{ device: {{}}, floor: {{}} }} }}
settings: {{ base: "https://4a.example.com" }}
steps:
  - name: login
    request: {{ method: POST, url: "${{base}}/a", body: {{ form: {{ u: "{{{{user.username}}}}", p: "{{{{user.userPassword}}}}", k: "{{{{secret.key}}}}" }} }} }}
    response:
      format: json
      more: {{ field: ok, equals: 1 }}
      success: {{ field: ok, equals: 2 }}
      capture: {{ token: {{ field: token }}, extra: {{ field: extra }} }}
  - name: verify
    ask: {{ type: sms, message: "to {{{{user.device}}}}", fields: [ {{ name: code }} ] }}
{last_step}
    response: {{ format: json, success: {{ field: ok, equals: 2 }} }}
"#
    );
    let env = |_: &str| Some("sk-live-key".to_owned());
    let read_file = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    let none = BTreeMap::new();
    let load = LoadContext {
        env: &env,
        read_file: &read_file,
        settings: &none,
        secrets: &none,
        secrets_from: SecretsFrom::Environment,
        console: None,
    };
    let checked = Draft::read(Path::new("kept.yaml"), text, load).finish(load, Vec::new());
    checked.loaded.unwrap_or_else(|| panic!("{:?}", checked.diagnostics)).connector
}

/// What is kept at the pause, as text.
async fn kept(last_step: &str) -> String {
    let connector = connector(last_step);
    let (says, store, progress) =
        (CannedReply(r#"{"ok":1,"token":"TOKEN","extra":"EXTRA"}"#), InMemoryStore::default(), Progress::default());
    let ports = Ports { challenges: &store, ..Ports::bare(&says, &progress) };
    let attributes: Object =
        [("device".to_owned(), "DEVICE".into()), ("floor".to_owned(), "FLOOR".into())].into_iter().collect();
    let login = Login {
        username: "zhangsan".to_owned(),
        password: Secret::new("PASSWORD"),
        client_ip: None,
        attributes,
        request_id: "r1".to_owned(),
        deadline: None,
        trace: false,
    };
    let report = authenticate(&connector, ports, login).await;
    let Verdict::Challenge(challenge) = &report.verdict else { panic!("{}", report.explain) };
    let state = store.take(&challenge.id).unwrap();
    assert!(SavedLogin::read(&state).is_some());
    String::from_utf8(state.to_vec()).unwrap()
}

#[tokio::test]
async fn only_what_later_steps_name_is_kept() {
    let state =
        kept(r#"    request: { method: POST, url: "${base}/b", body: { form: { c: "{{answer.code}}", t: "{{steps.login.token}}" } } }"#)
            .await;
    for there in ["zhangsan", "TOKEN", "DEVICE", "\"outcome\":\"more\""] {
        assert!(state.contains(there), "no {there} in {state}");
    }
    for gone in ["PASSWORD", "EXTRA", "FLOOR", "sk-live-key"] {
        assert!(!state.contains(gone), "{gone} in {state}");
    }
}

#[tokio::test]
async fn a_later_step_that_names_the_password_keeps_it() {
    let state =
        kept(r#"    request: { method: POST, url: "${base}/b", body: { form: { c: "{{answer.code}}", p: "{{user.userPassword}}" } } }"#)
            .await;
    assert!(state.contains("PASSWORD") && !state.contains("TOKEN"), "{state}");
}

/// Of a page only what a later step names: a form that was sent before the question is not kept.
#[test]
fn of_a_page_only_what_later_steps_name_is_kept() {
    let form = || Form { enctype: Enctype::UrlEncoded, charset: "UTF-8".to_owned(), fields: Vec::new() };
    let page = PageFacts {
        url: Some("https://4a.example.com/?ticket=1".to_owned()),
        base: Some("https://4a.example.com/base/".to_owned()),
        forms: [("#a", Ok(form())), ("#b", Ok(form())), ("#c", Err("no form".to_owned()))]
            .map(|(css, form)| (css.to_owned(), form))
            .into(),
    };
    let facts = StepFacts { outcome: StepOutcome::Success, status: Some(200), captures: IndexMap::new(), page };
    let of_page = |value| Variable::Step { step: "page".to_owned(), value };
    let kept = |variables: Vec<Variable>, steps| {
        let needs = Needs { variables: variables.into_iter().collect(), steps, ..Needs::default() };
        let page = step("page", &facts, &needs).page;
        (page.url.is_some(), page.base.is_some(), page.forms.into_keys().collect::<Vec<_>>())
    };
    let form = |css: &str| of_page(StepValue::Form(css.to_owned()));
    assert_eq!(kept(vec![form("#a"), form("#c")], false), (false, false, vec!["#a".to_owned(), "#c".to_owned()]));
    assert_eq!(kept(vec![of_page(StepValue::Address)], false), (true, true, vec![]));
    // A script that may read all steps cannot read these.
    assert_eq!(kept(vec![], true), (false, false, vec![]));
}
