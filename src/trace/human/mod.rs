//! A trace for people: what it came to, why, then every step with its stages in order, aligned.
//!
//! Made of a [`Trace`], which is masked already. What an upstream or a user wrote is made harmless for a terminal here.

mod lines;

use anstyle::{AnsiColor, Style};

use self::lines::{Lines, Row, plain};
use super::Trace;
use super::delivery::{Delivered, Delivery};
use super::net::Shown;
use super::outline::{Field, Outline};
use super::request::Request;
use super::stage::{Ask, Cookie, Dropped, Identity, Named, Reply, Rule, Step};
use crate::mask::MASK;

/// Fields of a document that a screen has room for; `--json` has more.
const FIELDS: usize = 40;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Lines with colours (ANSI escapes); a stream that is no terminal drops them.
pub fn human(trace: &Trace) -> String {
    let mut lines = Lines::default();
    head(trace, &mut lines);
    for step in &trace.steps {
        lines.empty();
        self::step(step, trace.net.reveal, &mut lines);
    }
    delivery(&trace.delivery, &mut lines);
    lines.into_text()
}

/// The verdict, why, and for whom.
fn head(trace: &Trace, lines: &mut Lines) {
    let word = trace.verdict.unwrap_or("rendered");
    let detail = trace.detail.as_ref().filter(|_| trace.verdict.is_some());
    let detail = detail.map(|detail| format!("  {}", plain(detail))).unwrap_or_default();
    lines.line(&format!("{}{detail}", paint(word, colour(word).bold())));
    lines.line(&format!("  {}", plain(&trace.explain)));
    let sends = match (trace.verdict, trace.sends) {
        _ if trace.username.is_none() => String::new(),
        (None, _) => String::new(),
        (_, 0) => ", no credential was sent".to_owned(),
        (_, 1) => ", the credential was sent once".to_owned(),
        (_, more) => format!(", credentials were sent {more} times"),
    };
    let who = trace.username.as_ref().map(|name| format!("{} ", plain(name))).unwrap_or_default();
    let about = format!("  {who}by {}, {}{sends}", plain(&trace.connector), time(trace.took));
    lines.line(&paint(&about, DIM));
}

fn step(step: &Step, reveal: bool, lines: &mut Lines) {
    let status = step.status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
    let outcome = paint(step.outcome, colour(step.outcome));
    let name = paint(&plain(&step.name), BOLD);
    lines.line(&format!("{name}  {}, {outcome}{status}, {}", step.role, time(step.ms)));
    let mut rows = Vec::new();
    rows.extend(step.when.iter().flat_map(rule));
    rows.extend(step.ask.iter().map(ask));
    rows.extend(pairs("variables", &step.variables));
    rows.extend(step.request.iter().flat_map(request));
    rows.extend(step.reply.iter().flat_map(|seen| reply(seen, reveal)));
    rows.extend(step.document.iter().flat_map(|seen| document(seen, reveal)));
    rows.extend(step.rules.iter().flat_map(rule));
    rows.extend(step.cache.iter().map(|what| Row::wide("cache", &plain(what))));
    rows.extend(pairs("capture", &step.captures));
    rows.extend(step.identity.iter().map(identity));
    rows.extend(pairs("map", &step.map));
    let timings: Vec<String> =
        step.timings.iter().map(|timing| format!("{} {}", timing.stage, time(timing.ms))).collect();
    if !timings.is_empty() {
        rows.push(Row::wide("time", &paint(&timings.join(", "), DIM)));
    }
    lines.table(&rows);
}

/// Cookies for the user's browser, below the steps that they come from.
fn delivery(delivery: &Delivery, lines: &mut Lines) {
    let mut rows: Vec<Row> = delivery.cookies.iter().map(delivered).collect();
    let withheld = |cookie: &Dropped| Row::pair("not delivered", &plain(&cookie.name), &plain(&cookie.because), "");
    rows.extend(delivery.withheld.iter().map(withheld));
    if !rows.is_empty() {
        lines.empty();
        lines.line(&paint("cookies", BOLD));
        lines.table(&rows);
    }
}

fn delivered(cookie: &Delivered) -> Row {
    let about = format!("{}, {}", size(&cookie.shown), cookie.attributes.join(", "));
    Row::pair("delivered", &plain(&cookie.name), &value(&cookie.shown), &plain(&about))
}

fn request(request: &Request) -> Vec<Row> {
    let mut rows = vec![Row::wide("request", &format!("{} {}", request.method, plain(&request.url)))];
    for part in &request.parts {
        let from = if part.from.is_empty() { String::new() } else { format!(" from {}", part.from.join(", ")) };
        // The length of what can be read is no news.
        let note = if part.from.is_empty() && part.place != "auth" {
            String::new()
        } else {
            format!("{}{from}", size(&part.shown))
        };
        let name = if part.name.is_empty() { "(text)".to_owned() } else { plain(&part.name) };
        rows.push(Row::pair(&format!("  {}", part.place), &name, &value(&part.shown), &note));
    }
    rows
}

fn reply(reply: &Reply, reveal: bool) -> Vec<Row> {
    let about = format!("HTTP {}, {}, {} bytes", reply.status, plain(&reply.read_as), reply.body_bytes);
    let mut rows = vec![Row::wide("reply", &about)];
    if reveal {
        rows.extend(pairs("  header", &reply.headers));
    } else if !reply.headers.is_empty() {
        let name = |header: &Named| format!("{} ({})", plain(&header.name), header.shown.length.unwrap_or_default());
        let names: Vec<String> = reply.headers.iter().map(name).collect();
        rows.push(Row::wide("  headers", &paint(&names.join(", "), DIM)));
    }
    rows.extend(reply.cookies.iter().map(cookie));
    rows.extend(reply.dropped_cookies.iter().map(dropped));
    rows
}

