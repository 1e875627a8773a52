//! Checks scripts in a worker process and reports what each reads.
//!
//! A script may overflow the parser's stack, so parsing happens where that costs a process. A worker writes each answer
//! before it begins with the next script; when it dies, the script that it was at is the mistake, and another worker goes
//! on behind it.

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

/// Where a mistake stands that concerns the whole script.
const START: Place = Place { line: 1, column: 1 };

/// A script's text at most. CryptoJS, unminified, has 200 KiB.
const MAX_TEXT: usize = 1024 * 1024;

/// The texts of one connector at most. All scripts of a generation share the memory of a worker.
const MAX_TEXTS: usize = 2 * MAX_TEXT;

/// Of scripts that stand behind one that ended a worker.
const UNCHECKED: &str = "the script was not checked, because another one of this connector could not be parsed";

/// Parses and compiles every script in a worker process, never in this one, and reports what each reads. The answers stand
/// in the order of the sources, those of a connector together. Blocks, for 30 s at most; a thousand ordinary scripts take
/// well under a second.
///
/// A connector loses no more than one worker: it does not load any more, and others must not be left out, or made to wait,
/// for the sake of its other scripts.
pub fn inspect(worker: &Worker, sources: &[Source]) -> Vec<Result<Reads, Mistake>> {
    let deadline = Instant::now() + ALL;
    let mut answers: Vec<Result<Reads, Mistake>> = Vec::with_capacity(sources.len());
    while let Some(rest) = sources.get(answers.len()..).filter(|rest| !rest.is_empty()) {
        let Err(why) = run(worker, rest, deadline, &mut answers) else { continue };
        let Some(guilty) = sources.get(answers.len()) else { break };
        answers.push(Err(Mistake::new(guilty, why.message(), START)));
        let of_all = matches!(why, Failed::Start | Failed::Late);
        let message = if of_all { why.message() } else { UNCHECKED };
        let lost = |source: &&Source| of_all || source.connector == guilty.connector;
        while let Some(source) = sources.get(answers.len()).filter(lost) {
            answers.push(Err(Mistake::new(source, message, START)));
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
    let refused = too_large(sources);
    let (frames, arrived) = sync_channel(64);
    thread::scope(|scope| {
        scope.spawn(|| write_sources(stdin, sources, &refused));
        scope.spawn(move || read_frames(stdout, &frames));
        let result = collect((sources, &refused), deadline, &arrived, answers);
        // Whatever happened, this ends both threads: the pipes break.
        let _ = child.kill();
        let _ = child.wait();
        drop(arrived);
        result
    })
}

fn collect(
    (sources, refused): (&[Source], &[Option<&'static str>]),
    deadline: Instant,
    arrived: &Receiver<Vec<u8>>,
    answers: &mut Vec<Result<Reads, Mistake>>,
) -> Result<(), Failed> {
    let next = || {
        let left = deadline.saturating_duration_since(Instant::now());
        arrived.recv_timeout(EACH.min(left)).map_err(|error| match error {
            RecvTimeoutError::Disconnected => Failed::Died,
            RecvTimeoutError::Timeout if left < EACH => Failed::Late,
            RecvTimeoutError::Timeout => Failed::Slow,
        })
    };
    // The empty script that goes first: a worker that has no answer to that one is not at fault for a script.
    next().map_err(|_| Failed::Start)?;
    for (source, refused) in sources.iter().zip(refused) {
        if let Some(message) = refused {
            answers.push(Err(Mistake::new(source, *message, START)));
            continue;
        }
        answers.push(match serde_json::from_slice(&next()?) {
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

/// For each script, whether its text is larger than one may be or than those of its connector may be together.
fn too_large(sources: &[Source]) -> Vec<Option<&'static str>> {
    let (mut connector, mut texts) = ("", 0);
    sources
        .iter()
        .map(|source| {
            if source.connector != connector {
                (connector, texts) = (&source.connector, 0);
            }
            texts += source.text.len();
            if source.text.len() > MAX_TEXT {
                Some("the script is larger than 1 MiB")
            } else if texts > MAX_TEXTS {
                Some("the scripts of this connector are larger than 2 MiB together")
            } else {
                None
            }
        })
        .collect()
}

fn write_sources(mut stdin: ChildStdin, sources: &[Source], refused: &[Option<&'static str>]) {
    let texts =
        sources.iter().zip(refused).filter(|(_, refused)| refused.is_none()).map(|(source, _)| source.text.as_str());
    for text in std::iter::once("").chain(texts) {
        let frame = wire::frame(kind::INSPECT, 0, &[text.as_bytes()]);
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
