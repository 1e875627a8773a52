//! The life of one lane: start a worker, send it calls, read its answers, decide about its calls when it ends, start
//! another.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::super::launch::StartError;
use super::super::outcome::{Budget, CallOutcome};
use super::super::reads::ScriptPosition;
use super::super::source::CompileError;
use super::super::usage::Usage;
use super::super::wire::{self, Frame, kind};
use super::Shared;
use super::live::{InFlight, KillCause, Live, drain};
use super::state::{SLOW, State, Todo};
use super::watch::SLOW_CALL_COUNTS;

/// From the start of a process to its first frame: 30 ms on an idle machine, much more on a busy one.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// From closing a worker's input to the end of its process. All its calls are answered by then.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause after a failed start doubles from the first to the second.
const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Bytes read at once: the replies of all calls that a worker may have.
const READ: usize = 4 * 1024;

/// Bytes kept of a worker's stderr: enough for the allocator's message.
const STDERR_KEPT: usize = 4096;

/// Bytes read of a worker's stderr. What follows is left unread.
const STDERR_READ: usize = 64 * 1024;

/// A worker process that is ready but not yet in the state.
pub(super) struct Started {
    child: Child,
    pid: Pid,
    usage: Usage,
    input: Arc<pipe::Sender>,
    output: pipe::Receiver,
    stderr: Option<ChildStderr>,
    buffer: Vec<u8>,
}

/// Starts a worker and waits until its scripts are compiled.
pub(super) async fn start(shared: &Shared) -> Result<Started, StartError> {
    let mut command = tokio::process::Command::from(shared.worker.command());
    let mut child = command.kill_on_drop(true).spawn()?;
    let missing = || StartError::NotReady("it has no streams".to_owned());
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or_else(missing)?;
    let input = child.stdin.take().ok_or_else(missing)?.into_owned_fd()?;
    let output = child.stdout.take().ok_or_else(missing)?.into_owned_fd()?;
    let mut started = Started {
        usage: Usage::of(pid),
        pid,
        input: Arc::new(pipe::Sender::from_owned_fd(input)?),
        output: pipe::Receiver::from_owned_fd(output)?,
        stderr: child.stderr.take(),
        child,
        buffer: Vec::new(),
    };
    let Ok(loaded) = timeout(START_TIMEOUT, started.load(shared)).await else {
        return Err(StartError::NotReady(format!("no answer within {} s", START_TIMEOUT.as_secs())));
    };
    loaded?;
    shared.state().stats.workers_started += 1;
    Ok(started)
}