fn cookie(cookie: &Cookie) -> Row {
    let mut about = vec![size(&cookie.shown)];
    about.extend(cookie.domain.as_ref().map(|domain| format!("domain {}", plain(domain))));
    about.extend(cookie.path.as_ref().map(|path| format!("path {}", plain(path))));
    about.extend(cookie.secure.then(|| "secure".to_owned()));
    about.extend(cookie.http_only.then(|| "http-only".to_owned()));
    Row::pair("  cookie", &plain(&cookie.name), &value(&cookie.shown), &about.join(", "))
}

fn dropped(dropped: &Dropped) -> Row {
    let name = if dropped.name.is_empty() { "(no name)".to_owned() } else { plain(&dropped.name) };
    Row::pair("  cookie", &name, &paint("dropped", YELLOW), &plain(&dropped.because))
}

fn document(outline: &Outline, reveal: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if outline.preprocessed {
        rows.push(Row::wide("document", "as the preprocess script left it"));
    }
    let label = |first: bool| if first { "document" } else { "" };
    for field in outline.fields.iter().take(FIELDS) {
        rows.push(self::field(label(rows.is_empty()), field, reveal));
    }
    let more = outline.fields.len().saturating_sub(FIELDS) + outline.left_out;
    if more > 0 {
        rows.push(Row::wide("", &paint(&format!("and {more} more"), DIM)));
    }
    rows
}

fn field(label: &str, field: &Field, reveal: bool) -> Row {
    let (path, container) = (plain(&field.path), matches!(field.shown.kind, "array" | "object"));
    if reveal && !container {
        Row::pair(label, &path, &value(&field.shown), &size(&field.shown))
    } else {
        Row::pair(label, &path, &paint(&size(&field.shown), DIM), "")
    }
}

/// One line a leaf; the rule's name stands at the first. Where a leaf says otherwise than the whole (under `not`, in a list), the
/// whole has a line of its own.
fn rule(rule: &Rule) -> Vec<Row> {
    let mut rows = Vec::new();
    if rule.leaves.iter().any(|leaf| leaf.truth != rule.truth) {
        rows.push(Row::leaf(&rule.name, false, &paint(rule.truth, colour(rule.truth)), "", ""));
    }
    for leaf in &rule.leaves {
        let truth = paint(leaf.truth, colour(leaf.truth));
        let found = match (&leaf.because, &leaf.found) {
            (Some(because), _) => plain(because),
            (None, Some(found)) if found.value == MASK => size(found),
            (None, Some(found)) => format!("it is {}", value(found)),
            (None, None) => String::new(),
        };
        let label = if rows.is_empty() { rule.name.as_str() } else { "" };
        rows.push(Row::leaf(label, leaf.decisive, &truth, &plain(&leaf.text), &found));
    }
    rows
}

fn ask(ask: &Ask) -> Row {
    let told = ask.message.as_ref().map_or_else(|| "no message".to_owned(), value);
    let fields = if ask.fields.is_empty() { "nothing to fill in".to_owned() } else { ask.fields.join(", ") };
    let note = format!("{}; {} attempts, {} s", plain(&fields), ask.attempts_left, ask.expires_in);
    Row::pair("ask", &plain(&ask.kind), &told, &note)
}

fn identity(identity: &Identity) -> Row {
    let note = match identity.same {
        Some(true) => "the name that was sent",
        Some(false) => "not the name that was sent",
        None => "not compared",
    };
    let shown = identity.found.as_ref().map_or_else(|| "missing".to_owned(), value);
    Row::pair("identity", &plain(&identity.source), &shown, note)
}

fn pairs(label: &str, list: &[Named]) -> Vec<Row> {
    let row = |(index, named): (usize, &Named)| {
        let label = if index == 0 || label.starts_with(' ') { label } else { "" };
        let masked = named.shown.value == MASK;
        let note = if masked { size(&named.shown) } else { String::new() };
        Row::pair(label, &plain(&named.name), &value(&named.shown), &note)
    };
    list.iter().enumerate().map(row).collect()
}

/// A value as it may be seen: texts as they are, all else as JSON.
fn value(shown: &Shown) -> String {
    match &shown.value {
        serde_json::Value::String(text) if text == MASK => paint(MASK, DIM),
        serde_json::Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

/// `32 bytes`, `5 characters`, `object of 3`, `number`
fn size(shown: &Shown) -> String {
    match (shown.kind, shown.length) {
        ("bytes", Some(1)) => "1 byte".to_owned(),
        ("bytes", Some(length)) => format!("{length} bytes"),
        ("string", Some(0)) => "empty string".to_owned(),
        (kind, Some(length)) => format!("{kind} of {length}"),
        (kind, None) => kind.to_owned(),
    }
}

/// `0.4 ms`, `312 ms`, `1.50 s`
fn time(ms: f64) -> String {
    if ms >= 1000.0 {
        format!("{:.2} s", ms / 1000.0)
    } else if ms >= 10.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.1} ms")
    }
}

fn colour(word: &str) -> Style {
    match word {
        "accept" | "ok" | "success" | "true" | "rendered" => GREEN,
        "reject" | "refused" | "false" => RED,
        "challenge" | "more" | "asked" | "pending" => CYAN,
        "skipped" => DIM,
        _ => YELLOW,
    }
}

fn paint(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}
