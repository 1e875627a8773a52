//! A trace as rows: every step with its stages in order, then what goes to the user's browser.

use super::delivery::{Delivered, Delivery};
use super::outline::{Field, Outline};
use super::redactor::RedactedValue;
use super::request::Request;
use super::row::{Cell, Row};
use super::stage::{Ask, Cookie, Dropped, Identity, Named, Reply, Rule, Step};
use super::summary::time;
use crate::mask::MASK;

/// Fields of a document that a screen has room for; the JSON has more.
const MAX_FIELDS: usize = 40;

pub(super) fn step(step: &Step, reveal: bool) -> Vec<Row> {
    let mut about = vec![Cell::plain(step.role), Cell::word(step.outcome)];
    about.extend(step.status.map(|status| Cell::plain(&format!("HTTP {status}"))));
    about.push(Cell::plain(&time(step.ms)));
    let mut rows = vec![Row::title(Cell::plain(&step.name), about)];
    rows.extend(step.when.iter().flat_map(rule));
    rows.extend(step.ask.iter().map(ask));
    rows.extend(pairs("variables", &step.variables));
    rows.extend(step.request.iter().flat_map(request));
    rows.extend(step.reply.iter().flat_map(|seen| reply(seen, reveal)));
    rows.extend(step.document.iter().flat_map(|seen| document(seen, reveal)));
    rows.extend(step.rules.iter().flat_map(rule));
    rows.extend(step.cache.iter().map(|what| Row::wide("cache", Cell::plain(what))));
    rows.extend(pairs("capture", &step.captures));
    rows.extend(step.identity.iter().map(identity));
    rows.extend(pairs("map", &step.map));
    let timings: Vec<String> =
        step.timings.iter().map(|timing| format!("{} {}", timing.stage, time(timing.ms))).collect();
    if !timings.is_empty() {
        rows.push(Row::wide("time", Cell::dim(&timings.join(", "))));
    }
    rows
}

/// Cookies for the user's browser, below the steps that they come from.
pub(super) fn delivery(delivery: &Delivery) -> Vec<Row> {
    let withheld = |cookie: &Dropped| Row::pair("not delivered", &cookie.name, Cell::plain(&cookie.because), "");
    let mut rows: Vec<Row> = delivery.cookies.iter().map(delivered).collect();
    rows.extend(delivery.withheld.iter().map(withheld));
    if !rows.is_empty() {
        rows.insert(0, Row::title(Cell::plain("cookies"), Vec::new()));
    }
    rows
}

fn delivered(cookie: &Delivered) -> Row {
    let about = format!("{}, {}", size(&cookie.shown), cookie.attributes.join(", "));
    Row::pair("delivered", &cookie.name, value(&cookie.shown), &about)
}

fn request(request: &Request) -> Vec<Row> {
    let mut rows = vec![Row::wide("request", Cell::plain(&format!("{} {}", request.method, request.url)))];
    for part in &request.parts {
        let from = if part.from.is_empty() { String::new() } else { format!(" from {}", part.from.join(", ")) };
        // The length of what can be read is no news.
        let note = if part.from.is_empty() && part.place != "auth" {
            String::new()
        } else {
            format!("{}{from}", size(&part.shown))
        };
        let name = if part.name.is_empty() { "(text)" } else { &part.name };
        rows.push(Row::pair(&format!("  {}", part.place), name, value(&part.shown), &note));
    }
    rows
}

fn reply(reply: &Reply, reveal: bool) -> Vec<Row> {
    let about = format!("HTTP {}, {}, {} bytes", reply.status, reply.read_as, reply.body_bytes);
    let mut rows = vec![Row::wide("reply", Cell::plain(&about))];
    if reveal {
        rows.extend(pairs("  header", &reply.headers));
    } else if !reply.headers.is_empty() {
        let name = |header: &Named| format!("{} ({})", header.name, header.shown.length.unwrap_or_default());
        let names: Vec<String> = reply.headers.iter().map(name).collect();
        rows.push(Row::wide("  headers", Cell::dim(&names.join(", "))));
    }
    rows.extend(reply.cookies.iter().map(cookie));
    rows.extend(reply.dropped_cookies.iter().map(dropped));
    rows
}

