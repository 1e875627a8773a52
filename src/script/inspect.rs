//! Checks scripts in a worker process and reports what each reads.
//!
//! A script may overflow the parser's stack, so it is parsed in a worker process that may die. Each connector has a
//! budget of its own, and an error for exceeding it or for killing a worker is reported for that connector alone. A
//! worker writes each answer before it begins with the next script. When it dies over a script, a new worker begins
//! with that connector, in case scripts of other connectors in the same process were the cause. Equal texts are checked
//! once.

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

/// CPU time that the scripts of one connector may take to compile. Every worker spends it at its start.
const BASE_BUDGET: Duration = Duration::from_secs(1);

/// Added for each KiB: 1 MiB of ordinary JavaScript takes a quarter of a second. The compiler is quadratic in the
/// number of names, so a hostile text of that size can take a minute.
const BUDGET_PER_KIB: Duration = Duration::from_millis(4);

/// After this time the budgets shrink to a quarter, so that many files that each use up their budget do not delay the
/// others for long. Connectors with the least text are checked first.
const SLOW_INSPECTION: Duration = Duration::from_secs(30);

/// Wall time allowed for each CPU time budget, for a busy machine.
const WALL_FACTOR: u32 = 20;

/// How often the CPU time of the worker is read.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The position of an error that concerns the whole script.
const START: ScriptPosition = ScriptPosition { line: 1, column: 1 };

/// Largest script. CryptoJS, unminified, has 200 KiB.
const MAX_TEXT: usize = 1024 * 1024;

/// Largest sum of the scripts of one connector: they share the memory of a worker.
const MAX_TEXTS: usize = 2 * MAX_TEXT;

/// The same limit for their JSON form, as they are sent to a worker in one frame. Ordinary texts grow by a twentieth.
const MAX_JSON: usize = 3 * MAX_TEXT;

/// The error of the other scripts of a connector with one that killed a worker.
const UNCHECKED: &str = "the script was not checked, because another one of this connector could not be parsed";

/// Parses and compiles every script in a worker process and reports what each reads, in the order of the sources, which
/// must list the scripts of a connector together. Blocks; a thousand ordinary scripts take well under a second.
pub fn inspect(worker: &Worker, sources: &[Source]) -> Vec<Result<Reads, CompileError>> {
    let refused = too_large(sources);
    let mut inspection = Inspection::of(sources, &refused);
    while let Some(ended) = inspection.run(worker) {
        inspection.attribute(&ended);
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
struct ConnectorScripts<'s> {
    texts: Vec<&'s str>,
    /// Bytes of all of them.
    size: usize,
    /// A worker died over it, but had checked other connectors before.
    suspected: bool,
    /// Its other scripts are not checked any more.
    given_up: bool,
}

struct Inspection<'s> {
    connectors: Vec<ConnectorScripts<'s>>,
    /// The results so far.
    known: HashMap<&'s str, Result<Reads, (String, ScriptPosition)>>,
    started: Instant,
}

/// One text to be checked, and the index of its connector.
#[derive(Debug, Clone, Copy)]
struct Item<'s> {
    connector: usize,
    text: &'s str,
}

/// At which script a worker ended early, and why.
#[derive(Debug)]
struct WorkerEnd<'s> {
    at: Item<'s>,
    /// Whether the worker had checked no other connector before.
    first: bool,
    why: EndCause,
}

/// Why a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndCause {
    NotStarted,
    Died,
    Slow,
}

