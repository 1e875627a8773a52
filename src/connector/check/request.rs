//! `request`: from the written keys to a compiled plan, and what must not stand where.

use std::collections::BTreeSet;

use super::names::Scope;
use super::roles::Taint;
use super::text::Marks;
use super::{Check, StepCheck, from_page, settings};
use crate::connector::raw::request::{Body, Part, Url};
use crate::connector::raw::{self, Dict, OneOrMany, Spanned, Text, Tree, TreeValue, Word as _};
use crate::connector::{Role, Step};
use crate::context::Variable;
use crate::diagnostic::{Diagnostics, Span};
use crate::request::{ACCEPT_JSON, BodySpec, JsonSpec, PartSpec, RequestPlan, RequestSpec, Written};
use crate::response::Format;
use crate::signing::Auth;
use crate::upstream::{Nodes, Origin, Scheme};

/// Compiles `request`; `None` after a mistake.
pub(super) fn request(part: StepCheck<'_>, raw: &raw::Request, diagnostics: &mut Diagnostics) -> Option<RequestPlan> {
    let StepCheck { check, scope, taint, .. } = part;
    let format = part.raw.response.as_ref().and_then(|response| response.format.as_ref()).map(|format| &format.value);
    let (url, link) = match &raw.url {
        Url::Template(url) => (url, None),
        Url::From(url) => (url, Some(from_page::link(check, url, diagnostics))),
    };
    let mut marks = Marks::default();
    let method = match &raw.method {
        Some(method) => marks.word(method.value.word(), &method.span),
        None => marks.word(if raw.body.is_some() { "POST" } else { "GET" }, &raw.place.span),
    };
    let mut spec = RequestSpec::new(method, marks.text(url));
    spec.query = marks.pairs(&raw.query);
    spec.headers = raw.headers.iter().map(|(name, value)| (marks.key(name), marks.text(value))).collect();
    spec.cookies = raw.cookies.iter().map(|(name, value)| (marks.key(name), marks.text(value))).collect();
    spec.charset = raw.charset.as_ref().map(|charset| marks.text(charset));
    spec.body = raw.body.as_ref().map(|body| body_spec(check, body, &mut marks, scope, diagnostics));
    spec.accept = accept(format);
    if let Some(link) = link {
        spec.link = Some(link?);
    }
    // A body's own type is a header like any other; one that is written as a header, too, is then a repeat and refused.
    if let Some(Body::Xml(body) | Body::Text(body)) = &raw.body {
        let key = marks.word("Content-Type", &body.place.span);
        spec.headers.extend(body.content_type.as_ref().map(|kind| (key, marks.text(kind))));
    }
    let writes = raw.auth.as_ref().is_some_and(Auth::writes_authorization);
    if let Some((name, _)) = raw.headers.iter().find(|(name, _)| writes && is_authorization(name)) {
        let mistake = diagnostics.error_at("two-authorizations", &name.span, "`auth` writes this header already");
        diagnostics.add(mistake.label("the server would choose between two").help("keep one of them"));
    }
    let plan = match RequestPlan::compile(&spec, &check.language) {
        Ok(plan) => plan,
        Err(located) => {
            marks.note(located, diagnostics);
            return None;
        }
    };
    variables(&plan, url, raw, scope, diagnostics);
    // A form that is sent with GET ends up there, too.
    let in_url = if plan.has_query_form() { raw.place.key("body") } else { &url.span };
    credential_in_url(check, &plan, in_url, taint, diagnostics);
    Some(plan)
}

/// What a step reads is what it asks for: LemonLDAP::NG shows its login page only to those who want a page.
fn accept(format: Option<&Format>) -> &'static str {
    match format {
        Some(Format::Html) => "text/html, application/xhtml+xml, */*;q=0.5",
        Some(Format::Xml) => "application/xml, text/xml, */*;q=0.5",
        Some(Format::Form) => "application/x-www-form-urlencoded, */*;q=0.5",
        Some(Format::Text | Format::Pairs(_)) => "text/plain, */*;q=0.5",
        Some(Format::Bytes) => "*/*",
        None | Some(Format::Auto | Format::Json) => ACCEPT_JSON,
    }
}

