//! Compares the result of a case with what it expects. Both may be shown: the values come from the file and its
//! samples.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, COOKIE};

use super::delivered::delivered;
use super::difference::Difference;
use super::exchange::Canned;
use crate::connector::raw::golden::{Expect, ExpectedChallenge, ExpectedRequest, GoldenCase};
use crate::connector::raw::{Constant, Dict, OneOrMany, Parameter, Word as _};
use crate::diagnostic::Span;
use crate::document::{Object, Value, from_json, to_json};
use crate::flow::Report;
use crate::upstream::Outgoing;
use crate::verdict::{Mapped, Reason, Verdict};

/// Everything that differs.
pub(super) fn compare(case: &GoldenCase, report: &Report, upstream: &Canned) -> Vec<Difference> {
    let mut found = Vec::new();
    let expect = &case.expect;
    outcome(expect, report, &mut found);
    let nothing = Mapped::default();
    let mapped = match &report.verdict {
        Verdict::Accept(accept) => &accept.mapped,
        Verdict::Reject(reject) => &reject.mapped,
        _ => &nothing,
    };
    self::mapped(expect, mapped, &mut found);
    delivered(expect, report, &mut found);
    exchanges(case, &report.explain, upstream, &mut found);
    if let (Some(first), true) = (found.first_mut(), page_refused(case, report)) {
        let help = "a page came where an answer should: write response.format (json, xml, …), so that it is undecodable, or a row \
                    unavailable: { … } that is true of it";
        first.help.insert(0, help.to_owned());
    }
    found
}

/// Whether a page was judged a reject where the case expects unavailable.
fn page_refused(case: &GoldenCase, report: &Report) -> bool {
    let page = case.replies.iter().any(|reply| reply.html.is_some());
    let expected = case.expect.verdict.as_ref().is_some_and(|verdict| verdict.value.word() == "unavailable");
    page && expected && matches!(report.verdict, Verdict::Reject(_))
}

/// The requests that were made, and replies that were not used.
pub(super) fn exchanges(case: &GoldenCase, explain: &str, upstream: &Canned, found: &mut Vec<Difference>) {
    let (expect, asked) = (&case.expect, upstream.asked());
    if let Some(requests) = &expect.requests {
        if requests.len() != asked.len() {
            let what = format!("{} requests are expected, {} were made", requests.len(), asked.len());
            found.push(Difference::new(expect.place.key("requests"), what));
        }
        for (expected, asked) in requests.iter().zip(&asked) {
            request(expected, asked, found);
        }
    }
    if upstream.given() > asked.len() {
        let what = format!("{} replies are given, only {} were asked for", upstream.given(), asked.len());
        found.push(Difference::new(case.place.key("replies"), what).help(format!("explain: {explain}")));
    }
}

fn outcome(expect: &Expect, report: &Report, found: &mut Vec<Difference>) {
    let explain = format!("explain: {}", report.explain);
    if let Some(verdict) = &expect.verdict {
        let came = report.verdict.name();
        if verdict.value.word() != came {
            let what = format!("{} is expected, the verdict is {came}", verdict.value.word());
            found.push(Difference::new(&verdict.span, what).help(explain.clone()));
        }
    }
    let reason = match &report.verdict {
        Verdict::Reject(reject) => Some(reject.reason.as_str()),
        _ => None,
    };
    let cause = match &report.verdict {
        Verdict::Unavailable(unavailable) => Some(unavailable.cause.as_str()),
        _ => None,
    };
    why(expect, reason, cause, &explain, found);
    if let Some(wanted) = &expect.challenge {
        challenge(wanted, report, found);
    }
    if let Some(subject) = &expect.subject {
        let came = match &report.verdict {
            Verdict::Accept(accept) => Some(accept.subject.as_str()),
            _ => None,
        };
        if came != Some(&subject.text) {
            let what = format!("the subject \"{}\" is expected, it is {}", subject.text, came.unwrap_or("none"));
            found.push(Difference::new(&subject.span, what));
        }
    }
}

