//! Which names exist in a connector, and where: a variable that cannot have a value is a mistake of the file.

use std::collections::{BTreeMap, BTreeSet};

use super::WrittenScript;
use super::scripts::in_script;
use crate::connector::ask::{AskType, DEFAULT_ANSWERS};
use crate::connector::raw;
use crate::context::{StepValue, Variable};
use crate::diagnostic::{Diagnostics, Span, did_you_mean};
use crate::script::{Reads, ScriptPosition};

/// All names of one connector.
pub(super) struct Names {
    attributes: Vec<String>,
    fields: bool,
    secrets: Vec<String>,
    /// Settings, and whether each has nodes in place of a text.
    settings: BTreeMap<String, bool>,
    steps: Vec<StepNames>,
    /// A utility: no user logs in, so there is no credential.
    utility: bool,
    /// A login brings no password.
    no_password: bool,
}

struct StepNames {
    name: String,
    /// Capture and whether it is optional.
    captures: BTreeMap<String, bool>,
    /// What scripts up to and including this step's variables script may have set.
    env: BTreeSet<String>,
    /// Whether such a script sets names that its text does not tell.
    any_env: bool,
    answers: BTreeSet<String>,
}

/// The names that one step may use.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) names: &'a Names,
    /// The step's index.
    pub(super) step: usize,
    /// Whether the step's own script and answers are still to come: in its `when` and its `ask`.
    pub(super) before: bool,
    /// Whether `body.inner` has a value: in `auth` of a request whose body has an `inner`.
    pub(super) inner: bool,
}

impl Names {
    /// Collects them; a name that is used twice is a mistake.
    pub(super) fn collect(
        raw: &raw::Connector,
        scripts: &[WrittenScript],
        reads: &[Reads],
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut steps: Vec<StepNames> = Vec::new();
        let (mut env, mut any_env) = (BTreeSet::new(), false);
        for (index, step) in raw.steps.iter().enumerate() {
            step_name(&step.name, steps.iter().map(|earlier| earlier.name.as_str()), diagnostics);
            let before = (env.clone(), any_env);
            for (script, reads) in scripts.iter().zip(reads).filter(|(script, _)| script.step == index) {
                if script.kind == crate::script::ScriptKind::Variables {
                    env.extend(reads.env_written.names.keys().cloned());
                    any_env |= reads.env_written.all;
                }
            }
            let captures = step.response.iter().flat_map(|response| response.capture.iter());
            let optional = |capture: &raw::response::Capture| capture.optional.as_ref().is_some_and(|flag| flag.value);
            steps.push(StepNames {
                name: step.name.text.clone(),
                captures: captures
                    .map(|(name, capture)| {
                        reserved_capture(name, diagnostics);
                        (name.value.clone(), optional(capture))
                    })
                    .collect(),
                env: env.clone(),
                any_env,
                answers: step.ask.iter().flat_map(answers).collect(),
            });
            if step.cache.is_some() {
                // Its script runs in few logins, so what it sets is for itself.
                (env, any_env) = before;
            }
        }
        let input = raw.input.as_ref();
        Self {
            attributes: input.map(|i| i.attributes.iter().map(|(n, _)| n.value.clone()).collect()).unwrap_or_default(),
            fields: input.is_some_and(|i| i.password_fields.is_some() || i.username_fields.is_some()),
            secrets: raw.secrets.iter().map(|(name, _)| name.value.clone()).collect(),
            settings: raw
                .settings
                .iter()
                .map(|(name, setting)| (name.value.clone(), matches!(setting, raw::connector::Setting::Nodes(_))))
                .collect(),
            steps,
            utility: super::utility::is(raw),
            no_password: input.is_some_and(|input| input.password.is_some()),
        }
    }

    /// What scripts read must exist, too.
    pub(super) fn check_scripts(&self, scripts: &[WrittenScript], reads: &[Reads], diagnostics: &mut Diagnostics) {
        for (script, reads) in scripts.iter().zip(reads) {
            let scope = Scope { names: self, step: script.step, before: false, inner: false };
            let user = reads
                .user
                .names
                .keys()
                .filter(|name| !matches!(name.as_str(), "fields" | "username" | "userPassword" | "clientIp"));
            let mut named: Vec<Variable> = user.cloned().map(Variable::Attribute).collect();
            named.extend((self.no_password && reads.user.has("userPassword")).then_some(Variable::Password));
            named.extend(reads.user_fields.names.keys().cloned().map(Variable::Field));
            named.extend(reads.secret.names.keys().cloned().map(Variable::Secret));
            named.extend(reads.answer.names.keys().cloned().map(Variable::Answer));
            for (step, values) in &reads.steps {
                named.extend(values.names.keys().map(|value| Variable::Step {
                    step: step.clone(),
                    value: match value.as_str() {
                        "outcome" => StepValue::Outcome,
                        "status" => StepValue::Status,
                        capture => StepValue::Capture(capture.to_owned()),
                    },
                }));
            }
            for variable in named {
                scope.check(&variable, &script.at, diagnostics);
            }
            for (name, place) in &reads.settings.names {
                self.check_setting(name, script, *place, diagnostics);
            }
        }
    }

