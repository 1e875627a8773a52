//! The rules of one step as `verdict::judge` asks for them, and which statuses are decisive.

use super::{Absent, Condition, Facts, Seen};
use crate::verdict::{Cause, Otherwise, Reason, Rules, Truth};

/// Statuses that decide a login (docs/contract.md section 4.1). Any other is trouble, unless a rule that
/// holds names it.
const DECISIVE: [u16; 7] = [400, 401, 403, 409, 412, 422, 423];

/// A row of `reject`.
#[derive(Debug)]
pub struct RejectRow {
    /// When it decides.
    pub when: Condition,
    /// The reason it gives.
    pub reason: Reason,
    /// The message it gives, instead of the upstream's.
    pub message: Option<String>,
}

/// Which rule of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A row of `reject`, from 0.
    Reject(usize),
    /// `unavailable`
    Unavailable,
    /// `more`
    More,
    /// `pending`
    Pending,
    /// `success`
    Success,
}

/// As a trace names it.
impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reject(row) => write!(f, "reject[{row}]"),
            Self::Unavailable => f.write_str("unavailable"),
            Self::More => f.write_str("more"),
            Self::Pending => f.write_str("pending"),
            Self::Success => f.write_str("success"),
        }
    }
}

/// All rules of one step.
#[derive(Debug)]
pub struct StepRules {
    /// Rows, the first true one decides.
    pub reject: Vec<RejectRow>,
    /// Trouble that is not the user's fault.
    pub unavailable: Option<Condition>,
    /// Right so far.
    pub more: Option<Condition>,
    /// Not confirmed yet.
    pub pending: Option<Condition>,
    /// Success; only a helper may leave it out.
    pub success: Option<Condition>,
    /// What a false `success` of a factor means.
    pub otherwise: Otherwise,
    /// The file says what the body is. One that is something else is not judged.
    pub declared: bool,
}

impl StepRules {
    /// Every condition with its rule, in the order of judging.
    pub fn conditions(&self) -> impl Iterator<Item = (Rule, &Condition)> {
        let rows = self.reject.iter().enumerate().map(|(row, it)| (Rule::Reject(row), &it.when));
        let others = [
            (Rule::Unavailable, &self.unavailable),
            (Rule::More, &self.more),
            (Rule::Pending, &self.pending),
            (Rule::Success, &self.success),
        ];
        rows.chain(others.into_iter().filter_map(|(rule, condition)| condition.as_ref().map(|it| (rule, it))))
    }

