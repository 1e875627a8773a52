//! The shipped connectors in front of the demo server, and logins through the real flow, challenges included.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doorward::catalog::{Loader, files};
use doorward::clock::{Ambient, System};
use doorward::connector::Live;
use doorward::connector::check::SecretsFrom;
use doorward::document::{Object, Value};
use doorward::flow::progress::Progress;
use doorward::flow::{
    Action, InMemoryStore, Login, Ports, Report, Resumption, SavedLogin, UtilityCall, UtilityEnd, authenticate, resume,
    utility,
};
use doorward::secret::Secret;
use doorward::shipped::{self, CONNECTORS, Shipped, Stage};
use doorward::verdict::{Challenge, Verdict};
use doorward_demo::user::{Answer, Mood};
use doorward_demo::{Clock, DemoServer};

use super::loader::to_loopback;

/// Where the repository's connectors are.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors")
}

/// Loads connectors whose upstreams are all at `base`; without one, at the addresses that the files name.
pub fn loader(base: Option<String>) -> Loader {
    Loader {
        env: Box::new(move |name| match &base {
            None if shipped::ORIGINS.contains(&name) => None,
            base => shipped::environment(base.as_deref().unwrap_or_default(), name),
        }),
        secrets_from: SecretsFrom::Environment,
        ..to_loopback()
    }
}

/// A clock that somebody turns.
pub struct Turned(AtomicU64);

impl Ambient for Turned {
    fn unix_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn fill(&self, bytes: &mut [u8]) {
        System.fill(bytes);
    }
}

impl Clock for Turned {
    fn unix_ms(&self) -> u64 {
        Ambient::unix_ms(self)
    }
}

/// The demo server, all shipped connectors in front of it, and the one clock of both.
pub struct Stand {
    pub server: DemoServer,
    clock: Arc<Turned>,
    connectors: Vec<(&'static Shipped, Live)>,
}

impl Stand {
    pub async fn new() -> Self {
        Self::with(&|_| true).await
    }

    /// With only those that `wanted` names; loading all of them takes a while.
    pub async fn of(ids: &[&str]) -> Self {
        Self::with(&|id| ids.contains(&id)).await
    }

    async fn with(wanted: &dyn Fn(&str) -> bool) -> Self {
        let clock = Arc::new(Turned(AtomicU64::new(1_767_323_045_000)));
        let server = DemoServer::start_at(Arc::clone(&clock) as Arc<dyn Clock>).await.unwrap();
        let connectors = loaded(Some(server.base()), wanted).await;
        Self { server, clock, connectors }
    }

    /// With no server: nobody listens where the connectors send.
    pub async fn nowhere() -> Self {
        let stand = Self::with(&|_| false).await;
        // A port that was free a moment ago; whoever takes it meanwhile is no demo server either.
        let base = super::nobody().origin().ascii_serialization();
        Self { connectors: loaded(Some(base), &|_| true).await, ..stand }
    }

    /// Every connector that logs users in by a password.
    pub fn logins(&self) -> impl Iterator<Item = (&'static Shipped, &Live)> {
        let by_password = |stage: Stage| !matches!(stage, Stage::Before | Stage::Alone);
        let logins = self.connectors.iter().filter(move |(shipped, _)| by_password(shipped.stage));
        logins.map(|(shipped, live)| (*shipped, live))
    }

    pub fn live(&self, id: &str) -> (&'static Shipped, &Live) {
        let found = self.connectors.iter().find(|(shipped, _)| shipped.id == id);
        let (shipped, live) = found.unwrap_or_else(|| panic!("{id} is not loaded"));
        (shipped, live)
    }

    pub fn seconds_later(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// Begins a login, after whatever a console must do first.
    pub async fn begin(&self, id: &str, username: &str, password: &str) -> Session<'_> {
        let attributes = match self.live(id).0.stage {
            Stage::After(utility) => self.looked_up(utility).await,
            Stage::Login | Stage::Alone | Stage::Before => Object::new(),
        };
        self.begin_with(id, username, password, attributes).await
    }

    /// Begins a login with these attributes.
    pub async fn begin_with(&self, id: &str, username: &str, password: &str, attributes: Object) -> Session<'_> {
        let (shipped, live) = self.live(id);
        Session::begin(self, shipped, live, (username, password), attributes).await
    }

