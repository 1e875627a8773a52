//! What a step reads, so that a challenge keeps that and nothing else (docs/contract.md section 9, invariant 6).

use std::collections::BTreeSet;

use crate::context::Variable;

/// What one step, or a run of steps, reads.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one parameter that a script may use as a whole")]
pub struct Needs {
    /// Every variable that is named.
    pub variables: BTreeSet<Variable>,
    /// A script uses `user` in a way that its text does not tell.
    pub user: bool,
    /// A script passes `user.fields` on as a whole.
    pub fields: bool,
    /// A script uses `env` in such a way.
    pub env: bool,
    /// A script uses `steps` in such a way.
    pub steps: bool,
    /// Steps of which a script may read any capture.
    pub whole_steps: BTreeSet<String>,
    /// A script uses `answer` in such a way.
    pub answers: bool,
}

impl Needs {
    /// Adds what `other` reads.
    pub fn join(&mut self, other: &Self) {
        self.variables.extend(other.variables.iter().cloned());
        self.whole_steps.extend(other.whole_steps.iter().cloned());
        self.user |= other.user;
        self.fields |= other.fields;
        self.env |= other.env;
        self.steps |= other.steps;
        self.answers |= other.answers;
    }

    /// Whether a value of this name may be read.
    pub fn keeps(&self, variable: &Variable) -> bool {
        let at_large = match variable {
            Variable::Username | Variable::Password | Variable::ClientIp | Variable::Attribute(_) => self.user,
            Variable::Field(_) => self.user || self.fields,
            Variable::Env(_) => self.env,
            Variable::Step { step, .. } => self.steps || self.whole_steps.contains(step),
            Variable::Answer(_) => self.answers,
            // Read anew from the connector, drawn once a login and kept anyway, or drawn for each step.
            Variable::Secret(_)
            | Variable::Login(_)
            | Variable::RequestId
            | Variable::Signed(_)
            | Variable::InnerBody
            | Variable::Time(_)
            | Variable::Random(_)
            | Variable::Verdict(_) => false,
        };
        at_large || self.variables.contains(variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Variable {
        Variable::parse(name).unwrap()
    }

    #[test]
    fn what_is_not_named_is_not_kept() {
        let needs = Needs { variables: [variable("env.a"), variable("steps.login.token")].into(), ..Needs::default() };
        for (name, kept) in [
            ("env.a", true),
            ("env.b", false),
            ("steps.login.token", true),
            ("steps.login.other", false),
            ("user.userPassword", false),
            ("user.fields.x", false),
            ("answer.code", false),
        ] {
            assert_eq!(needs.keeps(&variable(name)), kept, "{name}");
        }
    }

    #[test]
    fn an_aliased_parameter_keeps_all_of_it() {
        let needs = Needs { user: true, whole_steps: ["login".to_owned()].into(), ..Needs::default() };
        for (name, kept) in [
            ("user.userPassword", true),
            ("user.fields.x", true),
            ("user.device", true),
            ("steps.login.anything", true),
            ("steps.other.anything", false),
            ("env.a", false),
        ] {
            assert_eq!(needs.keeps(&variable(name)), kept, "{name}");
        }
    }
}
