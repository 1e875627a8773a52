//! Checks scripts in a worker process and reports what each reads.
//!
//! A script may overflow the parser's stack, so parsing happens where that costs a process. Each connector has a budget of its
//! own, and what uses it up or ends a worker is told of that connector alone. A worker writes each answer before it begins with
//! the next script; when it dies over one, a fresh worker begins with that connector, so that nothing that came before it in
//! the same process is held against it. Equal texts are checked once.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::launch::Worker;
use super::reads::{Reads, ScriptPosition};
use super::source::{CompileError, Source};
use super::usage::Usage;
use super::wire::{self, Inspected, kind};

/// CPU time that the scripts of one connector may take to compile. Workers pay it at each start.
const BASE: Duration = Duration::from_secs(1);

/// And for each KiB of them: 1 MiB of ordinary JavaScript takes a quarter of a second. The compiler takes the square of the
/// number of names, so that a text of the same size can take a minute.
const EACH_KIB: Duration = Duration::from_millis(4);

/// When all together have taken so long, one gets a quarter of that: many files that each use up their budget must not keep
/// the others waiting for long. Those with the least text are checked first.
const ALL: Duration = Duration::from_secs(30);

/// Of wall time a script may have as many times its CPU time, on a machine that has other things to do.
const LOADED: u32 = 20;

/// Between two looks at the CPU time of the worker.
const LOOK: Duration = Duration::from_millis(50);

/// Where a mistake stands that concerns the whole script.
const START: ScriptPosition = ScriptPosition { line: 1, column: 1 };

/// A script's text at most. CryptoJS, unminified, has 200 KiB.
const MAX_TEXT: usize = 1024 * 1024;

/// The texts of one connector at most: they share the memory of a worker.
const MAX_TEXTS: usize = 2 * MAX_TEXT;

/// The same as JSON, as they go to a worker in one frame. Ordinary texts grow by a twentieth.
const MAX_WRITTEN: usize = 3 * MAX_TEXT;

/// Of scripts of a connector with one that ended a worker.
const UNCHECKED: &str = "the script was not checked, because another one of this connector could not be parsed";

/// Parses and compiles every script in a worker process, never in this one, and reports what each reads. The answers stand
/// in the order of the sources, those of a connector together. Blocks; a thousand ordinary scripts take well under a second.
pub fn inspect(worker: &Worker, sources: &[Source]) -> Vec<Result<Reads, CompileError>> {
    let refused = too_large(sources);
    let mut inspection = Inspection::of(sources, &refused);
    while let Some(ended) = inspection.run(worker) {
        inspection.note(&ended);
    }
    let answers = sources.iter().zip(&refused).map(|(source, refused)| match inspection.known.get(&*source.text) {
        _ if refused.is_some() => Err(CompileError::new(source, refused.unwrap_or_default(), START)),
        Some(Ok(reads)) => {
            let mut reads = reads.clone();
            reads.relocate(&|place| source.in_file(place));
            Ok(reads)
        }
        Some(Err((message, place))) => Err(CompileError::new(source, message.as_str(), *place)),
        None => Err(CompileError::new(source, UNCHECKED, START)),
    });
    answers.collect()
}

/// The different scripts of one connector.
#[derive(Debug)]
struct Share<'s> {
    texts: Vec<&'s str>,
    /// Bytes of all of them.
    size: usize,
    /// A worker died over it that had checked others before.
    suspect: bool,
    /// Nothing more of it is checked.
    lost: bool,
}

struct Inspection<'s> {
    shares: Vec<Share<'s>>,
    /// What is known of each text.
    known: HashMap<&'s str, Result<Reads, (String, ScriptPosition)>>,
    started: Instant,
}

/// One text to be checked, and the number of its connector.
type Item<'s> = (usize, &'s str);

/// Where a worker ended before it had answered for all scripts, and why.
#[derive(Debug)]
struct Ended<'s> {
    at: Item<'s>,
    /// Whether this connector was the first that the worker saw.
    first: bool,
    why: Failed,
}

/// Why a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failed {
    Start,
    Died,
    Slow,
}

