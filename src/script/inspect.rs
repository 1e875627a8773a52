//! Checks scripts in a worker process and reports what each reads.
//!
//! A script may overflow the parser's stack, so parsing happens where that costs a process. When a worker dies, the
//! script that it was at is the mistake and another worker goes on with the next one. It gets a script only when its
//! answer to the one before has arrived: a worker that dies takes answers with it that it did not write yet, and an
//! innocent script would be the mistake.

use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::launch::Worker;
use super::reads::{Place, Reads};
use super::source::{Mistake, Source};
use super::wire::{self, Inspected, kind};

/// One script: parsing 1 MiB of JavaScript takes 100 ms. Wall time, so with room for a loaded machine.
const EACH: Duration = Duration::from_secs(5);

/// All scripts together.
const ALL: Duration = Duration::from_secs(30);

/// Workers that may die of scripts. Each costs a start; who writes more such scripts sees the first ones.
const MAX_DEATHS: usize = 8;

/// Where a mistake stands that concerns the whole script.
const START: Place = Place { line: 1, column: 1 };

/// A script's text at most. CryptoJS, unminified, has 200 KiB.
const MAX_TEXT: usize = 1024 * 1024;

/// Parses every script in a worker process, never in this one, and reports what each reads. The answers stand in the
/// order of the sources. Blocks, for 30 s at most; a thousand ordinary scripts take well under a second.
pub fn inspect(worker: &Worker, sources: &[Source]) -> Vec<Result<Reads, Mistake>> {
    let deadline = Instant::now() + ALL;
    let mut answers: Vec<Result<Reads, Mistake>> = Vec::with_capacity(sources.len());
    let mut deaths = 0;
    while let Some(rest) = sources.get(answers.len()..).filter(|rest| !rest.is_empty()) {
        let why = match run(worker, rest, deadline, &mut answers) {
            Ok(()) => continue,
            Err(why) => why,
        };
        deaths += 1;
        let give_up = deaths > MAX_DEATHS || matches!(why, Failed::Start | Failed::Late);
        let message = why.message();
        while let Some(source) = sources.get(answers.len()) {
            answers.push(Err(Mistake::new(source, message, START)));
            if !give_up {
                break;
            }
        }
    }
    answers
}

/// Why a worker stopped before it answered for all scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failed {
    Start,
    Died,
    Slow,
    Late,
}

impl Failed {
    const fn message(self) -> &'static str {
        match self {
            Self::Start => "the script could not be checked: the script worker does not start",
            Self::Died => "the script cannot be parsed: it is nested too deeply or too large",
            Self::Slow => "the script cannot be parsed within 5 s",
            Self::Late => "the script was not checked: all scripts together took more than 30 s",
        }
    }
}

/// One worker: answers for as many of the sources as it lives to see.
fn run(
    worker: &Worker,
    sources: &[Source],
    deadline: Instant,
    answers: &mut Vec<Result<Reads, Mistake>>,
) -> Result<(), Failed> {
    let mut child = worker.command().stderr(std::process::Stdio::null()).spawn().map_err(|_| Failed::Start)?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else { return Err(Failed::Start) };
    let (ask, asked) = sync_channel(1);
    let (answer, answered) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(move || write_frames(stdin, &asked));
        scope.spawn(move || read_frames(stdout, &answer));
        let result = collect(sources, deadline, &Desk { ask, answered }, answers);
        // Whatever happened, this ends both threads: the pipes break.
        let _ = child.kill();
        let _ = child.wait();
        result
    })
}

/// The two ends at which a worker is asked and answers. Threads do the reading and writing, which have no deadlines.
struct Desk {
    ask: SyncSender<Vec<u8>>,
    answered: Receiver<Vec<u8>>,
}

impl Desk {
    fn check(&self, text: &str, deadline: Instant) -> Result<Vec<u8>, Failed> {
        // The writer has gone when the worker has, which the answer's end says as well.
        let _ = self.ask.send(wire::frame(kind::INSPECT, 0, &[text.as_bytes()]));
        let left = deadline.saturating_duration_since(Instant::now());
        self.answered.recv_timeout(EACH.min(left)).map_err(|error| match error {
            RecvTimeoutError::Disconnected => Failed::Died,
            RecvTimeoutError::Timeout if left < EACH => Failed::Late,
            RecvTimeoutError::Timeout => Failed::Slow,
        })
    }
}

fn collect(
    sources: &[Source],
    deadline: Instant,
    desk: &Desk,
    answers: &mut Vec<Result<Reads, Mistake>>,
) -> Result<(), Failed> {
    // An empty script goes first: a worker that has no answer to that one is not at fault for a script.
    desk.check("", deadline).map_err(|_| Failed::Start)?;
    for source in sources {
        if source.text.len() > MAX_TEXT {
            answers.push(Err(Mistake::new(source, "the script is larger than 1 MiB", START)));
            continue;
        }
        answers.push(match serde_json::from_slice(&desk.check(&source.text, deadline)?) {
            Ok(Inspected::Reads(mut reads)) => {
                reads.relocate(&|place| source.in_file(place));
                Ok(*reads)
            }
            Ok(Inspected::Mistake(message, place)) => Err(Mistake::new(source, message, place)),
            Err(_) => return Err(Failed::Died),
        });
    }
    Ok(())
}

fn write_frames(mut stdin: ChildStdin, frames: &Receiver<Vec<u8>>) {
    while let Ok(frame) = frames.recv() {
        if stdin.write_all(&frame).is_err() {
            return;
        }
    }
}

fn read_frames(mut stdout: ChildStdout, frames: &SyncSender<Vec<u8>>) {
    let mut buffer = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        while let Ok(Some((frame, length))) = wire::split(&buffer) {
            if frame.kind != kind::INSPECTED || frames.send(frame.payload.to_vec()).is_err() {
                return;
            }
            buffer.drain(..length);
        }
        match stdout.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => buffer.extend_from_slice(&chunk[..count]),
        }
    }
}