fn is_authorization(name: &Spanned<String>) -> bool {
    name.value.eq_ignore_ascii_case("authorization")
}

/// Every variable must exist, and one that may be missing needs a default.
fn variables(plan: &RequestPlan, url: &Text, raw: &raw::Request, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    for hole in plan.holes() {
        for variable in hole.variables() {
            let span = find(variable, url, raw);
            scope.check(variable, &span, diagnostics);
            let is_link = matches!(raw.url, Url::From(_)) && variable.to_string() == url.text;
            if scope.is_optional(variable) && !hole.has_default() && !is_link {
                let message = format!("`{variable}` is optional, so it may be missing here");
                let mistake = diagnostics.error_at("optional-without-default", &span, message);
                diagnostics.add(mistake.help(format!("say what stands for it: {{{{ {variable} | default(\"…\") }}}}")));
            }
        }
    }
}

/// Where `variable` stands in the request: the first text that names it.
fn find(variable: &Variable, url: &Text, raw: &raw::Request) -> Span {
    let name = variable.to_string();
    let mut texts: Vec<&Text> = vec![url];
    texts.extend(raw.query.iter().flat_map(|(_, values)| values.iter().map(|value| &value.0)));
    texts.extend(raw.headers.iter().chain(raw.cookies.iter()).map(|(_, value)| &value.0));
    if let Some(body) = &raw.body {
        body_texts(body, &mut texts);
    }
    let found = texts.iter().find_map(|text| text.text.find(&name).map(|at| text.span_of(at..at + name.len())));
    found.unwrap_or_else(|| raw.place.span.clone())
}

fn body_texts<'a>(body: &'a Body, texts: &mut Vec<&'a Text>) {
    match body {
        Body::Json(tree) => tree_texts(tree, texts),
        Body::Form(form) => texts.extend(form.iter().flat_map(|(_, values)| values.iter().map(|value| &value.0))),
        Body::Multipart(parts) => {
            for part in parts.iter().flat_map(|(_, parts)| parts.iter()) {
                texts.push(&part.value.0);
                texts.extend(part.filename.iter().chain(&part.content_type));
            }
        }
        Body::Xml(body) | Body::Text(body) => texts.push(&body.value),
        Body::FormFrom(form) => {
            texts.extend(form.set.iter().flat_map(|(_, values)| values.iter().map(|value| &value.0)));
        }
    }
}

fn tree_texts<'a>(tree: &'a Tree, texts: &mut Vec<&'a Text>) {
    match &tree.value {
        TreeValue::Text(text) => texts.push(text),
        TreeValue::List(items) => items.iter().for_each(|item| tree_texts(item, texts)),
        TreeValue::Object(members) => members.iter().for_each(|(_, value)| tree_texts(value, texts)),
        TreeValue::Null | TreeValue::Bool(_) | TreeValue::Number(_) => {}
    }
}

/// URLs end up in the access logs of servers and proxies.
fn credential_in_url(check: &Check<'_>, plan: &RequestPlan, span: &Span, taint: &Taint, diagnostics: &mut Diagnostics) {
    if settings::acknowledged(check.raw, "credential_in_url") {
        return;
    }
    if let Some(variable) = plan.url_variables().into_iter().find(|variable| taint.may_hold_credential(variable)) {
        let message = format!("`{variable}` stands in the URL, which servers and proxies write into their logs");
        let mistake = diagnostics.error_at("credential-in-url", span, message);
        diagnostics.add(mistake.help("send it in the body or a header; if the server takes it only here, write acknowledge: { credential_in_url: why }"));
    }
}

