//! What a scheme may use while its written form is compiled: the checks of the connector around it, and no more.

use crate::context::Variable;
use crate::diagnostic::{Diagnostics, Span};
use crate::reading::Text;
use crate::request::{CompileOptions, RequestPlan, raw};
use crate::template::{Charset, Language, Place, Template};

/// Parses a text, and checks that its variables exist at this step.
pub type Templates<'a> = &'a dyn Fn(&Text, Place, &mut Diagnostics) -> Option<Template>;

/// A scheme of one step that is being compiled.
pub struct Compile<'a> {
    /// How texts are read.
    pub templates: Templates<'a>,
    /// Whether a variable is, or may be computed from, a credential of the user.
    pub credential: &'a dyn Fn(&Variable) -> bool,
    /// What texts may refer to: for requests of the scheme's own.
    pub language: &'a Language,
    /// The request that is signed; `None` when it has mistakes of its own.
    pub request: Option<&'a RequestPlan>,
    /// Where `auth` stands.
    pub at: &'a Span,
    /// Where mistakes go.
    pub diagnostics: &'a mut Diagnostics,
}

impl Compile<'_> {
    /// A text of the scheme.
    pub fn template(&mut self, text: &Text, place: Place) -> Option<Template> {
        (self.templates)(text, place, self.diagnostics)
    }

    /// A text of a scheme whose token serves all users: literals, settings, secrets, times and random values.
    pub fn own_template(&mut self, text: &Text, place: Place) -> Option<Template> {
        let template = self.template(text, place)?;
        let foreign =
            template.holes().find_map(|hole| Some((hole, hole.variables().find(|variable| !is_own(variable))?)));
        let Some((hole, variable)) = foreign else { return Some(template) };
        let message = format!("`{variable}` is of one login, and this token is the service's own");
        let mistake = self.diagnostics.error_at("auth-of-user", &text.span_of(hole.range.clone()), message);
        self.diagnostics.add(mistake.help(
            "it may read literals, settings, secret.*, time.* and random.*; a user's own token is asked for by a step of its own",
        ));
        None
    }

    /// The URL of a token endpoint, which serves all users: one address, and no user data in it.
    pub fn own_endpoint(&mut self, text: &Text) -> Option<RequestPlan> {
        // Its names, and that nothing in it is a user's.
        self.own_template(text, Place::Plain)?;
        let (written, options) = (raw::Request::get(text.clone()), CompileOptions::new(self.language));
        let plan = RequestPlan::compile(&written, options, self.diagnostics)?;
        if plan.has_nodes() {
            self.error(
                "auth-token",
                &text.span,
                "a token endpoint has one address",
                "write it out, or take a setting without nodes",
            );
            return None;
        }
        Some(plan)
    }

    /// The first credential of the user in the request that is signed.
    pub fn credential_in_request(&self) -> Option<Variable> {
        self.request?.variables().into_iter().find(|variable| (self.credential)(variable))
    }

    /// A text without variables.
    pub fn literal(&mut self, text: &Text, place: Place) -> Option<String> {
        let template = self.template(text, place)?;
        if let Some(literal) = template.as_literal() {
            return Some(literal.into_owned());
        }
        self.error("literal", &text.span, "this is a name of the file: no hole can stand here", "write it out");
        None
    }

    /// A charset by its label, UTF-8 when it is left out.
    pub fn charset(&mut self, label: Option<&Text>) -> Option<Charset> {
        let Some(label) = label else { return Some(Charset::UTF_8) };
        let charset = Charset::parse(&label.text);
        if charset.is_none() {
            let message = format!("`{}` is no charset", label.text);
            self.diagnostics.add(self.diagnostics.error_at("charset", &label.span, message));
        }
        charset
    }

    /// Notes a mistake.
    pub fn error(&mut self, code: &'static str, span: &Span, message: impl Into<String>, help: &str) {
        let mistake = self.diagnostics.error_at(code, span, message);
        self.diagnostics.add(mistake.help(help));
    }
}

/// What is the same for every user.
fn is_own(variable: &Variable) -> bool {
    matches!(variable, Variable::Secret(_) | Variable::Time(_) | Variable::Random(_))
}
