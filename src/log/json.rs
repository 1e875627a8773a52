//! Doorward's own events as lines of JSON; what libraries say is written by `tracing_subscriber`'s formatter, with the same
//! members in the same order.
//!
//! Why not that formatter alone: it takes 2.4 µs for the line of a login, this one 0.6 µs (median of three runs of
//! `cargo test --release --lib the_time_of_a_line -- --ignored --nocapture`, two cores); a login takes 78 µs in all.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Bytes of the line of a login, so that the buffer seldom grows.
const LINE_CAPACITY: usize = 512;

pub(super) struct Lines {
    /// Formats events of libraries: those that come by way of the crate `log` hide their origin, and this finds it.
    pub others: Format<Json>,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let about = event.metadata();
        if about.target().split("::").next() != Some(env!("CARGO_PKG_NAME")) {
            return self.others.format_event(context, to, event);
        }
        let mut line = Line(String::with_capacity(LINE_CAPACITY));
        write!(line.0, r#"{{"timestamp":"{:.6}","level":"{}""#, Timestamp::now(), about.level())?;
        event.record(&mut line);
        line.member("target", about.target());
        line.0.push_str("}\n");
        to.write_str(&line.0)
    }
}

/// An unfinished line that has at least one member.
struct Line(String);

impl Line {
    fn member(&mut self, name: &str, text: &str) {
        self.name(name);
        self.text(text);
    }

    /// Names are of this program and need no escape.
    fn name(&mut self, name: &str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// A string of RFC 8259 section 7.
    fn text(&mut self, text: &str) {
        self.0.push('"');
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            let (plain, special) = rest.split_at(at);
            let (special, after) = special.split_at(1);
            self.0.push_str(plain);
            match special {
                "\"" => self.0.push_str("\\\""),
                "\\" => self.0.push_str("\\\\"),
                // One control character, written to memory: this cannot fail.
                other => self.0.push_str(serde_json::to_string(other).unwrap_or_default().trim_matches('"')),
            }
            rest = after;
        }
        self.0.push_str(rest);
        self.0.push('"');
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field.name());
        let _ = write!(self.0, "{value}");
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.name(field.name());
        let _ = write!(self.0, "{value}");
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field.name());
        // JSON cannot write what is not finite: serde_json writes null. Writing to memory cannot fail.
        self.0.push_str(&serde_json::to_string(&value).unwrap_or_default());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field.name());
        self.0.push_str(if value { "true" } else { "false" });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name(), &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Written {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What a line costs in either formatter, for the comment at the top of this file.
    #[test]
    #[ignore = "a measurement: run it by its name, in a release build"]
    fn the_time_of_a_line() {
        const LINES: u32 = 200_000;
        let layer = tracing_subscriber::fmt::layer().with_writer(io::sink).with_ansi(false);
        let layer = layer.json().flatten_event(true).with_current_span(false);
        let layer = layer.map_event_format(|others| Lines { others });
        macro_rules! line {
            ($target:literal) => {{
                let start = std::time::Instant::now();
                for _ in 0..LINES {
                    tracing::info!(
                        target: $target,
                        request_id = "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
                        client = "portal",
                        connector = "foura-json-md5",
                        revision = "5e9f1c0d",
                        verdict = "accept",
                        explain = "login: field \"code\" equals 200 (it is 200) (HTTP 200)",
                        credential_sends = 1_u64,
                        ms = 2.8,
                        "login"
                    );
                }
                start.elapsed().as_secs_f64() * 1e6 / f64::from(LINES)
            }};
        }
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for _ in 0..3 {
                println!("ours {:.2} µs a line, tracing-subscriber's {:.2} µs", line!("doorward"), line!("library"));
            }
        });
    }

    /// Each event as Doorward's own and as a library's: but for time and target they are one.
    #[test]
    fn both_formatters_write_the_same() {
        macro_rules! twice {
            ($($event:tt)*) => {{
                tracing::info!(target: "doorward", $($event)*);
                tracing::info!(target: "library", $($event)*);
            }};
        }
        let written = Written::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(written.clone()).with_ansi(false);
        let layer = layer.json().flatten_event(true).with_current_span(false);
        let layer = layer.map_event_format(|others| Lines { others });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let error = io::Error::other("a \"bad\" one");
            twice!("plain");
            twice!(text = "a\"b\\c\n密\u{7}", empty = "", number = 7_u64, less = -7_i64, yes = true, "all\tkinds");
            twice!(%error, debug = ?Some("x"), float = 1.5, dyn_error = &error as &(dyn std::error::Error + 'static), "{} made", "up");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let shape = |line: &str| {
            let (time, rest) = line.split_once(r#"","level":"#).unwrap();
            assert_eq!(time.len(), r#"{"timestamp":"2026-01-02T03:04:05.678901Z"#.len(), "{line}");
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
            rest.rsplit_once(r#","target":"#).unwrap().0.to_owned()
        };
        let lines: Vec<String> = text.lines().map(shape).collect();
        assert_eq!(lines.len(), 6);
        for pair in lines.chunks(2) {
            assert_eq!(pair[0], pair[1]);
        }
    }
}