impl Started {
    async fn load(&mut self, shared: &Shared) -> Result<(), StartError> {
        let mut rest: &[u8] = &shared.load;
        loop {
            // The worker answers only when it has read everything, so writing first cannot block for ever.
            while !rest.is_empty() {
                self.input.writable().await?;
                match self.input.try_write(rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if let Ok(Some((frame, length))) = wire::split(&self.buffer) {
                let result = ready(shared, &frame);
                self.buffer.drain(..length);
                return result;
            }
            if self.output.read_buf(&mut self.buffer).await? == 0 {
                return Err(StartError::NotReady(
                    "it ended; its scripts may need more memory than a worker has".to_owned(),
                ));
            }
        }
    }
}

fn ready(shared: &Shared, frame: &Frame<'_>) -> Result<(), StartError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match frame.kind {
        kind::READY => {
            shared.add_sandbox(serde_json::from_slice(frame.payload).unwrap_or_default());
            Ok(())
        }
        kind::REFUSED => {
            let place = wire::take_u32(frame.payload).and_then(|(line, rest)| {
                wire::take_u32(rest).map(|(column, rest)| (ScriptPosition { line, column }, rest))
            });
            match (place, shared.first_with(frame.number)) {
                (Some((place, message)), Some(source)) => {
                    Err(StartError::Script { id: source.id, mistake: CompileError::new(source, text(message), place) })
                }
                _ => Err(StartError::NotReady(text(frame.payload))),
            }
        }
        _ => Err(StartError::NotReady("it is not a script worker of this version".to_owned())),
    }
}

/// Keeps a lane occupied until the pool closes. `first` is a worker that was started already.
pub(super) async fn run(shared: Arc<Shared>, lane: usize, mut first: Option<Started>) {
    let mut pause = MIN_BACKOFF;
    loop {
        if shared.state().closing {
            return;
        }
        let Ok(_place) = shared.wait_for_call(lane).await else { return };
        let started = match first.take() {
            Some(started) => Ok(started),
            None => start(&shared).await,
        };
        shared.state().lanes[lane].starting = false;
        if let Ok(started) = started {
            pause = MIN_BACKOFF;
            serve(&shared, lane, started).await;
        } else {
            // Meanwhile the calls go to the other lanes or wait in the queue, which refuses calls when it is full.
            let _ = timeout(pause, shared.closed.notified()).await;
            pause = (pause * 2).min(MAX_BACKOFF);
        }
    }
}

/// One worker from its first call to its end.
async fn serve(shared: &Arc<Shared>, lane: usize, started: Started) {
    let Started { mut child, pid, usage, input, mut output, stderr, mut buffer } = started;
    let stderr = tokio::spawn(read_stderr(stderr));
    {
        let mut state = shared.state();
        if state.closing {
            return;
        }
        state.lanes[lane].live = Some(Live::new(pid, usage, Arc::clone(&input)));
        let mut todo = Todo::default();
        state.dispatch(&mut todo);
        shared.apply(state, &todo);
        shared.wake_watchdog();
        shared.up.notify_one();
    }
    let writer = {
        let (shared, wake) = (Arc::clone(shared), Arc::clone(&shared.writers[lane]));
        tokio::spawn(drain(input, wake, move || shared.state().lanes[lane].live.as_mut().map(Live::write)))
    };
    loop {
        if !take_replies(shared, lane, &mut buffer) {
            shared.kill(lane);
            break;
        }
        if retire(shared, lane, &writer) {
            break;
        }
        buffer.reserve(READ);
        match output.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    writer.abort();
    let _ = writer.await;
    // Dropping `live` below closes the worker's stdin, which ends the process.
    let live = shared.state().lanes[lane].live.take();
    let (kill_cause, in_flight) = live.map_or((None, VecDeque::new()), |live| (live.kill_cause, live.in_flight));
    let status = if let Ok(status) = timeout(EXIT_TIMEOUT, child.wait()).await {
        status.ok()
    } else {
        let _ = child.start_kill();
        child.wait().await.ok()
    };
    // The process has ended. Without the system call filter a child of it may live on and keep the pipe open: hence the
    // timeout.
    let reader = stderr.abort_handle();
    let stderr = timeout(EXIT_TIMEOUT, stderr).await.unwrap_or(Ok(Vec::new())).unwrap_or_default();
    reader.abort();
    let mut state = shared.state();
    let todo = reap(&mut state, lane, kill_cause, in_flight, exit_cause(status, &stderr));
    shared.apply(state, &todo);
}

/// Delivers every reply in the buffer; false when the worker broke the protocol.
fn take_replies(shared: &Arc<Shared>, lane: usize, buffer: &mut Vec<u8>) -> bool {
    let mut used = 0;
    let mut sane = true;
    let mut state = None;
    loop {
        match wire::split(&buffer[used..]) {
            Ok(Some((frame, length))) => {
                let state = state.get_or_insert_with(|| shared.state());
                sane = reply(state, lane, &frame);
                used += length;
            }
            Ok(None) => break,
            Err(_) => sane = false,
        }
        if !sane {
            break;
        }
    }
    buffer.drain(..used);
    if let Some(mut state) = state {
        let mut todo = Todo::default();
        state.dispatch(&mut todo);
        shared.apply(state, &todo);
    }
    sane
}

fn reply(state: &mut State, lane: usize, frame: &Frame<'_>) -> bool {
    let Some(live) = state.lanes[lane].live.as_mut() else { return false };
    let took = live.head_since.elapsed();
    let Some(job) = live.answered(frame.number) else { return false };
    live.watch.calls += if took > SLOW { SLOW_CALL_COUNTS } else { 1 };
    state.scripts[job.script].slow = took > SLOW;
    state.release(lane, job.connector);
    let outcome = outcome(state, job.script, frame);
    let sane = outcome.is_some();
    state.finish(job, outcome.unwrap_or(CallOutcome::Killed { by: Budget::Crash }));
    sane
}

fn outcome(state: &State, script: usize, frame: &Frame<'_>) -> Option<CallOutcome> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    Some(match frame.kind {
        // The worker checks this limit too, but it may have been taken over by a script.
        kind::VALUE if frame.payload.len() <= state.limits.env_bytes.max(state.limits.result_bytes) => {
            CallOutcome::Value(text(frame.payload)?)
        }
        kind::REJECTED => CallOutcome::Rejected { message: text(frame.payload)? },
        kind::BAD_RESULT => CallOutcome::BadResult { what: text(frame.payload)? },
        kind::THREW => {
            let (line, rest) = wire::take_u32(frame.payload)?;
            let (column, message) = wire::take_u32(rest)?;
            let script = &state.scripts[script];
            CallOutcome::Threw {
                message: text(message)?.as_str().into(),
                line: (line > 0).then(|| line.saturating_add(script.file_line.saturating_sub(1))),
                column: (column > 0).then(|| column.saturating_add(script.indent)),
            }
        }
        _ => return None,
    })
}