impl<'s> Inspection<'s> {
    fn of(sources: &'s [Source], refused: &[Option<&'static str>]) -> Self {
        let mut shares: Vec<Share<'s>> = Vec::new();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for (source, _) in sources.iter().zip(refused).filter(|(_, refused)| refused.is_none()) {
            let number = *numbers.entry(&source.connector).or_insert_with(|| {
                shares.push(Share { texts: Vec::new(), size: 0, suspect: false, lost: false });
                shares.len() - 1
            });
            let share = &mut shares[number];
            if !share.texts.contains(&&*source.text) {
                share.texts.push(&source.text);
                share.size += source.text.len();
            }
        }
        shares.sort_by_key(|share| share.size);
        Self { shares, known: HashMap::new(), started: Instant::now() }
    }

    /// What is still to be checked; a connector under suspicion comes first.
    fn queue(&self) -> Vec<Item<'s>> {
        let mut order: Vec<usize> = (0..self.shares.len()).filter(|number| !self.shares[*number].lost).collect();
        order.sort_by_key(|number| !self.shares[*number].suspect);
        let mut seen: HashSet<&str> = HashSet::new();
        let texts =
            order.into_iter().flat_map(|number| self.shares[number].texts.iter().map(move |text| (number, *text)));
        texts.filter(|(_, text)| !self.known.contains_key(text) && seen.insert(text)).collect()
    }

    /// CPU time that the connector may take.
    fn budget(&self, number: usize) -> Duration {
        let kib = u32::try_from(self.shares[number].size / 1024).unwrap_or(u32::MAX);
        let budget = BASE + EACH_KIB * kib;
        if self.started.elapsed() > ALL { budget / 4 } else { budget }
    }

    /// One worker: checks as many as it lives to see. `None` when nothing is left.
    fn run(&mut self, worker: &Worker) -> Option<Ended<'s>> {
        let queue = self.queue();
        let first = *queue.first()?;
        let failed = |why| Some(Ended { at: first, first: true, why });
        let Ok(mut child) = worker.command().stderr(std::process::Stdio::null()).spawn() else {
            return failed(Failed::Start);
        };
        let usage = i32::try_from(child.id()).ok().and_then(Pid::from_raw).map(Usage::of).unwrap_or_default();
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return failed(Failed::Start);
        };
        let (frames, arrived) = sync_channel(64);
        thread::scope(|scope| {
            scope.spawn(|| write_texts(stdin, &queue));
            scope.spawn(move || read_frames(stdout, &frames));
            let ended = self.collect(&queue, &usage, &arrived);
            // Whatever happened, this ends both threads: the pipes break.
            let _ = child.kill();
            let _ = child.wait();
            drop(arrived);
            ended
        })
    }

    fn collect(&mut self, queue: &[Item<'s>], usage: &Usage, arrived: &Receiver<Vec<u8>>) -> Option<Ended<'s>> {
        let first = queue.first()?.0;
        let failed = |at: Item<'s>, why| Some(Ended { at, first: at.0 == first, why });
        // The empty script that goes first: a worker that has no answer to that one is not at fault for a script.
        if arrived.recv_timeout(BASE * LOADED).is_err() {
            return failed(*queue.first()?, Failed::Start);
        }
        let mut watch = Watch::begin(first, self.budget(first), usage);
        for item in queue {
            if watch.connector != item.0 {
                watch = Watch::begin(item.0, self.budget(item.0), usage);
            }
            let answer = match watch.next(arrived, usage) {
                Ok(frame) => serde_json::from_slice(&frame).map_err(|_| Failed::Died),
                Err(why) => Err(why),
            };
            let known = match answer {
                Ok(Inspected::Reads(reads)) => Ok(*reads),
                Ok(Inspected::CompileError(message, place)) => Err((message, place)),
                Err(why) => return failed(*item, why),
            };
            self.known.insert(item.1, known);
        }
        None
    }

    /// Says of whom the end of a worker is the fault.
    fn note(&mut self, ended: &Ended<'s>) {
        let (number, text) = ended.at;
        let message = match ended.why {
            Failed::Start => {
                let message = "the script could not be checked: the script worker does not start";
                for (_, text) in self.queue() {
                    self.known.insert(text, Err((message.to_owned(), START)));
                }
                return;
            }
            Failed::Died if !ended.first => {
                self.shares[number].suspect = true;
                return;
            }
            Failed::Died => "the script cannot be parsed: it is nested too deeply or too large".to_owned(),
            Failed::Slow => format!(
                "the scripts of this connector take more than {:.1} s of CPU time to compile: too many names, or too large",
                self.budget(number).as_secs_f32()
            ),
        };
        self.shares[number].lost = true;
        self.known.insert(text, Err((message, START)));
    }
}

/// The time of one connector in a worker.
struct Watch {
    connector: usize,
    budget: Duration,
    since: Instant,
    cpu: Option<Duration>,
}

impl Watch {
    fn begin(connector: usize, budget: Duration, usage: &Usage) -> Self {
        Self { connector, budget, since: Instant::now(), cpu: usage.cpu_time() }
    }

    /// The next answer, unless the connector has used up its time.
    fn next(&self, arrived: &Receiver<Vec<u8>>, usage: &Usage) -> Result<Vec<u8>, Failed> {
        loop {
            match arrived.recv_timeout(LOOK) {
                Ok(frame) => return Ok(frame),
                Err(RecvTimeoutError::Disconnected) => return Err(Failed::Died),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let cpu = self.cpu.and_then(|before| Some(usage.cpu_time()?.saturating_sub(before)));
            if cpu.is_some_and(|cpu| cpu > self.budget) || self.since.elapsed() > self.budget * LOADED {
                return Err(Failed::Slow);
            }
        }
    }
}

/// For each script, whether its text is larger than one may be or than those of its connector may be together.
fn too_large(sources: &[Source]) -> Vec<Option<&'static str>> {
    let (mut connector, mut texts, mut written) = ("", 0, 0);
    // What JSON escapes takes one byte more, a control character five.
    let longer = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    sources
        .iter()
        .map(|source| {
            if source.connector != connector {
                (connector, texts, written) = (&source.connector, 0, 0);
            }
            texts += source.text.len();
            written += source.text.len() + source.text.bytes().map(longer).sum::<usize>();
            if source.text.len() > MAX_TEXT {
                Some("the script is larger than 1 MiB")
            } else if texts > MAX_TEXTS || written > MAX_WRITTEN {
                Some("the scripts of this connector are larger than 2 MiB together")
            } else {
                None
            }
        })
        .collect()
}

fn write_texts(mut stdin: ChildStdin, queue: &[Item<'_>]) {
    for text in std::iter::once("").chain(queue.iter().map(|(_, text)| *text)) {
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
