//! Made-up connectors for the server's tests: the password says what the verdict is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorward::attempt::connectors::{
    Attribute, Call, Connector, ConnectorKind, ConnectorSummary, Connectors, DryRun, Reloaded,
};
use doorward::document::{Value, from_json};
use doorward::flow::progress::Progress;
use doorward::flow::report::{Report, StepEnd, StepReport};
use doorward::flow::{Login, Refused, Resumption, UtilityCall, UtilityEnd, UtilityReport};
use doorward::verdict::{
    Accept, Cause, Challenge, ChallengeError, ChallengeField, FactorOutcome, Ledger, Mapped, Misconfigured, Otherwise,
    Reason, Reject, Rules, Truth, Unavailable, Verdict, judge_factor,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

/// Rules whose success is true: the honest way to a grant.
struct Yes;

impl Rules for Yes {
    fn reject_rows(&self) -> usize {
        0
    }
    fn reject(&self, _: usize) -> Truth {
        Truth::False
    }
    fn reject_reason(&self, _: usize) -> Reason {
        Reason::Other
    }
    fn unavailable(&self) -> Truth {
        Truth::False
    }
    fn more(&self) -> Truth {
        Truth::False
    }
    fn pending(&self) -> Truth {
        Truth::False
    }
    fn success(&self) -> Option<Truth> {
        Some(Truth::True)
    }
    fn replied_ok(&self) -> Truth {
        Truth::True
    }
    fn otherwise(&self) -> Otherwise {
        Otherwise::Reject(Reason::InvalidCredentials)
    }
    fn doubt(&self) -> Cause {
        Cause::UnexpectedReply
    }
}

fn accept(subject: &str, mapped: Mapped) -> Verdict {
    let mut ledger = Ledger::default();
    let FactorOutcome::Success(proof) = judge_factor(&Yes) else { panic!("the rules say yes") };
    ledger.factor(proof);
    Verdict::Accept(Accept::new(ledger.close().unwrap(), subject.to_owned(), mapped))
}

/// A connector whose verdict the password names: `accept`, `large`, `reject`, `locked`, `challenge`, `wrong code`, `unavailable`, `unreadable`, `overloaded`,
/// `misconfigured`, `panic`, `panic early`, `hang` (before the credential leaves), `hang sent` (after it).
#[derive(Default)]
pub struct MadeUp {
    pub about: ConnectorSummary,
    /// Logins that began.
    pub begun: AtomicUsize,
    /// Logins that ran to their end.
    pub ended: AtomicUsize,
    /// `hang` and `hang sent` wait for this.
    pub go: Option<Arc<Semaphore>>,
    /// Told when a hanging login stands at its wait.
    pub waiting: Option<Arc<Semaphore>>,
}

impl MadeUp {
    pub fn new(id: &str) -> Self {
        let about = ConnectorSummary {
            id: id.to_owned(),
            title: Some("Made up".to_owned()),
            revision: "rev1".to_owned(),
            attributes: [
                ("device_id".to_owned(), Attribute { required: false, max: Some(4) }),
                ("floor".to_owned(), Attribute::default()),
            ]
            .into(),
            ..ConnectorSummary::default()
        };
        Self { about, ..Self::default() }
    }

    async fn hang(&self) {
        if let Some(waiting) = &self.waiting {
            waiting.add_permits(1);
        }
        self.go.as_ref().unwrap().acquire().await.unwrap().forget();
    }

    async fn verdict(&self, login: &Login, progress: &Progress) -> Verdict {
        // What stands behind `#` is for tests that look for the password itself.
        let password = login.password.expose().split('#').next().unwrap();
        if password == "hang" {
            self.hang().await;
        }
        assert_ne!(password, "panic early", "made up, with the password {password}");
        progress.credential_leaves();
        match password {
            "hang sent" => {
                self.hang().await;
                accept(&login.username, Mapped::default())
            }
            "accept" | "hang" => accept(
                "zhangsan",
                Mapped {
                    error_code: Some("200".to_owned()),
                    error_message: Some("ok".to_owned()),
                    extension: Some(from_json(br#"{"id":12345678901234567890,"z":1,"a":[]}"#).unwrap()),
                    attributes: vec![("display_name".to_owned(), Value::from("张三"))],
                },
            ),
            "large" => {
                let extension = Some(Value::from("x".repeat(100_000)));
                accept("z", Mapped { extension, ..Mapped::default() })
            }
            "text" => accept("z", Mapped { extension: Some(Value::from("plain")), ..Mapped::default() }),
            "locked" => Verdict::Reject(Reject {
                reason: Reason::AccountLocked,
                mapped: Mapped { error_code: Some("423".to_owned()), ..Mapped::default() },
                retry_after: Some(Duration::from_millis(1500)),
            }),
            "challenge" => Verdict::Challenge(challenge()),
            "wrong code" => {
                let error = ChallengeError {
                    reason: Reason::MfaFailed,
                    error_code: Some("96".to_owned()),
                    error_message: None,
                };
                Verdict::Challenge(Challenge { error: Some(error), attempts_left: 2, ..challenge() })
            }
            "unavailable" => Verdict::Unavailable(Unavailable::from(Cause::Timeout)),
            "unreadable" => Verdict::Unavailable(Unavailable::from(Cause::UnexpectedReply)),
            "overloaded" => Verdict::Unavailable(Unavailable {
                cause: Cause::Overloaded,
                retry_after: Some(Duration::from_millis(200)),
            }),
            "misconfigured" => Verdict::Misconfigured(Misconfigured { what: "env.x is set by no script".to_owned() }),
            "panic" => panic!("made up, with the password {password}"),
            _ => Verdict::Reject(Reject::because(Reason::InvalidCredentials)),
        }
    }
}

fn challenge() -> Challenge {
    Challenge {
        id: "c1".to_owned(),
        kind: "sms".to_owned(),
        message: Some("code?".to_owned()),
        fields: vec![ChallengeField {
            name: "code".to_owned(),
            label: None,
            echo: true,
            pattern: Some("[0-9]{6}".to_owned()),
        }],
        url: None,
        returns: Vec::new(),
        image: None,
        expires_in: Duration::from_millis(299_900),
        attempts_left: 3,
        resend_after: Some(Duration::from_millis(59_500)),
        poll_after: None,
        error: None,
    }
}

impl MadeUp {
    /// A utility that reads the user name, which says how the call ends.
    pub fn utility(id: &str) -> Self {
        let mut made_up = Self::new(id);
        (made_up.about.kind, made_up.about.username) = (ConnectorKind::Utility, true);
        made_up
    }

    async fn end(&self, asked: &str) -> UtilityEnd {
        let refused = |reason, error_code: Option<&str>, error_message: Option<&str>| {
            let (error_code, error_message) = (error_code.map(str::to_owned), error_message.map(str::to_owned));
            UtilityEnd::Refused(Refused { reason, error_code, error_message })
        };
        match asked {
            "refused" => refused(Reason::Other, Some("1001"), Some("no such number")),
            "invalid" => refused(Reason::InvalidInput, None, None),
            "limited" => UtilityEnd::Limited { retry_after: Duration::from_millis(119_500) },
            "unavailable" => UtilityEnd::Unavailable(Unavailable::from(Cause::Timeout)),
            "misconfigured" => {
                UtilityEnd::Misconfigured(Misconfigured { what: "env.x is set by no script".to_owned() })
            }
            "panic" => panic!("made up"),
            "hang" => {
                self.hang().await;
                UtilityEnd::Extension(Value::Null)
            }
            "nothing" => UtilityEnd::Extension(Value::Null),
            _ => UtilityEnd::Extension(from_json(br#"{"image":"R0lG","id":12345678901234567890}"#).unwrap()),
        }
    }
}

impl Connector for MadeUp {
    fn about(&self) -> &ConnectorSummary {
        &self.about
    }

    fn run(self: Arc<Self>, login: Login, call: Call) -> BoxFuture<'static, Report> {
        async move {
            let progress = call.progress;
            self.begun.fetch_add(1, Ordering::SeqCst);
            let verdict = self.verdict(&login, &progress).await;
            self.ended.fetch_add(1, Ordering::SeqCst);
            Report {
                connector: self.about.id.clone(),
                revision: self.about.revision.clone(),
                request_id: login.request_id,
                account: login.username.clone(),
                username: login.username,
                explain: format!("login: made up ({})", verdict.name()),
                verdict,
                steps: vec![StepReport {
                    name: "login".to_owned(),
                    factor: true,
                    end: StepEnd::Success,
                    status: Some(200),
                    unjudged_status: false,
                    began: tokio::time::Instant::now(),
                    took: Duration::from_millis(3),
                    trace: None,
                }],
                credential_sends: u32::from(progress.credential_left()),
                took: Duration::from_millis(4),
            }
        }
        .boxed()
    }

    fn resume(self: Arc<Self>, _: Resumption, _: Call) -> BoxFuture<'static, Report> {
        unreachable!("made-up challenges are kept nowhere, so nobody can go on with one")
    }

    fn utility(self: Arc<Self>, call: UtilityCall) -> BoxFuture<'static, UtilityReport> {
        async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let end = self.end(call.username.as_deref().unwrap_or_default()).await;
            self.ended.fetch_add(1, Ordering::SeqCst);
            UtilityReport {
                connector: self.about.id.clone(),
                revision: self.about.revision.clone(),
                request_id: call.request_id,
                explain: format!("fetch: made up ({})", end.name()),
                end,
                steps: Vec::new(),
                took: Duration::from_millis(4),
            }
        }
        .boxed()
    }

    fn dry_run(self: Arc<Self>, login: Login) -> BoxFuture<'static, DryRun> {
        async move {
            let report = Report {
                connector: self.about.id.clone(),
                revision: self.about.revision.clone(),
                request_id: login.request_id,
                account: login.username.clone(),
                username: login.username,
                verdict: Verdict::Unavailable(Unavailable::from(Cause::UnexpectedReply)),
                explain: "login: nothing was sent".to_owned(),
                steps: Vec::new(),
                credential_sends: 0,
                took: Duration::ZERO,
            };
            DryRun { report, ready: true }
        }
        .boxed()
    }
}

/// A fixed set of made-up connectors.
pub struct Shelf(pub Vec<Arc<MadeUp>>);

impl Connectors for Shelf {
    fn find(&self, id: &str) -> Option<Arc<dyn Connector>> {
        self.0.iter().find(|connector| connector.about.id == id).map(|connector| Arc::clone(connector) as _)
    }

    fn list(&self) -> Vec<Arc<dyn Connector>> {
        self.0.iter().map(|connector| Arc::clone(connector) as _).collect()
    }

    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        async { Reloaded { changed: vec!["demo".to_owned()], ..Reloaded::default() } }.boxed()
    }
}