    /// `settings.x` of a script.
    fn check_setting(&self, name: &str, script: &WrittenScript, place: ScriptPosition, diagnostics: &mut Diagnostics) {
        match self.settings.get(name) {
            Some(false) => {}
            Some(true) => {
                let message = format!("the setting `{name}` has nodes, of which a script knows none");
                let mistake = in_script(script, "nodes-not-in-url", place, &message, diagnostics);
                diagnostics.add(mistake.help(format!("begin the URL with ${{{name}}}; a script gives what follows")));
            }
            None => {
                let message = format!("there is no setting `{name}`");
                let mistake = in_script(script, "unknown-setting", place, &message, diagnostics);
                let near = did_you_mean(name, self.settings.keys().map(String::as_str));
                diagnostics.add(match near {
                    Some(near) => mistake.help(format!("did you mean `settings.{near}`?")),
                    None => mistake.help(format!("declare it: settings.{name}")),
                });
            }
        }
    }
}

/// Notes a name that an earlier step has, or that no variable can hold.
fn step_name<'n>(name: &raw::Text, mut earlier: impl Iterator<Item = &'n str>, diagnostics: &mut Diagnostics) {
    let text = &name.text;
    if earlier.any(|earlier| earlier == text) {
        let message = format!("there are two steps named `{text}`");
        diagnostics.add(diagnostics.error_at("duplicate-step", &name.span, message).label("the second one"));
    }
    // `steps.<name>.status` and `.outcome` are taken, and a name must be one segment of a variable.
    if Variable::parse(&format!("steps.{text}.status")).is_err() {
        let message = format!("`{text}` cannot be the name of a step");
        let mistake = diagnostics.error_at("bad-name", &name.span, message);
        diagnostics.add(mistake.help("use letters, digits, `_` and `-`"));
    }
}

/// What a redirect brings back.
pub(super) fn returns(raw: &raw::ask::Ask) -> Vec<String> {
    if raw.r#type.value != AskType::Redirect {
        return Vec::new();
    }
    if raw.answers.is_empty() {
        return DEFAULT_ANSWERS.map(str::to_owned).to_vec();
    }
    raw.answers.iter().map(|name| name.text.clone()).collect()
}

/// What an `ask` brings: its fields, and what a redirect carries.
fn answers(ask: &raw::ask::Ask) -> Vec<String> {
    ask.fields.iter().map(|field| field.name.text.clone()).chain(returns(ask)).collect()
}

fn reserved_capture(name: &raw::Spanned<String>, diagnostics: &mut Diagnostics) {
    let taken = matches!(name.value.as_str(), "status" | "outcome");
    if taken || Variable::parse(&format!("steps.x.{}", name.value)).is_err() {
        let message = format!("`{}` cannot be the name of a capture", name.value);
        let mistake = diagnostics.error_at("bad-name", &name.span, message);
        let mistake = if taken { mistake.label("every step has a value of this name") } else { mistake };
        diagnostics.add(mistake.help("use another name of letters, digits, `_` and `-`"));
    }
}

