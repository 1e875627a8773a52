//! Which steps prove the user (docs/contract.md sections 1 and 3): by what their requests carry, or by what the author claims.

use std::collections::BTreeSet;

use super::{StepCheck, WrittenScript};
use crate::connector::raw::ask::{Ask, AskType};
use crate::connector::raw::connector::Setting;
use crate::connector::raw::{self, Rule, SourceKind};
use crate::connector::{ConnectorKind, Identity, NameSet, Role, Step};
use crate::context::{StepValue, Variable};
use crate::diagnostic::Diagnostics;
use crate::request::RequestPlan;
use crate::script::Reads;
use crate::template::Hole;

/// Which `env.*` are computed from a credential.
pub(super) struct Taint {
    /// Names set by a script that names a credential, or a tainted name.
    env: BTreeSet<String>,
    /// Whether such a script sets names that its text does not tell.
    any: bool,
    /// Whether a script passes `user` on as a whole: its results may hold the password, which makes no factor but
    /// counts when it is asked whether a credential is sent.
    hidden: bool,
    /// Names set by a script that names the user name.
    named: BTreeSet<String>,
    /// Names set by a script that reads a secret of the connector, or a setting from the environment.
    signed: NameSet,
}

impl Taint {
    /// Follows the scripts in the order in which they run.
    pub(super) fn of(raw: &raw::Connector, scripts: &[WrittenScript], reads: &[Reads]) -> Self {
        // A setting from the environment may be anything that stands there, a secret of the host too.
        let from_environment = |reads: &Reads| {
            let mut of_environment = raw.settings.iter().filter(|(_, setting)| matches!(setting, Setting::Env(_)));
            of_environment.any(|(name, _)| reads.settings.all || reads.settings.has(&name.value))
        };
        let mut taint = Self {
            env: BTreeSet::new(),
            any: false,
            hidden: false,
            named: BTreeSet::new(),
            signed: NameSet::default(),
        };
        for (_, reads) in scripts.iter().zip(reads).filter(|(s, _)| s.kind == crate::script::ScriptKind::Variables) {
            taint.hidden |= reads.user.all || reads.answer.all || (reads.env_read.all && taint.holds_any());
            // Here a guess must err towards "no": a request that seems to carry the user name needs no comparison. So only
            // a script that sets one name and reads the user name counts, for that name.
            let about_user = reads.user.has("username") || reads.env_read.names.keys().any(|n| taint.named.contains(n));
            if about_user && !reads.env_written.all && reads.env_written.names.len() == 1 {
                taint.named.extend(reads.env_written.names.keys().cloned());
            }
            let signs = !reads.secret.is_empty()
                || from_environment(reads)
                || reads.env_read.names.keys().any(|name| taint.signed.covers(name))
                || (reads.env_read.all && !taint.signed.names.is_empty());
            if signs {
                taint.signed.names.extend(reads.env_written.names.keys().cloned());
                taint.signed.all |= reads.env_written.all;
            }
            let inherits = reads.env_read.names.keys().any(|name| taint.env.contains(name));
            if reads.names_credential() || inherits {
                taint.env.extend(reads.env_written.names.keys().cloned());
                taint.any |= reads.env_written.all;
            }
        }
        taint
    }

    /// The names of `env` that hold a credential of the user or of the connector, or may.
    pub(super) fn secret_env(&self) -> NameSet {
        let names = self.env.union(&self.signed.names).cloned().collect();
        NameSet { names, all: self.any || self.signed.all || self.hidden }
    }

    fn holds_any(&self) -> bool {
        self.any || self.hidden || !self.env.is_empty()
    }

    /// Whether the value is the user's proof or computed from it.
    pub(super) fn is_proof(&self, variable: &Variable) -> bool {
        match variable {
            Variable::Env(name) => self.env.contains(name) || self.any,
            other => other.is_credential(),
        }
    }

    /// Whether the value is the user name or computed from it.
    fn names_user(&self, variable: &Variable) -> bool {
        match variable {
            Variable::Env(name) => self.named.contains(name),
            other => *other == Variable::Username,
        }
    }

    /// Whether the value may hold the user's credential.
    pub(super) fn may_hold_credential(&self, variable: &Variable) -> bool {
        self.is_proof(variable) || (self.hidden && matches!(variable, Variable::Env(_)))
    }
}

/// The role of a step whose request reads `variables`.
pub(super) fn role(
    step: &raw::Step,
    variables: &BTreeSet<Variable>,
    taint: &Taint,
    diagnostics: &mut Diagnostics,
) -> Role {
    let proves = variables.iter().any(|variable| taint.is_proof(variable)) || judges_answer(step);
    match &step.role {
        None if proves => Role::Factor,
        None => Role::Helper,
        Some(role) => match role.value {
            Role::Factor => Role::Factor,
            Role::Helper if proves => {
                let message = "a step whose request carries the user's proof cannot be a helper";
                let mistake = diagnostics.error_at("helper-with-credential", &role.span, message);
                let what = variables.iter().find(|variable| taint.is_proof(variable)).map(ToString::to_string);
                let mistake = mistake.label(format!("it sends `{}`", what.unwrap_or_default()));
                diagnostics.add(mistake.help("leave `role` out, and give the step a `success`"));
                Role::Factor
            }
            Role::Helper => Role::Helper,
        },
    }
}

