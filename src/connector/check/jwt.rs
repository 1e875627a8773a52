//! `response.jwt`: which tokens are believed, and where the keys come from.

use std::sync::Arc;

use super::{StepCheck, request, source, text};
use crate::condition::ValueSource;
use crate::connector::ResponsePlan;
use crate::connector::raw::ask::AskType;
use crate::connector::raw::response::Jwt;
use crate::connector::raw::{self, Text};
use crate::context::{LoginValue, Variable};
use crate::crypto::jws::{Algorithm, VerifyingKey};
use crate::diagnostic::{Diagnostics, Span};
use crate::request::{CompileOptions, RequestPlan};
use crate::response::{AllowedAlgorithm, JwksPlan, JwtPlan, KeySource, TokenPlace, TokenRules};
use crate::template::{Charset, Line, Place};

/// More than this is no difference between clocks.
const MAX_LEEWAY: std::time::Duration = std::time::Duration::from_mins(10);

const DEFAULT_LEEWAY: f64 = 60.0;

/// Compiles `jwt`; `None` after a mistake.
pub(super) fn jwt(part: StepCheck<'_>, raw: &Jwt, diagnostics: &mut Diagnostics) -> Option<JwtPlan> {
    let place = place(part, raw, diagnostics);
    let nonce = nonce(part, raw, diagnostics);
    let algorithms = algorithms(part, raw, diagnostics);
    let issuer = raw.issuer.as_ref().map(|issuer| literal(part, issuer, diagnostics));
    let audience: Option<Vec<String>> =
        raw.audience.iter().flat_map(|list| list.iter()).map(|one| literal(part, one, diagnostics)).collect();
    let leeway = match &raw.leeway {
        None => Some(DEFAULT_LEEWAY),
        Some(span) if span.value.0 <= MAX_LEEWAY => Some(span.value.0.as_secs_f64()),
        Some(span) => {
            diagnostics.add(diagnostics.error_at("out-of-range", &span.span, "`leeway` is at most 10m"));
            None
        }
    };
    let algorithms = algorithms?;
    let keys = keys(part, raw, &algorithms, diagnostics)?;
    let issuer = match issuer {
        None => None,
        Some(issuer) => Some(issuer?),
    };
    let rules = TokenRules { algorithms, issuer, audience: audience?, leeway: leeway? };
    Some(JwtPlan { place: place?, rules, keys, nonce: nonce? })
}