fn cookie(cookie: &Cookie) -> Row {
    let mut about = vec![size(&cookie.shown)];
    about.extend(cookie.domain.as_ref().map(|domain| format!("domain {domain}")));
    about.extend(cookie.path.as_ref().map(|path| format!("path {path}")));
    about.extend(cookie.secure.then(|| "secure".to_owned()));
    about.extend(cookie.http_only.then(|| "http-only".to_owned()));
    Row::pair("  cookie", &cookie.name, value(&cookie.shown), &about.join(", "))
}

fn dropped(dropped: &Dropped) -> Row {
    let name = if dropped.name.is_empty() { "(no name)" } else { &dropped.name };
    Row::pair("  cookie", name, Cell::word("dropped"), &dropped.because)
}

fn document(outline: &Outline, reveal: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if outline.preprocessed {
        rows.push(Row::wide("document", Cell::plain("as the preprocess script left it")));
    }
    let label = |first: bool| if first { "document" } else { "" };
    for field in outline.fields.iter().take(MAX_FIELDS) {
        rows.push(self::field(label(rows.is_empty()), field, reveal));
    }
    let more = outline.fields.len().saturating_sub(MAX_FIELDS) + outline.left_out;
    if more > 0 {
        rows.push(Row::wide("", Cell::dim(&format!("and {more} more"))));
    }
    rows
}

fn field(label: &str, field: &Field, reveal: bool) -> Row {
    let container = matches!(field.shown.kind, "array" | "object");
    if reveal && !container {
        Row::pair(label, &field.path, value(&field.shown), &size(&field.shown))
    } else {
        Row::pair(label, &field.path, Cell::dim(&size(&field.shown)), "")
    }
}

/// One row a leaf; the rule's name stands at the first. Where a leaf says otherwise than the whole (under `not`, in a list), the
/// whole has a row of its own.
fn rule(rule: &Rule) -> Vec<Row> {
    let mut rows = Vec::new();
    if rule.leaves.iter().any(|leaf| leaf.truth != rule.truth) {
        rows.push(Row::leaf(&rule.name, rule.truth, "", ""));
    }
    for leaf in &rule.leaves {
        let found = match (&leaf.because, &leaf.found) {
            (Some(because), _) => because.clone(),
            (None, Some(found)) if found.value == MASK => size(found),
            (None, Some(found)) => format!("it is {}", value(found).text),
            (None, None) => String::new(),
        };
        let label = if rows.is_empty() { rule.name.as_str() } else { "" };
        rows.push(Row { mark: leaf.decisive, ..Row::leaf(label, leaf.truth, &leaf.text, &found) });
    }
    rows
}

fn ask(ask: &Ask) -> Row {
    let message = ask.message.as_ref().map_or_else(|| Cell::plain("no message"), value);
    let fields = if ask.fields.is_empty() { "nothing to fill in".to_owned() } else { ask.fields.join(", ") };
    let note = format!("{fields}; {} attempts, {} s", ask.attempts_left, ask.expires_in);
    Row::pair("ask", &ask.kind, message, &note)
}

fn identity(identity: &Identity) -> Row {
    let note = match identity.same {
        Some(true) => "the name that was sent",
        Some(false) => "not the name that was sent",
        None => "not compared",
    };
    let shown = identity.found.as_ref().map_or_else(|| Cell::plain("missing"), value);
    Row::pair("identity", &identity.source, shown, note)
}

fn pairs(label: &str, list: &[Named]) -> Vec<Row> {
    let row = |(index, named): (usize, &Named)| {
        let label = if index == 0 || label.starts_with(' ') { label } else { "" };
        let masked = named.shown.value == MASK;
        let note = if masked { size(&named.shown) } else { String::new() };
        Row::pair(label, &named.name, value(&named.shown), &note)
    };
    list.iter().enumerate().map(row).collect()
}

/// A value as it may be seen: texts as they are, all else as JSON.
fn value(shown: &RedactedValue) -> Cell {
    match &shown.value {
        serde_json::Value::String(text) if text == MASK => Cell::dim(MASK),
        serde_json::Value::String(text) => Cell::plain(text),
        other => Cell::plain(&other.to_string()),
    }
}

/// `32 bytes`, `5 characters`, `object of 3`, `number`
fn size(shown: &RedactedValue) -> String {
    match (shown.kind, shown.length) {
        ("bytes", Some(1)) => "1 byte".to_owned(),
        ("bytes", Some(length)) => format!("{length} bytes"),
        ("string", Some(0)) => "empty string".to_owned(),
        (kind, Some(length)) => format!("{kind} of {length}"),
        (kind, None) => kind.to_owned(),
    }
}