/// Whether the answer itself is the proof: a token that is verified here, or a value that `success` looks at in a step without a
/// request.
fn judges_answer(step: &raw::Step) -> bool {
    fn walk(condition: &raw::Condition) -> bool {
        match &condition.rule {
            Rule::All(list) | Rule::Any(list) => list.iter().any(walk),
            Rule::Not(term) => walk(term),
            Rule::Leaf(leaf) => matches!(&leaf.source.kind, SourceKind::Var(text) if text.text.starts_with("answer.")),
            Rule::Status(_) => false,
        }
    }
    let response = step.response.as_ref();
    let success = response.and_then(|response| response.success.as_ref());
    let token = response.and_then(|response| response.jwt.as_ref()).is_some_and(|jwt| jwt.answer.is_some());
    token || (step.request.is_none() && success.is_some_and(walk))
}

/// A connector that authenticates must have something that proves.
pub(super) fn at_least_one_factor(
    raw: &raw::Connector,
    kind: ConnectorKind,
    steps: &[Step],
    diagnostics: &mut Diagnostics,
) {
    // Steps with mistakes of their own are missing here; judging the rest would mislead.
    // What sends the password may be what this version cannot do.
    if diagnostics.has_within("not-supported", &(0..usize::MAX)) {
        return;
    }
    if kind == ConnectorKind::Authentication
        && steps.len() == raw.steps.len()
        && steps.iter().all(|s| s.role == Role::Helper)
    {
        let span = raw.steps.first().map_or(0..0, |step| step.name.span.clone());
        let message = "no step proves the user: none sends the password, a field of it or an answer";
        let mistake = diagnostics.error_at("no-factor", &span, message).label("this connector can never accept");
        diagnostics.add(mistake.help("send {{user.userPassword}} or something computed from it, or say role: factor"));
    }
}

/// Whether an accept needs a comparison of names (docs/contract.md section 4.5), which then must be there.
pub(super) fn identity(raw: &raw::Connector, steps: &[Step], taint: &Taint, diagnostics: &mut Diagnostics) -> bool {
    if steps.len() != raw.steps.len() {
        return false;
    }
    let factors: Vec<(&raw::Step, &Step)> =
        raw.steps.iter().zip(steps).filter(|(_, s)| s.role == Role::Factor).collect();
    let why = if raw.input.as_ref().is_some_and(|input| input.username_fields.is_some()) {
        "the user name is packed with other fields".to_owned()
    } else if raw.steps.iter().any(|step| step.response.as_ref().is_some_and(|response| response.jwt.is_some())) {
        "a signed token says who this is".to_owned()
    } else if factors.iter().any(|(_, step)| step.proven_elsewhere) {
        // `each_elsewhere_is_compared` has said what is missing.
        return true;
    } else if !factors.is_empty() && !factors.iter().any(|(_, step)| names_user(step, &factors, taint)) {
        nameless(&factors, taint)
    } else {
        return false;
    };
    let compares = |step: &Step| step.response.identity.as_ref().is_some_and(|identity| identity.counts);
    // After other mistakes (a misspelt user name) this one would often be their echo.
    if !steps.iter().any(compares) && !diagnostics.has_errors() {
        let span = factors.first().map_or(0..0, |(step, _)| step.name.span.clone());
        let mistake = diagnostics.error_at("identity-missing", &span, "`identity` is required here").label(why);
        let last = factors.last().map_or("", |(step, _)| step.name.text.as_str());
        diagnostics.add(mistake.help(format!(
            "say where the reply to `{last}` names the user: response.identity: {{ field: …, match: exact }} (a list where \
             several replies do, each in its own field); or send {{{{user.username}}}} in the request of `{last}`"
        )));
    }
    true
}

/// Which requests carry no user name.
fn nameless(factors: &[(&raw::Step, &Step)], taint: &Taint) -> String {
    let merges = |step: &Step| step.variables_read.iter().any(|variable| taint.names_user(variable));
    if let Some((step, _)) = factors.iter().find(|(_, step)| merges(step)) {
        let name = &step.name.text;
        return format!("the request of `{name}` cuts or decodes the user name: two names may be one there");
    }
    let names: Vec<String> = factors.iter().map(|(step, _)| format!("`{}`", step.name.text)).collect();
    match &names[..] {
        [only] => format!("the request of {only} carries no user name: whose proof it is, only the reply can say"),
        all => {
            format!("the requests of {} carry no user name: whose proof it is, only a reply can say", all.join(", "))
        }
    }
}

