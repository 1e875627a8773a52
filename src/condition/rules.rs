//! The rules of one step as `verdict::judge` asks for them, and which statuses speak at all.

use super::{Absent, Condition, Facts, Seen};
use crate::verdict::{Reason, Rules, Truth};

/// Statuses with which servers say yes or no to a login (docs/contract.md section 4.1). Any other is trouble, unless a
/// status leaf of the step names it.
const SPEAKING: [u16; 7] = [400, 401, 403, 409, 412, 422, 423];

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
    pub failure: Reason,
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
pub fn status_speaks(status: u16, named: &[u16]) -> bool {
    (200..300).contains(&status) || SPEAKING.contains(&status) || named.contains(&status)
}

/// Whether the reply is a 2xx; a step without a request has none that could say otherwise.
pub fn replied_ok(facts: Facts<'_>) -> bool {
    facts.reply.is_none_or(|reply| (200..300).contains(&reply.status))
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

    /// A rule that may be left out; it then is false.
    fn optional(&self, rule: Rule, condition: Option<&'a Condition>, absent: Absent) -> Truth {
        condition.map_or(Truth::False, |condition| self.ask(rule, condition, absent))
    }

    /// A rule that grants holds on 2xx, and beyond it only in a way that names the status.
    fn granting(&self, rule: Rule, condition: Option<&'a Condition>) -> Truth {
        let Some(condition) = condition else { return Truth::False };
        let truth = self.ask(rule, condition, Absent::Unknown);
        if replied_ok(self.facts) { truth } else { condition.holds_by_status(self.facts) }
    }
}

impl Rules for Judging<'_> {
    fn reject_rows(&self) -> usize {
        self.rules.reject.len()
    }

    fn reject(&self, row: usize) -> Truth {
        self.ask(Rule::Reject(row), &self.rules.reject[row].when, Absent::False)
    }

    fn reject_reason(&self, row: usize) -> Reason {
        self.rules.reject[row].reason
    }

    fn unavailable(&self) -> Truth {
        self.optional(Rule::Unavailable, self.rules.unavailable.as_ref(), Absent::False)
    }

    fn more(&self) -> Truth {
        self.granting(Rule::More, self.rules.more.as_ref())
    }

    fn pending(&self) -> Truth {
        self.optional(Rule::Pending, self.rules.pending.as_ref(), Absent::Unknown)
    }

    fn success(&self) -> Option<Truth> {
        let rule = self.rules.success.as_ref()?;
        Some(self.granting(Rule::Success, Some(rule)))
    }

    fn replied_ok(&self) -> Truth {
        replied_ok(self.facts).into()
    }

    fn failure(&self) -> Reason {
        self.rules.failure
    }
}
