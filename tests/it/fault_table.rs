//! The table of docs/transport.md, line by line: each fault is played, and cause, `written` and the whole line of
//! explanation are what the page says. Where it says "doubt", every connection of the connector is given up, else none.

mod over_tls;
mod plays;

use std::path::Path;
use std::time::Duration;

use doorward::upstream::SendFault;
use doorward::verdict::Cause;
use regex::RegexBuilder;

/// What one play came to.
pub struct FaultSeen {
    pub fault: SendFault,
    /// Whether a kept connection to another server of the connector was given up; `None` where there was none.
    pub given_up: Option<bool>,
    /// How long after its deadline the exchange ended.
    pub late: Duration,
}

/// Lines that no server on loopback can make a client say, with the test that holds them.
const ELSEWHERE: [(&str, &str); 4] = [
    ("no route", "upstream::fault::tests::what_dialling_says"),
    ("decoding takes too long", "flow::decode::tests::a_login_ends_by_its_deadline_and_its_decoder_keeps_its_place"),
    ("no decoder free", "flow::decode::tests::no_more_large_replies_are_decoded_at_a_time_than_there_are_places"),
    ("bytes on an idle connection (doubt)", "faults::a_smuggled_reply_reaches_nobody"),
];

/// A line of the table.
struct Row {
    what: String,
    cause: String,
    /// `yes`, `no`, or words that name both.
    written: String,
    /// The lines that it allows, normalised; `…` stands for anything.
    lines: Vec<String>,
}

fn table() -> Vec<Row> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/transport.md")).unwrap();
    let (_, rest) = page.split_once("| what happened | cause | written | explain |\n").unwrap();
    let lines = rest.lines().skip(1).take_while(|line| line.starts_with('|'));
    let mut rows: Vec<Row> = Vec::new();
    let mut open: Option<usize> = None;
    for line in lines {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [what, cause, written, explain] = cells[..] else { panic!("{line}") };
        let quoted: Vec<String> = explain.split('`').skip(1).step_by(2).map(normal).collect();
        if let Some(before) = open.take() {
            rows[before].lines.extend(quoted.clone());
        }
        if explain.ends_with("or the next line") {
            open = Some(rows.len());
        }
        rows.push(Row { what: what.to_owned(), cause: cause.to_owned(), written: written.to_owned(), lines: quoted });
    }
    rows
}

/// With one spelling for what differs from run to run: addresses, names, times, sizes, pins.
fn normal(line: &str) -> String {
    let mut line = line.to_owned();
    for (pattern, with) in [
        (r"http://127\.0\.0\.1:\d+|http://10\.0\.0\.9:3128", "‹proxy›"),
        (r"127\.0\.0\.1:\d+|10\.1\.2\.3:443", "‹address›"),
        (r"4a\.test(:\d+)?|4a\.example\.com", "‹name›"),
        (r"mail\.(test|example\.com)", "‹other›"),
        (r"[0-9]+(\.[0-9])? m?s\b", "‹time›"),
        (r"\d{4}-\d\d-\d\d", "‹day›"),
        (r"[0-9A-Za-z+/]{43}=|q6ur…=", "‹pin›"),
        (r"[0-9]+ (bytes|requests)", "‹n› $1"),
        (r"TLS alert [A-Za-z]+", "TLS alert ‹any›"),
        (r": failed to lookup address information: .*|: no such name$", ": ‹system›"),
    ] {
        line = RegexBuilder::new(pattern).build().unwrap().replace_all(&line, with).into_owned();
    }
    line
}

/// Whether `said` is `line`, in which `…` stands for anything.
fn is(said: &str, line: &str) -> bool {
    let Some((start, end)) = line.split_once('…') else { return said == line };
    said.starts_with(start) && said.ends_with(end) && said.len() >= start.len() + end.len()
}

#[tokio::test]
async fn every_line_of_the_table_comes_true() {
    let rows = table();
    assert!(rows.len() >= 45, "only {} lines were read", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        if ELSEWHERE.iter().any(|(what, _)| *what == row.what) {
            continue;
        }
        let outcomes = plays::of(&row.what).await;
        let mut said = vec![false; row.lines.len()];
        for FaultSeen { fault, given_up, .. } in &outcomes {
            let line = normal(&fault.explain);
            let matching = row.lines.iter().position(|allowed| is(&line, allowed));
            let any = row.lines.is_empty() || row.explains_otherwise();
            if let Some(index) = matching {
                said[index] = true;
            } else if !any {
                wrong.push(format!("{}: says \"{line}\", not {:?}", row.what, row.lines));
            }
            if fault.cause.to_string() != row.cause {
                wrong.push(format!("{}: is {}, not {}: {line}", row.what, fault.cause, row.cause));
            }
            let expected = match row.written.as_str() {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            };
            if expected.is_some_and(|expected| expected != fault.written) {
                wrong.push(format!("{}: written is {}: {line}", row.what, fault.written));
            }
            if given_up.is_some_and(|given_up| given_up != row.what.ends_with("(doubt)")) {
                wrong.push(format!("{}: connections given up: {given_up:?}: {line}", row.what));
            }
        }
        let unsaid = said.iter().zip(&row.lines).filter(|(said, _)| !**said).map(|(_, line)| line);
        wrong.extend(unsaid.map(|line| format!("{}: nothing made it say \"{line}\"", row.what)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Waits of every kind end with the deadline. A loaded machine is late now and then, so each gets some tries; a wait that
/// has no end of its own would be late every time.
#[tokio::test]
async fn every_wait_ends_within_50_ms_of_the_deadline() {
    const TRIES: usize = 10;
    let mut late = Vec::new();
    for what in [
        "silence after the request",
        "silence on a kept connection (half-open)",
        "headers a byte at a time",
        "body a byte at a time",
        "deadline while connecting",
        plays::SILENT_NAMES,
        plays::SILENT_HANDSHAKE,
    ] {
        let mut least = Duration::MAX;
        for _ in 0..TRIES {
            for outcome in plays::of(what).await {
                assert_eq!(outcome.fault.cause, Cause::Timeout, "{what}: {}", outcome.fault.explain);
                least = least.min(outcome.late);
            }
            if least < Duration::from_millis(50) {
                break;
            }
        }
        if least >= Duration::from_millis(50) {
            late.push(format!("{what}: by {least:?} at least"));
        }
    }
    assert!(late.is_empty(), "{late:?}");
}

impl Row {
    /// Whether the page lists only one of several lines.
    fn explains_otherwise(&self) -> bool {
        self.what.starts_with("proxy")
    }
}
