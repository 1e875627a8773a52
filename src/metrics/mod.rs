//! Prometheus metrics. Every label has a bounded set of values: ids and steps come from connector files, all else from
//! closed lists; nothing that a user, a caller or an upstream says becomes a label.
//!
//! docs/operation.md lists them; examples/grafana-dashboard.json draws them.

mod labels;

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use labels::{
    AtDoor, CauseLabel, Code, HealthLabel, InConnector, InStep, KeyLabel, Login, Part, Reply, Result, Utility,
};
pub use labels::{CallerDisconnect, Closed, Shed, SpanLoss};

use crate::flow::UtilityReport;
use crate::flow::report::{Report, StepReport};
use crate::session::SessionCounts;
use crate::state;

/// Seconds, from a fast upstream on the same network to the longest timeout in use.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The content type of [`Metrics::text`] (OpenMetrics 1.0).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn durations() -> Histogram {
    Histogram::new(BUCKETS)
}

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// All metrics of the daemon. Counting is cheap and never fails.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    logins: Family<Login, Counter>,
    utilities: Family<Utility, Counter>,
    login_seconds: Durations<InConnector>,
    step_seconds: Durations<InStep>,
    replies: Family<Reply, Counter>,
    sends: Family<InConnector, Counter>,
    in_flight: Gauge,
    connections: Gauge,
    closed: Family<CauseLabel, Counter>,
    shed: Family<CauseLabel, Counter>,
    gone: Family<CauseLabel, Counter>,
    refusals: Family<KeyLabel, Counter>,
    problems: Family<Code, Counter>,
    doors: Family<AtDoor, Counter>,
    panics: Counter,
    audit_lost: Counter,
    audit_left_out: Counter,
    log_lost: Counter<u64, AtomicU64>,
    log_lines: OnceLock<LostLines>,
    reloads: Family<Result, Counter>,
    connectors: Family<HealthLabel, Gauge>,
    sandbox: Family<Part, Gauge>,
    challenges_open: Gauge,
    challenges_evicted: Counter,
    challenge_failures: Family<CauseLabel, Counter>,
    sessions_open: Gauge,
    sessions_opened: Counter,
    sessions_ended: Family<CauseLabel, Counter>,
    spans_sent: Counter,
    spans_dropped: Family<CauseLabel, Counter>,
}

/// How many lines the log lost.
struct LostLines(Box<dyn Fn() -> u64 + Send + Sync>);