/// The reason and the cause that are expected.
pub(super) fn why(
    expect: &Expect,
    reason: Option<&str>,
    cause: Option<&str>,
    explain: &str,
    found: &mut Vec<Difference>,
) {
    let wanted_reason = expect.reason.as_ref().map(|reason| (reason.value.as_str(), &reason.span));
    let wanted_cause = expect.cause.as_ref().map(|cause| (cause.value.as_str(), &cause.span));
    for (name, wanted, came) in [("reason", wanted_reason, reason), ("cause", wanted_cause, cause)] {
        if let Some((wanted, span)) = wanted.filter(|(wanted, _)| Some(*wanted) != came) {
            let what = format!("the {name} {wanted} is expected, it is {}", came.unwrap_or("none"));
            found.push(Difference::new(span, what).help(explain));
        }
    }
}

/// What goes back to the caller.
pub(super) fn mapped(expect: &Expect, mapped: &Mapped, found: &mut Vec<Difference>) {
    for (name, wanted, came) in [
        ("error_code", &expect.error_code, &mapped.error_code),
        ("error_message", &expect.error_message, &mapped.error_message),
    ] {
        let Some(wanted) = wanted else { continue };
        let text = match wanted {
            Constant::Null(_) => None,
            Constant::Bool(flag) => Some(flag.value.to_string()),
            Constant::Number(number) => Some(number.value.as_str().to_owned()),
            Constant::Text(text) => Some(text.text.clone()),
        };
        if text != *came {
            let shown =
                |text: &Option<String>| text.as_ref().map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""));
            let what = format!("the {name} {} is expected, it is {}", shown(&text), shown(came));
            found.push(Difference::new(wanted.span(), what));
        }
    }
    if let Some(wanted) = &expect.extension {
        value(&wanted.span, "extension", &wanted.to_value(), &mapped.extension.clone().unwrap_or_default(), found);
    }
    for (name, wanted) in expect.attributes.iter() {
        let came = mapped.attributes.iter().find(|(known, _)| *known == name.value);
        let came = came.map(|(_, value)| value.clone()).unwrap_or_default();
        value(&wanted.span, &format!("attribute {}", name.value), &wanted.to_value(), &came, found);
    }
}

fn value(at: &Span, name: &str, wanted: &Value, came: &Value, found: &mut Vec<Difference>) {
    if !same(wanted, came) {
        let label = format!("it is {}", to_json(came));
        found.push(Difference::new(at, format!("the {name} is not as expected")).label(label));
    }
}

/// The challenge that is open at the end.
fn challenge(wanted: &ExpectedChallenge, report: &Report, found: &mut Vec<Difference>) {
    let Verdict::Challenge(open) = &report.verdict else {
        let what = format!("a challenge is expected, the verdict is {}", report.verdict.name());
        found.push(Difference::new(&wanted.place.span, what).help(format!("explain: {}", report.explain)));
        return;
    };
    if let Some(kind) = wanted.r#type.as_ref().filter(|kind| kind.value.word() != open.kind) {
        let what = format!("an ask of type {} is expected, it is {}", kind.value.word(), open.kind);
        found.push(Difference::new(&kind.span, what));
    }
    for (name, wanted, came) in [
        ("message", &wanted.message, &open.message),
        ("url", &wanted.url, &open.url),
        ("image", &wanted.image, &open.image),
    ] {
        if let Some(wanted) = wanted.as_ref().filter(|wanted| came.as_deref() != Some(wanted.text.as_str())) {
            let label = came.as_ref().map_or_else(|| "there is none".to_owned(), |came| format!("it is \"{came}\""));
            found.push(Difference::new(&wanted.span, format!("the {name} is not as expected")).label(label));
        }
    }
    if let Some(left) = wanted.attempts_left.as_ref().filter(|left| left.value != open.attempts_left) {
        let what = format!("{} attempts are expected to be left, it is {}", left.value, open.attempts_left);
        found.push(Difference::new(&left.span, what));
    }
    let reason = open.error.as_ref().map(|error| error.reason);
    if let Some(wanted) = wanted.error.as_ref().filter(|wanted| Some(wanted.value) != reason) {
        let came = reason.map_or("none", Reason::as_str);
        let what = format!("the error {} is expected, it is {came}", wanted.value);
        found.push(Difference::new(&wanted.span, what).help(format!("explain: {}", report.explain)));
    }
}

/// Equal up to the order of members and the spelling of numbers.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.decimal() == b.decimal(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