/// Whether the step's request carries the user name, or a capture of a factor that does.
fn names_user(step: &Step, factors: &[(&raw::Step, &Step)], taint: &Taint) -> bool {
    let direct = |step: &Step| {
        let read = step.variables_read.iter().any(|variable| taint.names_user(variable));
        let holes = step.request.iter().flat_map(RequestPlan::holes).filter(|hole| taint.names_user(&hole.variable));
        let (merged, whole): (Vec<&Hole>, Vec<&Hole>) = holes.partition(|hole| hole.is_lossy());
        read && (merged.is_empty() || !whole.is_empty())
    };
    direct(step)
        || step.variables_read.iter().any(|variable| match variable {
            Variable::Step { step: name, .. } => {
                factors.iter().any(|(raw, step)| raw.name.text == *name && direct(step))
            }
            _ => false,
        })
}

/// Each factor that is proven on another device or page needs a step whose comparison of names says who was proven there. The
/// comparison of another factor says nothing about it: a password of one user must not go with the telephone of another
/// (docs/security.md, failure 19).
pub(super) fn each_elsewhere_is_compared(raw: &raw::Connector, steps: &[Step], diagnostics: &mut Diagnostics) {
    for (index, (raw, _)) in raw.steps.iter().zip(steps).enumerate().filter(|(_, (_, step))| step.proven_elsewhere) {
        if steps.iter().all(|step| !step.compares_for.contains(&index)) && !diagnostics.has_errors() {
            let mistake =
                diagnostics.error_at("identity-missing", &raw.name.span, "`identity` is required in this step");
            let mistake = mistake.label("the user is proven on another device or page");
            diagnostics.add(mistake.help(
                "compare the upstream's name for the user here, or in a later step that asks with a capture of this one: \
                 response.identity: { field: …, match: exact }",
            ));
        }
    }
}

/// The factors proven elsewhere whose user this step's `identity` comparison verifies: itself, and earlier ones whose
/// capture is in its request.
pub(super) fn compares_for(
    identity: Option<&Identity>,
    role: Role,
    variables: &BTreeSet<Variable>,
    part: StepCheck<'_>,
) -> Vec<usize> {
    if !identity.is_some_and(|identity| identity.counts) {
        return Vec::new();
    }
    let asks_with_capture_of = |name: &str| {
        let of_it = |variable: &Variable| matches!(variable, Variable::Step { step, value: StepValue::Capture(_) } if step == name);
        variables.iter().any(of_it)
    };
    let earlier = part.earlier.iter().enumerate();
    let earlier = earlier.filter(|(_, step)| step.proven_elsewhere && asks_with_capture_of(&step.name));
    let own = is_proven_elsewhere(role, part.raw).then_some(part.scope.step);
    earlier.map(|(index, _)| index).chain(own).collect()
}

/// Whether a step of this role is proven on another device or page.
pub(super) fn is_proven_elsewhere(role: Role, raw: &raw::Step) -> bool {
    role == Role::Factor && raw.ask.as_ref().is_some_and(other_device)
}

/// Whether an `identity` comparison in a step that reads `variables` verifies the user who was proven: in a factor, or in a
/// helper whose request has a capture of an earlier factor. The reply to a user name only echoes the name that was sent.
pub(super) fn comparison_counts(role: Role, variables: &BTreeSet<Variable>, part: StepCheck<'_>) -> bool {
    let is_factor = |name: &str| part.earlier.iter().any(|step| step.role == Role::Factor && step.name == name);
    let asks_with_capture = variables.iter().any(|variable| match variable {
        Variable::Step { step, value: StepValue::Capture(_) | StepValue::Form(_) } => is_factor(step),
        _ => false,
    });
    let asks_by_name = variables.iter().any(|variable| part.taint.names_user(variable));
    role == Role::Factor || (asks_with_capture && !asks_by_name)
}

/// The packed fields of which a factor's request is made, directly or by a script.
pub(super) fn proof_fields(steps: &[Step], scripts: &[WrittenScript], reads: &[Reads]) -> NameSet {
    let mut fields = NameSet::default();
    for variable in steps.iter().filter(|s| s.role == Role::Factor).flat_map(|step| &step.variables_read) {
        if let Variable::Field(name) = variable {
            fields.names.insert(name.clone());
        }
    }
    for (_, reads) in scripts.iter().zip(reads).filter(|(s, _)| s.kind == crate::script::ScriptKind::Variables) {
        fields.names.extend(reads.user_fields.names.keys().cloned());
        fields.all |= reads.user_fields.all || reads.user.all;
    }
    fields
}

/// Whether what is asked for proves the user somewhere else than in a request of this connector.
fn other_device(ask: &Ask) -> bool {
    matches!(ask.r#type.value, AskType::Redirect | AskType::Push)
}
