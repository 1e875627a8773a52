//! Doorward's own events as lines of JSON; what libraries say is written by `tracing_subscriber`'s formatter, with the same
//! members in the same order.
//!
//! There is a line a login, and the general formatter took longer for it than all rules of a connector take.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Bytes of a line of a login, so that it seldom grows.
const USUAL: usize = 512;

/// Writes events.
pub(super) struct Lines {
    /// For events of libraries, which may come by way of the crate `log` and then hide where they come from.
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
        let mut line = Line(String::with_capacity(USUAL));
        write!(line.0, r#"{{"timestamp":"{:.6}","level":"{}""#, Timestamp::now(), about.level())?;
        event.record(&mut line);
        line.member("target", about.target());
        line.0.push_str("}\n");
        to.write_str(&line.0)
    }
}

/// A line in the making, with at least one member.
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
                // A control character into memory: it cannot fail.
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
        // JSON has no word for what is not finite; a number into memory cannot fail.
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