impl Scope<'_> {
    /// The same step before its script and its answers.
    pub(super) fn before(self) -> Self {
        Self { before: true, ..self }
    }

    /// The same for what signs a request.
    pub(super) fn signing(self, inner: bool) -> Self {
        Self { inner, ..self }
    }

    /// The steps whose scripts have run and whose answers are known.
    fn done(&self) -> &[StepNames] {
        let end = if self.before { self.step } else { self.step + 1 };
        &self.names.steps[..end]
    }

    /// Notes a mistake at `span` when `variable` cannot have a value here.
    pub(super) fn check(self, variable: &Variable, span: &Span, diagnostics: &mut Diagnostics) {
        let Err((message, known, fix)) = self.look_up(variable) else { return };
        let mistake = diagnostics.error_at("unknown-variable", span, message);
        let near = did_you_mean(&variable.to_string(), known.iter().map(String::as_str));
        diagnostics.add(match near {
            Some(near) => mistake.help(format!("did you mean `{near}`?")),
            None => mistake.help(fix),
        });
    }

    /// Whether `variable` is a capture that a reply may lack.
    pub(super) fn is_optional(self, variable: &Variable) -> bool {
        let Variable::Step { step, value: StepValue::Capture(name) } = variable else { return false };
        let step = self.names.steps.iter().find(|known| known.name == *step);
        step.and_then(|step| step.captures.get(name)).copied().unwrap_or(false)
    }

    /// What is wrong, what may have been meant, and what to do.
    fn look_up(self, variable: &Variable) -> Result<(), (String, Vec<String>, String)> {
        let env = self.done().last();
        let prefixed = |space: &str, names: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            names.map(|name| format!("{space}.{name}")).collect()
        };
        let no_such = format!("there is no variable `{variable}`");
        match variable {
            _ if self.names.utility && variable.is_credential() => {
                let fix = "take what the call needs from input.attributes, sent as `inputs`".to_owned();
                Err((format!("a utility has no `{variable}`: no user logs in"), Vec::new(), fix))
            }
            Variable::Password if self.names.no_password => {
                let fix = "leave `input.password` out, or send what the user answers: {{answer.code}}".to_owned();
                Err((format!("there is no `{variable}`: `input.password` is none"), Vec::new(), fix))
            }
            Variable::Signed(_) => {
                let fix = "use it in `canonical` or `value` of `auth: hmac`".to_owned();
                Err((format!("`{variable}` exists only while a request is signed"), Vec::new(), fix))
            }
            Variable::InnerBody if !self.inner => {
                let fix = "use it in the request whose body has `inner`, outside of that".to_owned();
                Err((format!("`{variable}` has no value here"), Vec::new(), fix))
            }
            Variable::Verdict(_) => {
                let fix = "a connector has what users send and upstreams answer: user.*, steps.*".to_owned();
                Err((format!("`{variable}` exists only in the replies of a door"), Vec::new(), fix))
            }
            Variable::Attribute(name) if !self.names.attributes.contains(name) => {
                let mut known = prefixed("user", &mut self.names.attributes.iter());
                known.extend(["user.username", "user.userPassword", "user.clientIp"].map(String::from));
                Err((no_such, known, format!("declare it: input.attributes.{name}")))
            }
            Variable::Field(_) if !self.names.fields => {
                Err((no_such, Vec::new(), "declare input.password_fields, which fills user.fields".to_owned()))
            }
            Variable::Secret(name) if !self.names.secrets.contains(name) => {
                let known = prefixed("secret", &mut self.names.secrets.iter());
                Err((no_such, known, format!("declare it: secrets.{name}: {{ env: NAME }}")))
            }
            Variable::Env(name) if !env.is_some_and(|known| known.any_env || known.env.contains(name)) => {
                let known = prefixed("env", &mut env.iter().flat_map(|known| &known.env));
                Err((
                    format!("no script sets `{variable}`"),
                    known,
                    format!("set it in a variables script: env.{name} = …"),
                ))
            }
            Variable::Answer(name) if !self.done().iter().any(|step| step.answers.contains(name)) => {
                let known = prefixed("answer", &mut self.done().iter().flat_map(|step| &step.answers));
                Err((
                    no_such,
                    known,
                    "ask for it: ask.fields of this step, or ask.answers where a redirect brings it back".to_owned(),
                ))
            }
            Variable::Step { step, value } => self.look_up_step(variable, step, value),
            _ => Ok(()),
        }
    }

    fn look_up_step(
        self,
        variable: &Variable,
        step: &str,
        value: &StepValue,
    ) -> Result<(), (String, Vec<String>, String)> {
        let earlier = &self.names.steps[..self.step];
        let all = &self.names.steps;
        let Some(found) = earlier.iter().find(|known| known.name == step) else {
            let known = earlier.iter().map(|known| variable.to_string().replacen(step, &known.name, 1)).collect();
            let message = if all.iter().any(|known| known.name == step) {
                format!("`{variable}` is not known yet: the step `{step}` does not run before this one")
            } else {
                format!("there is no step `{step}`")
            };
            return Err((message, known, "only earlier steps can be named".to_owned()));
        };
        match value {
            StepValue::Capture(name) if !found.captures.contains_key(name) => {
                let mut known: Vec<String> = found.captures.keys().map(|n| format!("steps.{step}.{n}")).collect();
                known.extend(["outcome", "status"].map(|value| format!("steps.{step}.{value}")));
                let fix = format!("capture it in the step `{step}`: capture: {{ {name}: {{ field: … }} }}");
                Err((format!("the step `{step}` captures no `{name}`"), known, fix))
            }
            _ => Ok(()),
        }
    }
}