fn request(expected: &ExpectedRequest, asked: &Outgoing, found: &mut Vec<Difference>) {
    if let Some(method) = expected.method.as_ref().filter(|method| method.value.word() != asked.method.as_str()) {
        let what = format!("{} is expected, the method is {}", method.value.word(), asked.method);
        found.push(Difference::new(&method.span, what));
    }
    if let Some(url) = &expected.url {
        let mut bare = asked.url.clone();
        bare.set_query(None);
        if url.text != asked.url.as_str() && url.text != bare.as_str() {
            found.push(Difference::new(&url.span, "the URL is not as expected").label(format!("it is {}", asked.url)));
        }
    }
    if !expected.query.is_empty() {
        let came: Vec<(String, String)> =
            asked.url.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
        pairs("query", &expected.query, &came, found);
    }
    let cookies = cookies(asked);
    for (name, wanted) in expected.cookies.iter() {
        text("cookie", (&name.value, wanted), cookies.get(&name.value).map(String::as_str), found);
    }
    for (name, wanted) in expected.headers.iter() {
        let came = asked.headers.iter().find(|(known, _)| known.as_str().eq_ignore_ascii_case(&name.value));
        let came = came.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
        text("header", (&name.value, wanted), came.as_deref(), found);
    }
    if let Some(wanted) = &expected.body {
        value(&wanted.span, "body", &wanted.to_value(), &body(asked), found);
    }
}

fn text(kind: &str, (name, wanted): (&str, &Parameter), came: Option<&str>, found: &mut Vec<Difference>) {
    if came != Some(&wanted.text) {
        let label = came.map_or_else(|| "it is not there".to_owned(), |came| format!("it is \"{came}\""));
        found.push(Difference::new(&wanted.span, format!("the {kind} {name} is not as expected")).label(label));
    }
}

/// Names and values in any order between names, in order within one.
fn pairs(kind: &str, wanted: &Dict<OneOrMany<Parameter>>, came: &[(String, String)], found: &mut Vec<Difference>) {
    for (name, values) in wanted.iter() {
        let came: Vec<&str> = came.iter().filter(|(known, _)| *known == name.value).map(|(_, v)| v.as_str()).collect();
        let wanted: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
        if wanted != came {
            let what = format!("the {kind} {} is not as expected", name.value);
            found.push(Difference::new(&name.span, what).label(format!("it is {came:?}")));
        }
    }
}

fn cookies(asked: &Outgoing) -> BTreeMap<String, String> {
    let values = asked.headers.iter().filter(|(name, _)| *name == COOKIE);
    let pairs = values.flat_map(|(_, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        text.split("; ")
            .filter_map(|pair| pair.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())))
            .collect::<Vec<_>>()
    });
    pairs.collect()
}

/// The body as a case writes it: JSON as a value, a form as an object (a repeated name as a list), all else as text.
fn body(asked: &Outgoing) -> Value {
    let Some(bytes) = &asked.body else { return Value::Null };
    let kind = asked
        .headers
        .iter()
        .find(|(name, _)| *name == CONTENT_TYPE)
        .map(|(_, value)| value.to_str().unwrap_or_default());
    let kind = kind.unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let mut form = Object::new();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            add(&mut form, &name, &value);
        }
        return Value::Object(form);
    }
    if let Some(boundary) = kind.strip_prefix("multipart/form-data; boundary=") {
        return Value::Object(parts(&String::from_utf8_lossy(bytes), boundary));
    }
    let json = kind.contains("json").then(|| from_json(bytes).ok()).flatten();
    json.unwrap_or_else(|| Value::Text(String::from_utf8_lossy(bytes).into_owned()))
}

/// A repeated name becomes a list.
fn add(fields: &mut Object, name: &str, value: &str) {
    let value = Value::from(value);
    match fields.get_mut(name) {
        None => drop(fields.insert(name.to_owned(), value)),
        Some(Value::Array(many)) => many.push(value),
        Some(one) => *one = Value::Array(vec![std::mem::take(one), value]),
    }
}

/// The parts of a multipart body of our own making (RFC 7578), whose values cannot hold the boundary.
fn parts(body: &str, boundary: &str) -> Object {
    let delimiter = format!("\r\n--{}", boundary.trim_matches('"'));
    let mut fields = Object::new();
    // The first delimiter has no line end before it.
    for part in format!("\r\n{body}").split(&delimiter) {
        let Some((head, value)) = part.split_once("\r\n\r\n") else { continue };
        let name = head.split_once(" name=\"").and_then(|(_, rest)| rest.split_once('"')).map_or("", |(name, _)| name);
        add(&mut fields, name, value);
    }
    fields
}