/// Where the token is: in a field of the reply, or in what this step's redirect brings back.
fn place(part: StepCheck<'_>, raw: &Jwt, diagnostics: &mut Diagnostics) -> Option<TokenPlace> {
    let answer = match (&raw.field, &raw.answer) {
        (Some(field), None) => return source::path(field, diagnostics).map(TokenPlace::Field),
        (None, Some(answer)) => answer,
        (Some(_), Some(answer)) => {
            wrong(&answer.span, "the token is in a field or in an answer, not in both", "keep one", diagnostics);
            return None;
        }
        (None, None) => {
            let help = "write `field` for a token of the reply, `answer` for one that a redirect brings back";
            wrong(&raw.place.span, "it does not say where the token is", help, diagnostics);
            return None;
        }
    };
    let ask = part.raw.ask.as_ref().filter(|ask| ask.r#type.value == AskType::Redirect);
    if ask.is_none_or(|ask| ask.answers.iter().all(|name| name.text != answer.text)) {
        let message = format!("`{}` is no answer of a redirect of this step", answer.text);
        let help = "name it there: ask: { type: redirect, url: …, answers: [ id_token, state ] }";
        wrong(&answer.span, &message, help, diagnostics);
        return None;
    }
    if raw.nonce.is_none() {
        let message = "a token that comes back through the browser must be of this login";
        let help = "write nonce: \"{{login.nonce}}\", and nonce={{login.nonce}} in the `url` of the redirect";
        wrong(&answer.span, message, help, diagnostics);
        return None;
    }
    Some(TokenPlace::Answer(answer.text.clone()))
}

/// The nonce that the token must carry, which this login drew and sent.
#[expect(clippy::option_option, reason = "none is written, or it is wrong")]
fn nonce(part: StepCheck<'_>, raw: &Jwt, diagnostics: &mut Diagnostics) -> Option<Option<Line>> {
    let Some(written) = &raw.nonce else { return Some(None) };
    let template = text::template(part.check, written, Place::Plain, part.scope, diagnostics)?;
    if template.variables().all(|variable| *variable != NONCE) {
        let help = "write nonce: \"{{login.nonce}}\"";
        wrong(&written.span, "this is not what this login drew", help, diagnostics);
        return None;
    }
    template.compile(Place::Plain, Charset::UTF_8).ok().map(Some)
}

const NONCE: Variable = Variable::Login(LoginValue::Nonce);

/// The redirect that brings a token back must have told its page the nonce.
pub(super) fn sent_nonce(part: StepCheck<'_>, url: Option<&RequestPlan>, diagnostics: &mut Diagnostics) {
    let jwt = part.raw.response.as_ref().and_then(|response| response.jwt.as_ref());
    let Some(answer) = jwt.and_then(|jwt| jwt.answer.as_ref()) else { return };
    if url.is_some_and(|url| !url.url_variables().contains(&NONCE)) {
        let message =
            "the `url` of the redirect carries no `login.nonce`, so a token of another login would be as good";
        wrong(&answer.span, message, "add nonce={{login.nonce}} to the `url`", diagnostics);
    }
}

fn wrong(span: &Span, message: &str, help: &str, diagnostics: &mut Diagnostics) {
    diagnostics.add(diagnostics.error_at("jwt", span, message).help(help));
}

/// The algorithms by their names in a header. SM2 has none that is registered, so the file says which.
fn algorithms(part: StepCheck<'_>, raw: &Jwt, diagnostics: &mut Diagnostics) -> Option<Vec<AllowedAlgorithm>> {
    let mut all = Vec::new();
    for word in raw.algorithms.iter().flat_map(|list| list.iter()) {
        let algorithm = Algorithm::parse(word.value.as_str())?;
        all.push(AllowedAlgorithm { alg: algorithm.name().to_owned(), algorithm });
        if algorithm == Algorithm::Hs256 && raw.jwks_url.is_some() {
            let message = "HS256 wants a secret, and a JWK Set holds public keys";
            wrong(&word.span, message, "write key: \"{{secret.…}}\", or another algorithm", diagnostics);
            return None;
        }
    }
    if let Some(name) = &raw.sm2_alg {
        let alg = literal(part, name, diagnostics)?;
        if Algorithm::parse(&alg).is_some() || alg.eq_ignore_ascii_case("none") || alg.is_empty() {
            let message = "this name means something else in a token";
            wrong(&name.span, message, "write the `alg` of the server's SM2 tokens, such as SM3withSM2", diagnostics);
            return None;
        }
        all.push(AllowedAlgorithm { alg, algorithm: Algorithm::Sm2 });
    }
    let Some(first) = all.first() else {
        wrong(&raw.place.span, "no algorithm is named", "write algorithms: [ RS256 ], or sm2_alg", diagnostics);
        return None;
    };
    // One key is of one kind: a token must not choose what it is taken for.
    let differs = all.iter().any(|other| kind(other.algorithm) != kind(first.algorithm));
    let hmac = all.iter().any(|one| one.algorithm == Algorithm::Hs256) && all.len() > 1;
    if hmac || (differs && raw.key.is_some()) {
        let message = "these algorithms take keys of different kinds, and `key` is one key";
        wrong(raw.place.key("algorithms"), message, "name the one that the server signs by", diagnostics);
        return None;
    }
    Some(all)
}

fn kind(algorithm: Algorithm) -> Algorithm {
    if algorithm == Algorithm::Ps256 { Algorithm::Rs256 } else { algorithm }
}

fn keys(
    part: StepCheck<'_>,
    raw: &Jwt,
    algorithms: &[AllowedAlgorithm],
    diagnostics: &mut Diagnostics,
) -> Option<KeySource> {
    match (&raw.key, &raw.jwks_url) {
        (Some(key), None) => own_key(part, key, algorithms, diagnostics).map(KeySource::Template),
        (None, Some(url)) => jwks(part, url, diagnostics).map(|jwks| KeySource::Jwks(Box::new(jwks))),
        (Some(_), Some(url)) => {
            wrong(&url.span, "the keys come from `key` or from `jwks_url`, not from both", "keep one", diagnostics);
            None
        }
        (None, None) => {
            wrong(&raw.place.span, "there is no key to verify by", "write `key` or `jwks_url`", diagnostics);
            None
        }
    }
}

fn own_key(
    part: StepCheck<'_>,
    key: &Text,
    algorithms: &[AllowedAlgorithm],
    diagnostics: &mut Diagnostics,
) -> Option<Line> {
    let template = text::template(part.check, key, Place::Plain, part.scope, diagnostics)?;
    if let Some(variable) = template.variables().find(|variable| variable.is_user_data()) {
        let message = format!("`{variable}` is of one login, and the key of tokens is the server's");
        let help = "take it from `secrets`, or capture it in an earlier step";
        wrong(&key.span, &message, help, diagnostics);
        return None;
    }
    if let (Some(literal), Some(first)) = (template.as_literal(), algorithms.first())
        && let Err(error) = VerifyingKey::read(first.algorithm, &literal)
    {
        wrong(&key.span, &error.to_string(), "write a PEM, or name a secret that holds it", diagnostics);
        return None;
    }
    template.compile(Place::Plain, Charset::UTF_8).ok()
}

fn jwks(part: StepCheck<'_>, url: &Text, diagnostics: &mut Diagnostics) -> Option<JwksPlan> {
    let raw = crate::request::raw::Request::get(url.clone());
    let options = CompileOptions { accept: request::ACCEPT_KEYS, ..CompileOptions::new(&part.check.language) };
    let request = RequestPlan::compile(&raw, options, diagnostics)?;
    if !request.variables().is_empty() {
        wrong(&url.span, "the keys are the same for all logins: no hole can stand here", "write it out", diagnostics);
        return None;
    }
    Some(JwksPlan { request, caches: Arc::default() })
}

fn literal(part: StepCheck<'_>, written: &Text, diagnostics: &mut Diagnostics) -> Option<String> {
    let template = text::template(part.check, written, Place::Plain, part.scope, diagnostics)?;
    let literal = template.as_literal().map(std::borrow::Cow::into_owned);
    if literal.is_none() {
        let help = "write it out; {{login.nonce}} and the like are compared by a rule: { claim: nonce, equals: … }";
        wrong(&written.span, "no hole can stand here", help, diagnostics);
    }
    literal
}

/// Claims are those of `jwt`, and a token that no rule looks at proves nothing.
pub(super) fn claims_are_used(raw: &raw::Response, plan: &ResponsePlan, diagnostics: &mut Diagnostics) {
    let reads = plan.sources().any(|source| matches!(source, ValueSource::Claim(_)));
    match &raw.jwt {
        Some(jwt) if !reads => {
            let help = "add a rule on it, such as { claim: sub, has_value: true }, or identity: { claim: sub }";
            wrong(&jwt.place.span, "nothing looks at a claim of this token", help, diagnostics);
        }
        None if reads => {
            let help = "write response.jwt: { field: …, jwks_url: …, algorithms: RS256 }";
            wrong(&raw.place.span, "there is no token to take a claim from", help, diagnostics);
        }
        _ => {}
    }
}