impl<'s> Inspection<'s> {
    fn of(sources: &'s [Source], refused: &[Option<&'static str>]) -> Self {
        let mut connectors: Vec<ConnectorScripts<'s>> = Vec::new();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for (source, _) in sources.iter().zip(refused).filter(|(_, refused)| refused.is_none()) {
            let number = *numbers.entry(&source.connector).or_insert_with(|| {
                connectors.push(ConnectorScripts { texts: Vec::new(), size: 0, suspected: false, given_up: false });
                connectors.len() - 1
            });
            let connector = &mut connectors[number];
            if !connector.texts.contains(&&*source.text) {
                connector.texts.push(&source.text);
                connector.size += source.text.len();
            }
        }
        connectors.sort_by_key(|connector| connector.size);
        Self { connectors, known: HashMap::new(), started: Instant::now() }
    }

    /// What is still to be checked; suspected connectors come first.
    fn queue(&self) -> Vec<Item<'s>> {
        let mut order: Vec<usize> =
            (0..self.connectors.len()).filter(|number| !self.connectors[*number].given_up).collect();
        order.sort_by_key(|number| !self.connectors[*number].suspected);
        let mut seen: HashSet<&str> = HashSet::new();
        let items = order
            .into_iter()
            .flat_map(|connector| self.connectors[connector].texts.iter().map(move |text| Item { connector, text }));
        items.filter(|item| !self.known.contains_key(item.text) && seen.insert(item.text)).collect()
    }

    /// CPU time that the connector may take.
    fn budget(&self, number: usize) -> Duration {
        let kib = u32::try_from(self.connectors[number].size / 1024).unwrap_or(u32::MAX);
        let budget = BASE_BUDGET + BUDGET_PER_KIB * kib;
        if self.started.elapsed() > SLOW_INSPECTION { budget / 4 } else { budget }
    }

    /// Runs one worker until it has checked everything (`None`) or ends early.
    fn run(&mut self, worker: &Worker) -> Option<WorkerEnd<'s>> {
        let queue = self.queue();
        let first = *queue.first()?;
        let failed = |why| Some(WorkerEnd { at: first, first: true, why });
        let Ok(mut child) = worker.command().stderr(std::process::Stdio::null()).spawn() else {
            return failed(EndCause::NotStarted);
        };
        let usage = i32::try_from(child.id()).ok().and_then(Pid::from_raw).map(Usage::of).unwrap_or_default();
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return failed(EndCause::NotStarted);
        };
        let (frames, arrived) = sync_channel(64);
        thread::scope(|scope| {
            scope.spawn(|| write_texts(stdin, &queue));
            scope.spawn(move || read_frames(stdout, &frames));
            let ended = self.collect(&queue, &usage, &arrived);
            // This breaks the pipes and so ends both threads, whatever happened.
            let _ = child.kill();
            let _ = child.wait();
            drop(arrived);
            ended
        })
    }

    fn collect(&mut self, queue: &[Item<'s>], usage: &Usage, arrived: &Receiver<Vec<u8>>) -> Option<WorkerEnd<'s>> {
        let first = queue.first()?.connector;
        let failed = |at: Item<'s>, why| Some(WorkerEnd { at, first: at.connector == first, why });
        // The first answer is for an empty script: without it, the worker does not start whatever the scripts are.
        if arrived.recv_timeout(BASE_BUDGET * WALL_FACTOR).is_err() {
            return failed(*queue.first()?, EndCause::NotStarted);
        }
        let mut watch = Watch::begin(first, self.budget(first), usage);
        for item in queue {
            if watch.connector != item.connector {
                watch = Watch::begin(item.connector, self.budget(item.connector), usage);
            }
            let answer = match watch.next(arrived, usage) {
                Ok(frame) => serde_json::from_slice(&frame).map_err(|_| EndCause::Died),
                Err(why) => Err(why),
            };
            let known = match answer {
                Ok(Inspected::Reads(reads)) => Ok(*reads),
                Ok(Inspected::CompileError(message, place)) => Err((message, place)),
                Err(why) => return failed(*item, why),
            };
            self.known.insert(item.text, known);
        }
        None
    }

    /// Decides which script caused the end of a worker, and records the error.
    fn attribute(&mut self, ended: &WorkerEnd<'s>) {
        let Item { connector, text } = ended.at;
        let message = match ended.why {
            EndCause::NotStarted => {
                let message = "the script could not be checked: the script worker does not start";
                for item in self.queue() {
                    self.known.insert(item.text, Err((message.to_owned(), START)));
                }
                return;
            }
            EndCause::Died if !ended.first => {
                self.connectors[connector].suspected = true;
                return;
            }
            EndCause::Died => "the script cannot be parsed: it is nested too deeply or too large".to_owned(),
            EndCause::Slow => format!(
                "the scripts of this connector take more than {:.1} s of CPU time to compile: too many names, or too large",
                self.budget(connector).as_secs_f32()
            ),
        };
        self.connectors[connector].given_up = true;
        self.known.insert(text, Err((message, START)));
    }
}

/// The time that one connector has used in a worker.
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

    /// The next answer, unless the connector exceeds its budget.
    fn next(&self, arrived: &Receiver<Vec<u8>>, usage: &Usage) -> Result<Vec<u8>, EndCause> {
        loop {
            match arrived.recv_timeout(POLL_INTERVAL) {
                Ok(frame) => return Ok(frame),
                Err(RecvTimeoutError::Disconnected) => return Err(EndCause::Died),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let cpu = self.cpu.and_then(|before| Some(usage.cpu_time()?.saturating_sub(before)));
            if cpu.is_some_and(|cpu| cpu > self.budget) || self.since.elapsed() > self.budget * WALL_FACTOR {
                return Err(EndCause::Slow);
            }
        }
    }
}

/// For each script, an error if it or the scripts of its connector together are too large.
fn too_large(sources: &[Source]) -> Vec<Option<&'static str>> {
    let (mut connector, mut texts, mut written) = ("", 0, 0);
    // Bytes that JSON adds by escaping.
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
            } else if texts > MAX_TEXTS || written > MAX_JSON {
                Some("the scripts of this connector are larger than 2 MiB together")
            } else {
                None
            }
        })
        .collect()
}

fn write_texts(mut stdin: ChildStdin, queue: &[Item<'_>]) {
    for text in std::iter::once("").chain(queue.iter().map(|item| item.text)) {
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
