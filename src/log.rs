//! Logs: JSON or text lines on standard error, through a bounded queue, so that a stalled reader of the log cannot stall
//! logins.
//!
//! Only Doorward's own events are written at the configured level; other crates' are written from `warn` up, whatever
//! the level, because their debug output may show what they carry. docs/logging.md documents the fields.

mod json;

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Format, Level, Log};

/// Lines that wait: some seconds of a busy daemon at `info`.
const QUEUE: usize = 8192;

/// Bytes of one write: a batch costs one system call.
const BATCH: usize = 64 * 1024;

/// How long the writer leaves the queue alone after a write. Who finds it waiting has to wake it, which costs a login more
/// than the line itself; nobody who reads a log notices these few milliseconds.
const BREATH: Duration = Duration::from_millis(5);

/// How long the end of the daemon waits for the last lines.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Counts one lost line.
pub type Lost = Box<dyn Fn() + Send + Sync>;

/// Keeps the log open; writes what waits when dropped.
#[derive(Debug)]
pub struct Open {
    sender: SyncSender<Message>,
    done: Receiver<()>,
}

enum Message {
    Line(Vec<u8>),
    End,
}

/// Starts the log of this process. Fails if it has one already, or if no thread can be started.
pub fn init(log: &Log, lost: Lost) -> io::Result<Open> {
    let (sender, lines) = sync_channel(QUEUE);
    let (ended, done) = sync_channel(1);
    thread::Builder::new().name("log".to_owned()).spawn(move || {
        write(&lines);
        // Nobody may be waiting any more.
        let _ = ended.try_send(());
    })?;
    let queue = Queue { sender: sender.clone(), lost };
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let filter = Targets::new().with_target("doorward", level).with_default(level.min(LevelFilter::WARN));
    let layer = tracing_subscriber::fmt::layer().with_writer(queue).with_ansi(false);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match log.format {
        Format::Json => {
            let layer = layer.json().flatten_event(true).with_current_span(false);
            registry.with(layer.map_event_format(|others| json::Lines { others })).try_init()
        }
        Format::Text => registry.with(layer).try_init(),
    };
    started.map_err(io::Error::other)?;
    Ok(Open { sender, done })
}

/// Makes panics lines of the log: the place, never the message, which may hold data.
pub fn catch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}

impl Drop for Open {
    fn drop(&mut self) {
        // A full queue: give the writer its time, then try once more; it may be stuck for good.
        if self.sender.try_send(Message::End).is_err() {
            let _ = self.done.recv_timeout(LAST_WORDS);
            let _ = self.sender.try_send(Message::End);
        }
        match self.done.recv_timeout(LAST_WORDS) {
            Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// Writes lines as they come, and together what came meanwhile.
fn write(lines: &Receiver<Message>) {
    let mut stderr = io::stderr();
    while let Ok(Message::Line(mut batch)) = lines.recv() {
        let last = loop {
            match lines.try_recv() {
                Ok(Message::Line(line)) => batch.extend_from_slice(&line),
                Ok(Message::End) | Err(TryRecvError::Disconnected) => break true,
                Err(TryRecvError::Empty) => break false,
            }
            if batch.len() >= BATCH {
                break false;
            }
        };
        // Where the log goes is gone; the daemon works on.
        let _ = stderr.write_all(&batch);
        if last {
            return;
        }
        thread::park_timeout(BREATH);
    }
}

struct Queue {
    sender: SyncSender<Message>,
    lost: Lost,
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = &'a Queue;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// The subscriber writes each event whole, in one call.
impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.sender.try_send(Message::Line(line.to_vec())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => (self.lost)(),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