fn body_spec<'a>(
    check: &Check<'_>,
    body: &'a Body,
    marks: &mut Marks<'a>,
    scope: Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> BodySpec<'a> {
    match body {
        Body::Json(Tree { value: TreeValue::Text(text), .. }) => BodySpec::JsonText(marks.text(text)),
        Body::Json(tree) => BodySpec::Json(json_spec(tree, marks)),
        Body::Form(form) => BodySpec::Form(marks.pairs(form)),
        Body::Multipart(parts) => BodySpec::Multipart(multipart(parts, marks)),
        Body::Xml(body) => BodySpec::Xml(marks.text(&body.value)),
        Body::Text(body) => BodySpec::Text(marks.text(&body.value)),
        Body::FormFrom(form) => BodySpec::FormFrom(from_page::form_from(check, form, marks, scope, diagnostics)),
    }
}

fn multipart<'a>(parts: &'a Dict<OneOrMany<Part>>, marks: &mut Marks<'a>) -> Vec<PartSpec<'a>> {
    let mut specs = Vec::new();
    for (name, parts) in parts.iter() {
        for part in parts.iter() {
            let mut optional = |text: &'a Option<Text>| text.as_ref().map(|text| marks.text(text));
            let (filename, content_type) = (optional(&part.filename), optional(&part.content_type));
            specs.push(PartSpec { name: marks.key(name), value: marks.text(&part.value), filename, content_type });
        }
    }
    specs
}

fn json_spec<'a>(tree: &'a Tree, marks: &mut Marks<'a>) -> JsonSpec<'a> {
    match &tree.value {
        TreeValue::Null => JsonSpec::Null,
        TreeValue::Bool(flag) => JsonSpec::Bool(*flag),
        TreeValue::Number(number) => JsonSpec::Number(number.clone()),
        TreeValue::Text(text) => JsonSpec::Text(marks.text(text)),
        TreeValue::List(items) => JsonSpec::Array(items.iter().map(|item| json_spec(item, marks)).collect()),
        TreeValue::Object(members) => {
            let member = |(name, value): &'a (Spanned<String>, Tree),
                          marks: &mut Marks<'a>|
             -> (Written<'a>, JsonSpec<'a>) { (marks.key(name), json_spec(value, marks)) };
            JsonSpec::Object(members.iter().map(|m| member(m, marks)).collect())
        }
    }
}

/// The nodes that requests begin with; every request of a connector has the same.
pub(super) fn nodes(steps: &[Step]) -> Option<Nodes> {
    let plan = steps.iter().filter_map(|step| step.request.as_ref()).find(|plan| plan.has_nodes())?;
    let origins: Vec<Origin> = plan.origins().iter().filter_map(|url| Origin::of(url).ok()).collect();
    Nodes::new(origins)
}

/// All origins that the file writes. Credentials in clear beyond this machine are worth a warning.
pub(super) fn origins(steps: &[Step], raw: &raw::Connector, diagnostics: &mut Diagnostics) -> Vec<Origin> {
    let mut origins: Vec<Origin> = Vec::new();
    let mut clear: BTreeSet<String> = BTreeSet::new();
    for step in steps {
        let tokens = step.auth.iter().flat_map(|auth| auth.requests());
        for url in step.request.iter().chain(tokens).flat_map(RequestPlan::origins) {
            let Ok(origin) = Origin::of(url) else { continue };
            if origin.scheme() == Scheme::Http && !origin.host().is_loopback() && step.role == Role::Factor {
                clear.insert(url.to_string());
            }
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
    }
    if let (Some(url), false) = (clear.first(), settings::acknowledged(raw, "plain_http")) {
        let span = raw.place.key("steps").clone();
        let message = format!("credentials cross the network in clear to {url}");
        let mistake = diagnostics.error_at("plain-http", &span, message).as_warning();
        diagnostics.add(mistake.help("use https, or write acknowledge: { plain_http: why }"));
    }
    origins
}
