//! The studio: who may call, what is read and written, what a draft may do, and what a send test shows.
//!
//! The real program on port 0, in front of the demo server.

mod access;
mod drafts;
mod page;
mod texts;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::daemon::client;

/// A studio in its own process, signed in.
pub struct StudioProcess {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub base: String,
    pub link: String,
    token: String,
    home: tempfile::TempDir,
}

/// What a call came to.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl StudioProcess {
    /// On a directory with these files.
    async fn on(files: &[(&str, &str)]) -> Self {
        Self::with(files, &[], &[]).await
    }

    async fn with(files: &[(&str, &str)], arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let mut studio = Self::unopened(files, arguments, env);
        let answer = studio.open(&studio.link_secret()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["token"].as_str().unwrap().clone_into(&mut studio.token);
        studio
    }

    pub fn unopened(files: &[(&str, &str)], arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(home.path().join(name), text).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.arg("studio").arg(home.path()).args(arguments).envs(env.iter().copied());
        // Not the developer's own history.
        command.env("XDG_STATE_HOME", home.path().join(".state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let link = lines.map(|line| line.trim().to_owned()).find(|line| line.starts_with("http://")).unwrap();
        let base = link.split("/#").next().unwrap().to_owned();
        Self { child, base, link, token: String::new(), home }
    }

    pub fn link_secret(&self) -> String {
        self.link.split('#').nth(1).unwrap().to_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    async fn open(&self, link: &str) -> Answer {
        self.call("POST", "/v1/studio/session", &[], Some(json!({ "link": link }))).await
    }

    /// A call of the studio's own page.
    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let own = [("sec-fetch-site", "same-origin")];
        self.raw(method, path, &[&own[..], headers].concat(), body).await
    }

    /// A call with the session's token and nothing else that is not said.
    async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let mut request = client().request(method.parse::<Method>().unwrap(), format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    async fn list(&self) -> Vec<Value> {
        loop {
            let answer = self.call("GET", "/v1/studio/connectors", &[], None).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let all = answer.json()["connectors"].as_array().unwrap().clone();
            // A busy machine takes more than one call.
            if all.iter().all(|it| it["pending"] == false) {
                return all;
            }
        }
    }

    async fn check(&self, id: &str, text: &str) -> Value {
        let answer = self.call("POST", "/v1/studio/check", &[], Some(json!({ "id": id, "text": text }))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// A send test of the saved file, or of a draft.
    async fn test(&self, id: &str, draft: Option<&str>, more: Value) -> Answer {
        let mut body = json!({ "id": id, "username": "zhangsan", "password": "123456" });
        if let Some(draft) = draft {
            body["text"] = draft.into();
        }
        let Value::Object(more) = more else { panic!("an object") };
        body.as_object_mut().unwrap().extend(more);
        self.call("POST", "/v1/studio/tests", &[], Some(body)).await
    }

    async fn save(&self, id: &str, text: &str, condition: (&str, &str)) -> Answer {
        let path = format!("/v1/studio/connectors/{id}");
        self.call("PUT", &path, &[condition], Some(json!({ "text": text }))).await
    }
}

/// No test leaves a studio behind, whether it passes or not.
impl Drop for StudioProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shipped connector's text.
pub fn shipped(id: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors").join(format!("{id}.yaml"));
    std::fs::read_to_string(path).unwrap()
}
