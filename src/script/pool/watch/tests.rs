//! What the watchdog does to a worker that is too large.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::unix::pipe::pipe;

use super::look;
use crate::script::pool::Shared;
use crate::script::pool::job::Job;
use crate::script::pool::live::{Live, Watch};
use crate::script::usage::Usage;
use crate::script::{Input, Limits, ScriptId, ScriptKind, Source, Worker};

/// A crew with one worker, which is this very process and exceeds the memory limit.
fn crew() -> (Arc<Shared>, tokio::net::unix::pipe::Receiver) {
    let source = Source {
        id: ScriptId(0),
        connector: "c".to_owned(),
        kind: ScriptKind::Variables,
        text: String::new(),
        file: String::new(),
        first_line: 1,
        indent: 0,
        compiling: Duration::ZERO,
    };
    let limits = Limits { workers: 1, retire_memory: 0, ..Limits::default() };
    let shared = Arc::new(Shared::new(Worker::of("none"), limits, vec![source]));
    let (input, end) = pipe().unwrap();
    let mut live = Live::new(rustix::process::getpid(), Usage::of(rustix::process::getpid()), Arc::new(input));
    live.watch = Watch { resident_at_start: Some(1), calls: u64::MAX, ..Watch::default() };
    shared.state().lanes[0].live = Some(live);
    (shared, end)
}

#[tokio::test]
async fn a_worker_that_is_too_large_and_idle_goes_at_once() {
    let (shared, _end) = crew();
    look(&shared);
    // Otherwise it would get no call any more and never end: its lane waits for an answer.
    assert!(shared.state().lanes[0].live.is_none());
    assert_eq!(shared.state().stats.retired, 1);
}

#[tokio::test]
async fn a_worker_that_is_too_large_and_busy_gets_no_more_calls() {
    let (shared, _end) = crew();
    let admit = || {
        let (job, answer) = Job::new(ScriptId(0), 0, 0, &Input::new("{}"));
        let admitted = shared.state().admit(job).is_ok();
        (admitted, answer)
    };
    let first = admit();
    look(&shared);
    let second = admit();
    assert!(first.0 && second.0);
    let state = shared.state();
    let live = state.lanes[0].live.as_ref().unwrap();
    assert!(live.retiring);
    assert_eq!((live.in_flight.len(), state.snapshot().waiting), (1, 1), "the second waits for the next worker");
}