impl fmt::Debug for LostLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LostLines")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("doorward"),
            logins: Family::default(),
            utilities: Family::default(),
            login_seconds: Durations::new_with_constructor(durations),
            step_seconds: Durations::new_with_constructor(durations),
            replies: Family::default(),
            sends: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            closed: Family::default(),
            shed: Family::default(),
            gone: Family::default(),
            refusals: Family::default(),
            problems: Family::default(),
            doors: Family::default(),
            panics: Counter::default(),
            audit_lost: Counter::default(),
            audit_left_out: Counter::default(),
            log_lost: Counter::default(),
            log_lines: OnceLock::new(),
            reloads: Family::default(),
            connectors: Family::default(),
            sandbox: Family::default(),
            challenges_open: Gauge::default(),
            challenges_evicted: Counter::default(),
            challenge_failures: Family::default(),
            sessions_open: Gauge::default(),
            sessions_opened: Counter::default(),
            sessions_ended: Family::default(),
            spans_sent: Counter::default(),
            spans_dropped: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("build", "The running version", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("logins", "Logins by verdict; detail is the reason or the cause", self.logins.clone());
        registry.register("utility_calls", "Utility calls by outcome; detail says why", self.utilities.clone());
        registry.register("login_duration_seconds", "From the call to the verdict", self.login_seconds.clone());
        registry.register("step_duration_seconds", "Steps of logins", self.step_seconds.clone());
        registry.register("upstream_replies", "Replies of upstreams by class of status", self.replies.clone());
        registry.register("credential_sends", "Requests to upstreams that carried a credential", self.sends.clone());
        registry.register("logins_in_flight", "Logins that run now", self.in_flight.clone());
        registry.register("connections", "Open connections of callers", self.connections.clone());
        registry.register("connections_closed", "Connections that the daemon closed, and why", self.closed.clone());
        registry.register("shed", "Calls and connections beyond a bound", self.shed.clone());
        registry.register("callers_gone", "Callers that went away during a login", self.gone.clone());
        registry.register(
            "guard_refusals",
            "Logins and utility calls that a rate limit refused",
            self.refusals.clone(),
        );
        registry.register("problems", "Faults of calls", self.problems.clone());
        registry.register("door_replies", "Replies of doors by what they say", self.doors.clone());
        registry.register("panics", "Panics that were caught", self.panics.clone());
        registry.register("audit_lines_lost", "Audit lines that could not be written", self.audit_lost.clone());
        let left_out = "Audit lines of logins that sent nothing, beyond their caller's rate";
        registry.register("audit_lines_left_out", left_out, self.audit_left_out.clone());
        registry.register("log_lines_lost", "Log lines beyond the queue", self.log_lost.clone());
        registry.register("reloads", "Reloads of the connectors", self.reloads.clone());
        registry.register("connectors", "Connectors by health", self.connectors.clone());
        registry.register("script_sandbox", "Parts of the script workers' sandbox: 1 on", self.sandbox.clone());
        registry.register("challenges_open", "Challenges in this process", self.challenges_open.clone());
        registry.register("challenges_evicted", "Challenges that newer ones evicted", self.challenges_evicted.clone());
        registry.register(
            "challenge_failures",
            "Challenges that could not be kept or taken",
            self.challenge_failures.clone(),
        );
        registry.register("sessions_open", "Sessions in this process", self.sessions_open.clone());
        registry.register("sessions_opened", "Sessions that logins opened", self.sessions_opened.clone());
        registry.register("sessions_ended", "Sessions that ended, and why", self.sessions_ended.clone());
        registry.register("spans_sent", "Spans that the collector of traces took", self.spans_sent.clone());
        registry.register("spans_dropped", "Spans that it did not get, and why", self.spans_dropped.clone());
    }

    /// Counts one login.
    pub fn login(&self, report: &Report) {
        let in_connector = InConnector { connector: report.connector.clone() };
        let login = Login {
            connector: report.connector.clone(),
            verdict: report.verdict.name(),
            detail: report.verdict.detail(),
        };
        self.logins.get_or_create(&login).inc();
        if report.credential_sends > 0 {
            self.sends.get_or_create(&in_connector).inc_by(report.credential_sends.into());
        }
        self.login_seconds.get_or_create(&in_connector).observe(report.took.as_secs_f64());
        self.steps(&report.connector, &report.steps);
    }

    /// Counts one utility call.
    pub fn utility(&self, report: &UtilityReport) {
        let (connector, outcome, detail) = (report.connector.clone(), report.end.name(), report.end.detail());
        self.utilities.get_or_create(&Utility { connector, outcome, detail }).inc();
        self.steps(&report.connector, &report.steps);
    }

    fn steps(&self, connector: &str, steps: &[StepReport]) {
        for step in steps {
            // Without a reply a duration says more about the timeout than about the upstream.
            let Some(status) = step.status else { continue };
            let connector = connector.to_owned();
            let in_step = InStep { connector: connector.clone(), step: step.name.clone() };
            self.step_seconds.get_or_create(&in_step).observe(step.took.as_secs_f64());
            let labels = Reply { connector, step: step.name.clone(), status: labels::class(status) };
            self.replies.get_or_create(&labels).inc();
        }
    }

    /// A login began or ended.
    pub fn in_flight(&self, change: i64) {
        self.in_flight.inc_by(change);
    }

    /// A connection was opened or closed.
    pub fn connections(&self, change: i64) {
        self.connections.inc_by(change);
    }

    /// The daemon closed a connection.
    pub fn closed(&self, why: Closed) {
        self.closed.get_or_create(&CauseLabel { cause: why.as_str() }).inc();
    }

    /// Something was beyond a bound.
    pub fn shed(&self, what: Shed) {
        self.shed.get_or_create(&CauseLabel { cause: what.as_str() }).inc();
    }

    /// A caller went away during a login.
    pub fn gone(&self, when: CallerDisconnect) {
        self.gone.get_or_create(&CauseLabel { cause: when.as_str() }).inc();
    }

    /// A rate limit refused a login or a utility call; `by` names the limit's key.
    pub fn refused(&self, by: &'static str) {
        self.refusals.get_or_create(&KeyLabel { by }).inc();
    }

    /// A call was faulty; `code` is one of the problem codes.
    pub fn problem(&self, code: &'static str) {
        self.problems.get_or_create(&Code { code }).inc();
    }

    /// A door answered; `reply` is what its reply says.
    pub fn door(&self, door: &str, reply: &'static str) {
        self.doors.get_or_create(&AtDoor { door: door.to_owned(), reply }).inc();
    }

    /// The collector of traces took spans.
    pub fn spans_sent(&self, count: usize) {
        self.spans_sent.inc_by(count as u64);
    }

    /// Spans were dropped.
    pub fn spans_dropped(&self, why: SpanLoss, count: usize) {
        self.spans_dropped.get_or_create(&CauseLabel { cause: why.as_str() }).inc_by(count as u64);
    }

    /// A panic was caught.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// An audit line could not be written.
    pub fn audit_lost(&self) {
        self.audit_lost.inc();
    }

    /// An audit line was left out, because its caller had too many without anything being sent.
    pub fn audit_left_out(&self) {
        self.audit_left_out.inc();
    }

    /// Where the log counts the lines that it lost; read at each scrape.
    pub fn watch_log(&self, lost: impl Fn() -> u64 + Send + Sync + 'static) {
        let _ = self.log_lines.set(LostLines(Box::new(lost)));
    }

    /// The connectors were read again; `result` is `ok` or `refused`.
    pub fn reloaded(&self, result: &'static str) {
        self.reloads.get_or_create(&Result { result }).inc();
    }

    /// How many connectors stand how.
    pub fn connectors(&self, health: &'static str, count: usize) {
        self.connectors.get_or_create(&HealthLabel { health }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Whether all script workers have this part of their sandbox.
    pub fn sandbox(&self, part: &'static str, on: bool) {
        self.sandbox.get_or_create(&Part { part }).set(i64::from(on));
    }

    /// What the store of challenges counted since it was opened.
    pub fn challenges(&self, counts: &state::Counts) {
        self.challenges_open.set(i64::try_from(counts.open.unwrap_or(0)).unwrap_or(i64::MAX));
        self.challenges_evicted.inner().store(counts.evicted, Ordering::Relaxed);
        for &(cause, count) in &counts.failures {
            self.challenge_failures.get_or_create(&CauseLabel { cause }).inner().store(count, Ordering::Relaxed);
        }
    }

    /// What the sessions counted since the start.
    pub fn sessions(&self, counts: &SessionCounts) {
        self.sessions_open.set(i64::try_from(counts.open).unwrap_or(i64::MAX));
        self.sessions_opened.inner().store(counts.opened, Ordering::Relaxed);
        for (cause, count) in &counts.ended {
            self.sessions_ended.get_or_create(&CauseLabel { cause }).inner().store(*count, Ordering::Relaxed);
        }
    }

    /// Everything as OpenMetrics text.
    pub fn text(&self) -> String {
        if let Some(LostLines(lost)) = self.log_lines.get() {
            self.log_lost.inner().store(lost(), Ordering::Relaxed);
        }
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// The same without the samples of connectors that `shown` denies. Ids hold nothing that is escaped in a label.
    pub fn text_of(&self, shown: impl Fn(&str) -> bool) -> String {
        const LABEL: &str = "connector=\"";
        let text = self.text();
        let sample_of = |line: &'_ str| {
            let labels = line.find('{').filter(|_| !line.starts_with('#')).map(|start| &line[start + 1..])?;
            let at = labels.strip_prefix(LABEL).or_else(|| Some(labels.split_once(&format!(",{LABEL}"))?.1))?;
            Some(at.split('"').next().unwrap_or_default().to_owned())
        };
        text.split_inclusive('\n').filter(|line| sample_of(line).is_none_or(|id| shown(&id))).collect()
    }
}

/// Counts a thing that is there for a while.
#[derive(Debug)]
pub struct GaugeGuard<F: Fn(i64)>(F);

impl<F: Fn(i64)> GaugeGuard<F> {
    /// Counts up now and down when dropped.
    pub fn new(count: F) -> Self {
        count(1);
        Self(count)
    }
}

impl<F: Fn(i64)> Drop for GaugeGuard<F> {
    fn drop(&mut self) {
        (self.0)(-1);
    }
}

#[cfg(test)]
mod tests;