    /// A login to its end: whatever is asked is answered in this mood.
    pub async fn login(&self, id: &str, username: &str, password: &str, mood: Mood) -> Session<'_> {
        let mut session = self.begin(id, username, password).await;
        session.answer(mood).await;
        session
    }

    /// What a utility makes of these inputs.
    pub async fn call(&self, id: &str, inputs: &[(&str, &str)]) -> UtilityEnd {
        let (_, live) = self.live(id);
        let progress = Progress::default();
        let call = UtilityCall {
            username: None,
            client_ip: None,
            inputs: inputs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect(),
            request_id: "shipped".to_owned(),
            deadline: None,
            trace: false,
        };
        let ports = Ports { ambient: &*self.clock, ..Ports::of(live, &System, &progress) };
        utility(&live.connector, ports, call).await.end
    }

    /// What the captcha's utility gives, with what the user reads in its picture.
    pub async fn looked_up(&self, id: &str) -> Object {
        let UtilityEnd::Extension(Value::Object(extension)) = self.call(id, &[]).await else {
            // Nobody listens; the login will say so.
            return ["captcha", "captcha_session"]
                .map(|name| (name.to_owned(), Value::from("1")))
                .into_iter()
                .collect();
        };
        let picture = extension.get("picture").and_then(Value::scalar_text).unwrap();
        let png = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, picture).unwrap();
        let digits = self.server.read_picture(&png).unwrap();
        let session = extension.get("session").cloned().unwrap();
        [("captcha".to_owned(), Value::from(digits.as_str())), ("captcha_session".to_owned(), session)]
            .into_iter()
            .collect()
    }
}

/// The shipped connectors that `wanted` names, pointed at `base`.
pub async fn loaded(base: Option<String>, wanted: &dyn Fn(&str) -> bool) -> Vec<(&'static Shipped, Live)> {
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let files: Vec<PathBuf> = files(&repository()).unwrap().into_iter().filter(|path| wanted(&name(path))).collect();
    let mut loaded = Vec::new();
    for outcome in loader(base).load(&files).await {
        let found: Vec<_> = outcome.diagnostics.iter().map(|found| (&found.message, &found.help)).collect();
        let Some(live) = outcome.live else { panic!("{} does not load: {found:#?}", outcome.id) };
        let shipped = CONNECTORS.iter().find(|shipped| shipped.id == outcome.id);
        loaded.push((shipped.unwrap_or_else(|| panic!("{} is not in demo::shipped", outcome.id)), live));
    }
    loaded
}

/// A login that goes on while it is asked.
pub struct Session<'a> {
    stand: &'a Stand,
    shipped: &'static Shipped,
    live: &'a Live,
    username: String,
    store: InMemoryStore,
    /// What came last.
    pub report: Report,
    /// Requests with a credential that the call that sent most of them sent.
    pub credential_sends: u32,
}

impl<'a> Session<'a> {
    async fn begin(
        stand: &'a Stand,
        shipped: &'static Shipped,
        live: &'a Live,
        (username, password): (&str, &str),
        attributes: Object,
    ) -> Self {
        let login = Login {
            username: username.to_owned(),
            password: Secret::new(password),
            client_ip: None,
            attributes,
            request_id: "shipped".to_owned(),
            deadline: None,
            trace: false,
        };
        let (progress, store) = (Progress::default(), InMemoryStore::default());
        let ports = Ports { challenges: &store, ..Ports::of(live, &*stand.clock, &progress) };
        let report = authenticate(&live.connector, ports, login).await;
        let credential_sends = report.credential_sends;
        Self { stand, shipped, live, username: username.to_owned(), store, report, credential_sends }
    }

    /// The challenge that is open.
    pub fn challenge(&self) -> &Challenge {
        match &self.report.verdict {
            Verdict::Challenge(challenge) => challenge,
            verdict => panic!("{}: {verdict:?}: {}", self.shipped.id, self.report.explain),
        }
    }

    /// `accept`, `reject(reason)`, `challenge(error)` or another verdict's name.
    pub fn word(&self) -> String {
        match &self.report.verdict {
            Verdict::Reject(reject) => format!("reject({})", reject.reason),
            Verdict::Challenge(challenge) => match &challenge.error {
                Some(error) => format!("challenge({})", error.reason),
                None => "challenge".to_owned(),
            },
            verdict => verdict.name().to_owned(),
        }
    }

    /// Lets the user answer what is asked, if anything is.
    pub async fn answer(&mut self, mood: Mood) -> String {
        let Verdict::Challenge(challenge) = &self.report.verdict else { return self.word() };
        let image = challenge.image.as_deref();
        match self.shipped.asks.answer(&self.stand.server, &self.username, image, mood) {
            Some(Answer::Fields(fields)) => {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                self.fill_in(&fields).await
            }
            Some(Answer::Poll) => self.go_on(Action::Poll).await,
            None => panic!("{}: {} sees nothing to answer", self.shipped.id, self.username),
        }
    }

    /// Brings these answers.
    pub async fn fill_in(&mut self, fields: &[(&str, &str)]) -> String {
        let answers = fields.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
        self.go_on(Action::Answer(answers.collect())).await
    }

    /// Polls, asks for the code once more, or answers.
    pub async fn go_on(&mut self, action: Action) -> String {
        let id = self.challenge().id.clone();
        let state = self.store.take(&id).expect("an open challenge is kept");
        let saved = SavedLogin::read(&state).expect("what was kept can be read");
        let progress = Progress::default();
        let ports = Ports { challenges: &self.store, ..Ports::of(self.live, &*self.stand.clock, &progress) };
        let resumption = Resumption { id, saved, action, deadline: None, trace: false };
        self.report = resume(&self.live.connector, ports, resumption).await;
        self.credential_sends = self.credential_sends.max(self.report.credential_sends);
        self.word()
    }
}
