//! Logs: JSON or text lines on standard error, through a bounded queue, so that a stalled reader of the log cannot stall
//! logins.
//!
//! Only Doorward's own events are written at the configured level; other crates' are written from `warn` up, whatever
//! the level, because their debug output may show what they carry. docs/logging.md documents the fields.

mod json;

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::thread;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

use crate::config::{Format, Level, Log};

/// Lines that wait: some seconds of a busy daemon at `info`.
const MAX_WAITING_LINES: usize = 8192;

/// Bytes of one write: a batch costs one system call.
const BATCH: usize = 64 * 1024;

/// How long the writer rests after a write. A writer that waits at the queue has to be woken for each line, which costs more
/// than the line: 0.75 µs of the login's thread and 3.0 µs of CPU a line, against 0.5 µs and 2.0 µs with the rest. A reader of
/// the log does not notice these milliseconds.
const REST: Duration = Duration::from_millis(5);

/// Keeps the log open; when dropped, waits up to about a second for the lines that are still waiting.
#[derive(Debug)]
pub struct Open {
    _guard: WorkerGuard,
    lost: ErrorCounter,
    level: LogLevel,
}

/// Changes the level of this process's log while it runs.
#[derive(Debug, Clone)]
pub struct LogLevel(reload::Handle<Targets, Registry>);

impl LogLevel {
    /// From now on at `level`.
    pub fn set(&self, level: Level) {
        // An error: the log is gone, and with it what has a level.
        let _ = self.0.reload(filter(level));
    }
}

impl Open {
    /// Counts the lines that were lost because too many waited.
    pub fn lost(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let lost = self.lost.clone();
        move || u64::try_from(lost.dropped_lines()).unwrap_or(u64::MAX)
    }

    /// The means to change its level.
    pub fn level(&self) -> LogLevel {
        self.level.clone()
    }
}

/// Starts the log of this process. Fails if it has one already.
pub fn init(log: &Log) -> io::Result<Open> {
    let (lines, guard) = queue(io::stderr());
    let lost = lines.error_counter();
    let (filter, level) = reload::Layer::new(filter(log.level));
    let layer = tracing_subscriber::fmt::layer().with_writer(lines).with_ansi(false);
    let registry = tracing_subscriber::registry().with(filter);
    let usual = if io::stderr().is_terminal() { Format::Text } else { Format::Json };
    let started = match log.format.unwrap_or(usual) {
        Format::Json => {
            let layer = layer.json().flatten_event(true).with_current_span(false);
            registry.with(layer.map_event_format(|others| json::Lines { others })).try_init()
        }
        Format::Text => registry.with(layer).try_init(),
    };
    started.map_err(io::Error::other)?;
    Ok(Open { _guard: guard, lost, level: LogLevel(level) })
}

fn filter(level: Level) -> Targets {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    Targets::new().with_target("doorward", level).with_default(level.min(LevelFilter::WARN))
}

/// Makes panics lines of the log: the place, never the message, which may hold data.
pub fn catch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}

/// A queue of lines in front of `out`. A full queue loses lines instead of blocking the code that logs.
fn queue<W: Write + Send + 'static>(out: W) -> (NonBlocking, WorkerGuard) {
    let batches = Batches(BufWriter::with_capacity(BATCH, out));
    NonBlockingBuilder::default().buffered_lines_limit(MAX_WAITING_LINES).thread_name("log").finish(batches)
}

/// Writes together what the queue held. The queue's thread asks for a flush when the queue is empty.
struct Batches<W: Write>(BufWriter<W>);

impl<W: Write> Write for Batches<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.0.flush();
        thread::park_timeout(REST);
        flushed
    }
}

#[cfg(test)]
mod tests;