    /// The statuses that a leaf outside `not` names, in any rule.
    pub fn named_statuses(&self) -> Vec<u16> {
        let mut all: Vec<u16> = self.conditions().flat_map(|(_, c)| c.named_statuses()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Whether a reply with this status is judged at all.
pub fn is_judged_status(status: u16, named: &[u16]) -> bool {
    is_decisive_status(status) || named.contains(&status)
}

/// Whether the status itself says yes or no. Any other counts in the rule that names it and holds, and nowhere else.
pub fn is_decisive_status(status: u16) -> bool {
    is_ok(status) || DECISIVE.contains(&status)
}

fn is_ok(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Where the trouble lies when a reply with this status says nothing.
pub fn doubt(status: Option<u16>) -> Cause {
    match status {
        Some(500..) => Cause::UpstreamError,
        _ => Cause::UnexpectedReply,
    }
}

/// Whether the reply is a 2xx; a step without a request has none that could say otherwise.
pub fn replied_ok(facts: Facts<'_>) -> bool {
    facts.reply.is_none_or(|reply| is_ok(reply.status))
}

/// The rules of one step over one reply. Every leaf asked goes to `observer` with its rule.
pub struct Judging<'a> {
    rules: &'a StepRules,
    facts: Facts<'a>,
    observer: Option<std::cell::RefCell<Vec<(Rule, Seen<'a>)>>>,
}

impl<'a> Judging<'a> {
    /// Judges without recording.
    pub fn new(rules: &'a StepRules, facts: Facts<'a>) -> Self {
        Self { rules, facts, observer: None }
    }

    /// Judges and records each leaf.
    pub fn recording(rules: &'a StepRules, facts: Facts<'a>) -> Self {
        Self { rules, facts, observer: Some(std::cell::RefCell::default()) }
    }

    /// The recorded leaves in the order in which they were asked.
    pub fn into_seen(self) -> Vec<(Rule, Seen<'a>)> {
        self.observer.map(std::cell::RefCell::into_inner).unwrap_or_default()
    }

    fn ask(&self, rule: Rule, condition: &'a Condition, absent: Absent) -> Truth {
        match &self.observer {
            None => condition.holds(self.facts, absent),
            Some(leaves) => condition.evaluate(self.facts, absent, &mut |seen| leaves.borrow_mut().push((rule, seen))),
        }
    }

    /// A rule about the user. It must not hold because of a status that decides nothing.
    fn user_rule(&self, rule: Rule, condition: &'a Condition, absent: Absent) -> Truth {
        match self.ask(rule, condition, absent) {
            Truth::True if self.unreadable() => Truth::Unknown,
            Truth::True if self.undecisive_status().is_some() => match condition.holds_by_status(self.facts, absent) {
                Truth::True => Truth::True,
                // It holds because of something other than this status. Passing it over could let a later rule grant what it denies.
                Truth::False | Truth::Unknown => Truth::Unknown,
            },
            truth => truth,
        }
    }

    /// A rule that grants holds on 2xx, and beyond it only in a way that names the status.
    fn granting(&self, rule: Rule, condition: Option<&'a Condition>) -> Truth {
        let Some(condition) = condition else { return Truth::False };
        let truth = self.ask(rule, condition, Absent::Unknown);
        let bound = if replied_ok(self.facts) { truth } else { condition.holds_by_status(self.facts, Absent::Unknown) };
        if bound == Truth::True && self.unreadable() { Truth::Unknown } else { bound }
    }

    /// Whether the body is not what the file says that it is.
    fn unreadable(&self) -> bool {
        self.rules.declared && self.facts.reply.is_some_and(|reply| reply.decoded.document.is_err())
    }

    /// The status, if it is not decisive.
    fn undecisive_status(&self) -> Option<u16> {
        self.facts.reply.map(|reply| reply.status).filter(|status| !is_decisive_status(*status))
    }

    /// A step of which no rule is true is false only for a readable reply with a decisive status; else it is unknown.
    fn or_doubt(&self, truth: Truth) -> Truth {
        let doubtful = truth == Truth::False && (self.unreadable() || self.undecisive_status().is_some());
        if doubtful { Truth::Unknown } else { truth }
    }
}

impl Rules for Judging<'_> {
    fn reject_rows(&self) -> usize {
        self.rules.reject.len()
    }

    fn reject(&self, row: usize) -> Truth {
        self.user_rule(Rule::Reject(row), &self.rules.reject[row].when, Absent::False)
    }

    fn reject_reason(&self, row: usize) -> Reason {
        self.rules.reject[row].reason
    }

    fn unavailable(&self) -> Truth {
        // It says nothing of the user, so it may be true of whatever comes.
        let rule = self.rules.unavailable.as_ref();
        rule.map_or(Truth::False, |rule| self.ask(Rule::Unavailable, rule, Absent::False))
    }

    fn more(&self) -> Truth {
        self.granting(Rule::More, self.rules.more.as_ref())
    }

    fn pending(&self) -> Truth {
        let rule = self.rules.pending.as_ref();
        rule.map_or(Truth::False, |rule| self.user_rule(Rule::Pending, rule, Absent::Unknown))
    }

    fn success(&self) -> Option<Truth> {
        let rule = self.rules.success.as_ref()?;
        Some(self.or_doubt(self.granting(Rule::Success, Some(rule))))
    }

    fn replied_ok(&self) -> Truth {
        if self.unreadable() {
            return Truth::Unknown;
        }
        self.or_doubt(replied_ok(self.facts).into())
    }

    fn otherwise(&self) -> Otherwise {
        self.rules.otherwise
    }

    fn doubt(&self) -> Cause {
        doubt(self.facts.reply.map(|reply| reply.status))
    }
}