/// True when the worker is idle and due to be replaced; then it gets no more calls.
fn retire(shared: &Shared, lane: usize, writer: &tokio::task::JoinHandle<()>) -> bool {
    let mut state = shared.state();
    let (calls, closing) = (state.limits.retire_calls, state.closing);
    // One lane at a time, so that one ordinary worker is always left.
    let others = state.lanes[..state.limits.workers].iter().enumerate();
    let alone = !others.clone().any(|(other, it)| other != lane && it.live.as_ref().is_some_and(|live| !live.retiring));
    let Some(live) = state.lanes[lane].live.as_mut() else { return true };
    live.retiring |= live.served >= calls && (!alone || live.in_flight.is_empty());
    if !live.in_flight.is_empty() || !(live.retiring || closing) {
        return false;
    }
    state.stats.retired += u64::from(!closing);
    state.lanes[lane].live = None;
    writer.abort();
    true
}

/// Decides about the calls that a dead worker left unanswered.
///
/// If the watchdog killed the worker, the call it names is the culprit. On an isolation lane the only call is the
/// culprit, however the worker died. The culprit gets its outcome; all other calls run once more, each alone, on an
/// isolation lane.
fn reap(
    state: &mut State,
    lane: usize,
    kill_cause: Option<KillCause>,
    in_flight: VecDeque<InFlight>,
    cause: Budget,
) -> Todo {
    let isolated = state.isolated(lane);
    for InFlight { number, mut job, .. } in in_flight {
        state.release(lane, job.connector);
        let culprit = match kill_cause {
            Some(kill) if kill.call == number => Some(kill.budget),
            _ if isolated => Some(cause),
            _ => None,
        };
        match culprit {
            Some(by) => {
                state.record_kill(job.script);
                state.finish(job, CallOutcome::Killed { by });
            }
            None if state.closing => state.finish(job, CallOutcome::Overloaded),
            None => {
                state.stats.repeated += 1;
                job.repeated = true;
                state.isolate(job);
            }
        }
    }
    let mut todo = Todo::default();
    state.dispatch(&mut todo);
    todo
}

/// Why a worker died without being killed. Rust's allocator writes a message before it aborts; anything else is a
/// crash.
fn exit_cause(status: Option<ExitStatus>, stderr: &[u8]) -> Budget {
    const OUT_OF_MEMORY: &[u8] = b"memory allocation of ";
    let aborted = status.is_some_and(|status| !status.success());
    let said = stderr.windows(OUT_OF_MEMORY.len()).any(|window| window == OUT_OF_MEMORY);
    if aborted && said { Budget::Memory } else { Budget::Crash }
}

async fn read_stderr(stderr: Option<ChildStderr>) -> Vec<u8> {
    let mut text = Vec::new();
    let Some(mut stderr) = stderr else { return text };
    let mut chunk = [0; 1024];
    let mut read = 0;
    while read < STDERR_READ
        && let Ok(count @ 1..) = stderr.read(&mut chunk).await
    {
        // More is read than kept, so that the worker does not block on a full pipe.
        read += count;
        let room = STDERR_KEPT.saturating_sub(text.len());
        text.extend_from_slice(&chunk[..count.min(room)]);
    }
    text
}

/// One notification a lane, which wakes its writer.
pub(super) fn writers(count: usize) -> Vec<Arc<Notify>> {
    (0..count).map(|_| Arc::new(Notify::new())).collect()
}
