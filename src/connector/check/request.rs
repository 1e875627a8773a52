//! `request`: from the written keys to a compiled plan, and what must not stand where.

use std::collections::BTreeSet;

use super::names::Scope;
use super::roles::Taint;
use super::{Check, StepCheck, from_page, settings};
use crate::connector::raw::{self, Spanned};
use crate::connector::{Role, Step};
use crate::context::Variable;
use crate::diagnostic::{Diagnostics, Span};
use crate::request::raw::{Body, Url};
use crate::request::{ACCEPT_JSON, CompileOptions, RequestPlan, Use};
use crate::response::{Format, JwtPlan};
use crate::signing::Auth;
use crate::upstream::{Nodes, Origin, Scheme};

/// Compiles `request`; `None` after a mistake.
pub(super) fn request(part: StepCheck<'_>, raw: &raw::Request, diagnostics: &mut Diagnostics) -> Option<RequestPlan> {
    let StepCheck { check, scope, taint, .. } = part;
    let sent = &*raw.sent;
    let format = part.raw.response.as_ref().and_then(|response| response.format.as_ref()).map(|format| &format.value);
    if let Some(Body::FormFrom(form)) = sent.body.as_ref().map(|body| &*body.content) {
        from_page::form_from(check, form, scope, diagnostics);
    }
    let link = match &sent.url {
        Url::Template(_) => None,
        Url::From(capture) => Some(from_page::link(check, capture, diagnostics)?),
    };
    let writes = raw.auth.as_ref().is_some_and(Auth::writes_authorization);
    if let Some((name, _)) = sent.headers.iter().find(|(name, _)| writes && is_authorization(name)) {
        let mistake = diagnostics.error_at("two-authorizations", &name.span, "`auth` writes this header already");
        diagnostics.add(mistake.label("the server would choose between two").help("keep one of them"));
    }
    let options = CompileOptions { language: &check.language, accept: accept(format), link };
    let plan = RequestPlan::compile(sent, options, diagnostics)?;
    variables(&plan, &sent.url, scope, diagnostics);
    inner_is_used(&plan, raw, diagnostics);
    // A form that is sent with GET ends up there, too.
    let in_url = if plan.has_query_form() { sent.place.key("body") } else { &sent.url.text().span };
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

/// What a request for a JWK Set accepts.
pub(super) const ACCEPT_KEYS: &str = "application/jwk-set+json, application/json, */*;q=0.5";

fn is_authorization(name: &Spanned<String>) -> bool {
    name.value.eq_ignore_ascii_case("authorization")
}

/// Every variable must exist, and one that may be missing needs a default.
fn variables(plan: &RequestPlan, url: &Url, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    let (inner, outer) = (plan.inner_uses().iter().map(|it| (it, scope)), plan.outer_uses().iter());
    for (used, scope) in inner.chain(outer.map(|it| (it, scope.signing(plan.has_inner())))) {
        for (variable, span) in used.variables() {
            scope.check(variable, span, diagnostics);
            let is_link = matches!(url, Url::From(capture) if variable.to_string() == capture.text);
            if scope.is_optional(variable) && !used.hole.has_default() && !is_link {
                let message = format!("`{variable}` is optional, so it may be missing here");
                let mistake = diagnostics.error_at("optional-without-default", span, message);
                diagnostics.add(mistake.help(format!("say what stands for it: {{{{ {variable} | default(\"…\") }}}}")));
            }
        }
    }
}

/// An `inner` that nothing names would not be sent.
fn inner_is_used(plan: &RequestPlan, raw: &raw::Request, diagnostics: &mut Diagnostics) {
    let names_inner = |used: &Use| used.hole.variables().any(|variable| *variable == Variable::InnerBody);
    let Some(inner) = raw.sent.body.as_ref().filter(|body| body.inner.is_some()) else { return };
    if !plan.outer_uses().iter().any(names_inner) {
        let message = "`inner` is in no part of this request, so nothing of it is sent";
        let mistake = diagnostics.error_at("inner-unused", inner.place.key("inner"), message);
        diagnostics.add(mistake.help("write {{body.inner}} where it goes, with the filters that it goes through"));
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

/// The nodes that requests begin with; every request of a connector has the same.
pub(super) fn nodes(steps: &[Step]) -> Option<Nodes> {
    let plan = steps.iter().filter_map(|step| step.request.as_ref()).find(|plan| plan.has_nodes())?;
    let origins: Vec<Origin> = plan.origins().iter().filter_map(|url| Origin::of(url).ok()).collect();
    Nodes::new(origins)
}

/// A scheme that authenticates the connection (NTLM) needs one from end to end: through a proxy only https origins have one.
pub(super) fn connection_through_proxy(raw: &raw::Connector, steps: &[Step], diagnostics: &mut Diagnostics) {
    if raw.transport.as_ref().is_none_or(|transport| transport.proxy.is_none()) {
        return;
    }
    for (raw, step) in raw.steps.iter().zip(steps) {
        let authenticates = step.auth.as_ref().is_some_and(|auth| auth.authenticates_connection());
        let in_clear = step.request.iter().flat_map(RequestPlan::origins).any(|url| url.scheme() == "http");
        let Some(written) = raw.request.as_ref().filter(|_| authenticates && in_clear) else { continue };
        let message =
            "this scheme authenticates the connection, and a proxy may share one to an http origin with others";
        let mistake = diagnostics.error_at("auth-proxy", written.place.key("auth"), message);
        diagnostics.add(mistake.help("write https, or leave `transport.proxy` out"));
    }
}

/// All origins that the file writes. Credentials in clear beyond this machine are worth a warning.
pub(super) fn origins(steps: &[Step], raw: &raw::Connector, diagnostics: &mut Diagnostics) -> Vec<Origin> {
    let mut origins: Vec<Origin> = Vec::new();
    let mut clear: BTreeSet<String> = BTreeSet::new();
    for step in steps {
        let tokens = step.auth.iter().flat_map(|auth| auth.requests());
        let tokens = tokens.chain(step.response.jwt.iter().filter_map(JwtPlan::request));
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
