//! What a request takes from an earlier reply: `url: { from }` and `body: { form_from }`.
//!
//! The reply is asked for it when it is decoded, so what later steps name is collected before any step is compiled.

use url::Url;

use super::Check;
use super::names::Scope;
use crate::connector::raw;
use crate::connector::raw::{SourceKind, Text};
use crate::context::{StepValue, Variable};
use crate::diagnostic::{Diagnostics, did_you_mean};
use crate::request::raw::{Body, FormFrom, Url as WrittenUrl};
use crate::request::{LinkSpec, origins_of};
use crate::response::Wanted;
use crate::response::source::Css;
use crate::template::{Language, Setting};

/// The origins that a file writes, each with the path `/`.
#[derive(Debug, Default)]
pub(super) struct WrittenOrigins {
    all: Vec<Url>,
    nodes: Vec<Url>,
}

impl WrittenOrigins {
    /// Those that URLs begin with, and settings that are an origin and nothing else: where a link may lead.
    pub(super) fn of(raw: &raw::Connector, language: &Language) -> Self {
        let mut origins = Self::default();
        for step in raw.steps.iter() {
            if let Some(WrittenUrl::Template(text)) = step.request.as_ref().map(|request| &request.sent.url)
                && let Some((found, nodes)) = origins_of(&text.text, language)
            {
                for origin in &found {
                    add(&mut origins.all, origin);
                    if nodes {
                        add(&mut origins.nodes, origin);
                    }
                }
            }
        }
        for setting in language.settings.values() {
            if let Setting::Text(text) = setting
                && let Ok(url) = Url::parse(text)
                && super::settings::is_origin(&url)
            {
                add(&mut origins.all, &url);
            }
        }
        origins
    }
}

fn add(origins: &mut Vec<Url>, origin: &Url) {
    if !origins.contains(origin) {
        origins.push(origin.clone());
    }
}

/// What later steps need of the page of the step `name`. A selector that is none is noted where it stands.
pub(super) fn add_wanted(raw: &raw::Connector, name: &str, wanted: &mut Wanted) {
    for request in raw.steps.iter().filter_map(|step| step.request.as_ref()) {
        if let Some(Body::FormFrom(form)) = request.sent.body.as_ref().map(|body| &*body.content)
            && form.step.text == name
            && let Ok(css) = Css::parse(&form.css.text, None)
            && !wanted.forms.contains(&css)
        {
            wanted.forms.push(css);
        }
        if let WrittenUrl::From(text) = &request.sent.url {
            wanted.links |= matches!(Variable::parse(&text.text), Ok(Variable::Step { step, .. }) if step == name);
        }
    }
}

/// The step and the selector of `form_from`.
pub(super) fn form_from(check: &Check<'_>, raw: &FormFrom, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    earlier_step(check, &raw.step, scope, diagnostics);
    if let Err(error) = Css::parse(&raw.css.text, None) {
        diagnostics.add(diagnostics.error_at("bad-selector", &raw.css.span, error.to_string()));
    }
}

/// A form is one of a page that was read before.
fn earlier_step(check: &Check<'_>, named: &Text, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    let earlier = &check.raw.steps.iter().collect::<Vec<_>>()[..scope.step];
    let message = match earlier.iter().find(|step| step.name.text == named.text) {
        Some(step) if step.request.is_some() => return,
        Some(_) => format!("the step `{}` asks no server, so it has no page", named.text),
        None if check.raw.steps.iter().any(|step| step.name.text == named.text) => {
            format!("the step `{}` does not run before this one", named.text)
        }
        None => format!("there is no step `{}`", named.text),
    };
    let mistake = diagnostics.error_at("unknown-step", &named.span, message);
    let near = did_you_mean(&named.text, earlier.iter().map(|step| step.name.text.as_str()));
    diagnostics.add(match near.filter(|near| *near != named.text) {
        Some(near) => mistake.help(format!("did you mean `{near}`?")),
        None => mistake.help("name the step before this one whose reply is the page with the form"),
    });
}

/// `url: { from }`: a capture of an earlier step, from its reply.
pub(super) fn link(check: &Check<'_>, text: &Text, diagnostics: &mut Diagnostics) -> Option<LinkSpec> {
    let Ok(Variable::Step { step, value: StepValue::Capture(capture) }) = Variable::parse(&text.text) else {
        let message = format!("`{}` is no capture of a step", text.text);
        let mistake = diagnostics.error_at("bad-link", &text.span, message);
        diagnostics.add(mistake.help("capture the URL, and name it: url: { from: steps.page.action }"));
        return None;
    };
    let captured = check.raw.steps.iter().find(|known| known.name.text == step);
    let captured = captured.and_then(|step| step.response.as_ref()).and_then(|r| r.capture.get(&capture));
    let spec = |in_page| LinkSpec {
        step: step.clone(),
        capture: capture.clone(),
        in_page,
        origins: check.origins.all.clone(),
        nodes: check.origins.nodes.clone(),
    };
    // A name that does not exist is noted with all other variables of the request.
    let Some(captured) = captured else { return Some(spec(false)) };
    let in_page = matches!(captured.source.kind, SourceKind::Css { .. });
    if matches!(
        captured.source.kind,
        SourceKind::Var(_) | SourceKind::Value(_) | SourceKind::Claim(_) | SourceKind::FirstOf(_)
    ) {
        let message = format!("`{}` is no part of a reply", text.text);
        let mistake = diagnostics.error_at("bad-link", &text.span, message);
        diagnostics.add(mistake.label("where a login goes is for the file to say, or for the upstream"));
        return None;
    }
    if !in_page && captured.optional.as_ref().is_some_and(|optional| optional.value) {
        let message = format!("`{}` is optional, so there may be no URL", text.text);
        let mistake = diagnostics.error_at("optional-link", &text.span, message);
        diagnostics
            .add(mistake.help("only the action of a form may be missing: a form without one goes to its own page"));
        return None;
    }
    Some(spec(in_page))
}
