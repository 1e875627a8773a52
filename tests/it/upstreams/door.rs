//! One connector of real files, ready to log in at a real server through the flow.

use std::path::Path;

use doorward::catalog::Loader;
use doorward::clock::System;
use doorward::connector::Live;
use doorward::connector::check::SecretsFrom;
use doorward::diagnostic::{Style, render};
use doorward::document::Object;
use doorward::flow::progress::Progress;
use doorward::flow::{
    Action, Exchange, InMemoryStore, Login, Ports, Report, Resumption, SavedLogin, UtilityCall, UtilityEnd,
    UtilityReport, authenticate, resume, utility,
};
use doorward::secret::Secret;
use doorward::verdict::Verdict;

use super::HOSTILE;
use crate::support::loader::to_loopback;

/// A connector, ready to log in.
pub struct Door {
    live: Live,
    store: InMemoryStore,
}

impl Door {
    /// Loads `file` with these settings; it must not even give a warning.
    pub async fn open(file: &Path, settings: &[(&str, &str)]) -> Self {
        Self::open_with(file, settings, &[]).await
    }

    /// The same with secrets.
    pub async fn open_with(file: &Path, settings: &[(&str, &str)], secrets: &[(&str, &str)]) -> Self {
        let loader = Loader {
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            secrets: secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            secrets_from: SecretsFrom::Environment,
            ..to_loopback()
        };
        let outcome = loader.load(&[file.to_owned()]).await.pop().unwrap();
        assert!(outcome.diagnostics.is_empty(), "{}", render(&outcome.diagnostics, Style::Plain));
        Self { live: outcome.live.unwrap(), store: InMemoryStore::default() }
    }

    /// What it keeps for its logins.
    pub fn live(&self) -> &Live {
        &self.live
    }

    pub async fn login(&self, username: &str, password: &str) -> Report {
        self.login_with(username, password, &[]).await
    }

    /// Logs in through `through`, which stands in front of the real client.
    pub async fn login_through<'a, E: Exchange>(
        &'a self,
        (username, password): (&str, &str),
        through: impl FnOnce(&'a dyn Exchange) -> E,
    ) -> Report {
        let (progress, exchange) = (Progress::default(), through(&self.live.client));
        let ports = Ports { exchange: &exchange, ..self.ports(&progress) };
        authenticate(&self.live.connector, ports, typed(username, password, Object::new())).await
    }

    /// Calls it as a utility: nothing when it succeeded, else what `explain` says.
    pub async fn call(&self) -> Result<(), String> {
        let report = self.call_with(&[]).await;
        if matches!(report.end, UtilityEnd::Extension(_)) { Ok(()) } else { Err(report.explain) }
    }

    /// The same with inputs.
    pub async fn call_with(&self, inputs: &[(&str, &str)]) -> UtilityReport {
        let call = UtilityCall {
            username: None,
            client_ip: None,
            inputs: inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect(),
            request_id: "upstreams".to_owned(),
            deadline: None,
            trace: false,
        };
        utility(&self.live.connector, self.ports(&Progress::default()), call).await
    }

    pub async fn login_with(&self, username: &str, password: &str, attributes: &[(&str, &str)]) -> Report {
        let attributes: Object = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let progress = Progress::default();
        authenticate(&self.live.connector, self.ports(&progress), typed(username, password, attributes)).await
    }

    /// Answers the challenge that `report` opened.
    pub async fn answer(&self, report: &Report, name: &str, answer: &str) -> Report {
        self.answer_all(report, &[(name, answer)]).await
    }

    /// The same with several answers.
    pub async fn answer_all(&self, report: &Report, answers: &[(&str, &str)]) -> Report {
        let Verdict::Challenge(challenge) = &report.verdict else { panic!("{}: {}", word(report), report.explain) };
        let saved = SavedLogin::read(&self.store.take(&challenge.id).unwrap()).unwrap();
        let answers = answers.iter().map(|(name, answer)| ((*name).to_owned(), Secret::new(*answer))).collect();
        let (id, action) = (challenge.id.clone(), Action::Answer(answers));
        let resumption = Resumption { id, saved, action, deadline: None, trace: true };
        resume(&self.live.connector, self.ports(&Progress::default()), resumption).await
    }

    fn ports<'a>(&'a self, progress: &'a Progress) -> Ports<'a> {
        Ports { challenges: &self.store, ..Ports::of(&self.live, &System, progress) }
    }

    /// Every hostile text as a name and as a password: a plain no, after one try or before any.
    pub async fn refuses_the_hostile(&self, username: &str, password: &str) {
        let names = HOSTILE.iter().map(|name| (*name, password));
        let passwords = HOSTILE.iter().map(|password| (username, *password));
        for (username, password) in names.chain(passwords) {
            let report = self.login(username, password).await;
            let verdict = word(&report);
            let told = format!("{username:?} {password:?}: {verdict}, {}", report.explain);
            assert!(["reject(invalid_credentials)", "reject(invalid_input)"].contains(&&*verdict), "{told}");
            let refused_here = report.explain.contains("nothing was sent");
            assert_eq!(report.credential_sends, u32::from(!refused_here), "{told}");
        }
        self.expect(username, "", "reject(invalid_input)").await;
        self.expect("", password, "reject(invalid_input)").await;
        self.expect(&format!("{username}\0"), password, "reject(invalid_input)").await;
        self.expect(&format!("{username}\0x"), password, "reject(invalid_input)").await;
    }

    /// The password arrives as typed, byte for byte, neither trimmed nor folded: for servers that do not trim it themselves.
    pub async fn passes_as_typed(&self, username: &str, password: &str) {
        for wrong in [format!("{password} "), format!(" {password}"), password.to_uppercase()] {
            self.expect(username, &wrong, "reject(invalid_credentials)").await;
        }
    }

    /// Logs in, expects this word and returns the rest.
    #[track_caller]
    pub fn expect<'a>(
        &'a self,
        username: &'a str,
        password: &'a str,
        expected: &'a str,
    ) -> impl Future<Output = Report> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let report = self.login(username, password).await;
            assert_eq!(word(&report), expected, "{at}: {username:?}: {}", report.explain);
            report
        }
    }
}

fn typed(username: &str, password: &str, attributes: Object) -> Login {
    Login {
        username: username.to_owned(),
        password: Secret::new(password),
        client_ip: None,
        attributes,
        request_id: "upstreams".to_owned(),
        deadline: None,
        trace: true,
    }
}

/// `accept`, `reject(reason)`, `unavailable(cause)` or another verdict's name.
pub fn word(report: &Report) -> String {
    match &report.verdict {
        Verdict::Reject(reject) => format!("reject({})", reject.reason),
        Verdict::Unavailable(unavailable) => format!("unavailable({})", unavailable.cause),
        verdict => verdict.name().to_owned(),
    }
}
