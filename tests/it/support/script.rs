//! A pool over the real worker binary.

use std::time::Duration;

use doorward::script::{CallOutcome, Input, Limits, Pool, ScriptId, ScriptKind, Source, Worker};
use tokio::time::Instant;

/// The binary under test as a worker.
pub fn worker() -> Worker {
    Worker::of(env!("CARGO_BIN_EXE_doorward"))
}

/// Limits for a machine that several test runs share: CPU budgets are what they are, wall time is not ours alone.
pub fn limits() -> Limits {
    Limits { workers: 2, wall: Duration::from_mins(1), ..Limits::default() }
}

/// A variables script of connector `c`.
pub fn variables(text: &str) -> Source {
    script("c", ScriptKind::Variables, text)
}

/// A preprocess script of connector `c`.
pub fn preprocess(text: &str) -> Source {
    script("c", ScriptKind::Preprocess, text)
}

/// A script that stands at line 1 of a `.js` file. Its id is set by [`pool`].
pub fn script(connector: &str, kind: ScriptKind, text: &str) -> Source {
    Source {
        id: ScriptId(0),
        connector: connector.to_owned(),
        kind,
        text: text.to_owned(),
        file: "script.js".to_owned(),
        first_line: 1,
        indent: 0,
        compiling: Duration::ZERO,
    }
}

/// Numbers the scripts in their order.
pub fn numbered(sources: Vec<Source>) -> Vec<Source> {
    (0..).zip(sources).map(|(id, source)| Source { id: ScriptId(id), ..source }).collect()
}

/// A pool with these scripts.
pub async fn pool_with(limits: Limits, sources: Vec<Source>) -> Pool {
    Pool::start(worker(), limits, numbered(sources)).await.expect("the pool starts")
}

/// A pool with these scripts and the limits of the tests.
pub async fn pool(sources: Vec<Source>) -> Pool {
    pool_with(limits(), sources).await
}

/// A deadline that no healthy call meets.
pub fn late() -> Instant {
    Instant::now() + Duration::from_mins(2)
}

/// Calls script `id` with the parameters.
pub async fn call(pool: &Pool, id: u32, input: &str) -> CallOutcome {
    pool.call(ScriptId(id), Input::new(input), late()).await
}

/// Runs one variables script once and shows what came of it: the JSON text, or `Debug` of the outcome with messages.
pub async fn run(text: &str, input: &str) -> String {
    shown(call(&pool(vec![variables(text)]).await, 0, input).await)
}

/// Runs one preprocess script once.
pub async fn run_preprocess(text: &str, input: &str) -> String {
    shown(call(&pool(vec![preprocess(text)]).await, 0, input).await)
}

/// An outcome as one line.
pub fn shown(outcome: CallOutcome) -> String {
    match outcome {
        CallOutcome::Value(json) => json,
        CallOutcome::Rejected { message } => format!("rejected: {message}"),
        CallOutcome::Threw { message, line, column } => {
            format!("threw at {}:{}: {}", line.unwrap_or(0), column.unwrap_or(0), message.expose())
        }
        CallOutcome::BadResult { what } => format!("bad result: {what}"),
        other => format!("{other:?}"),
    }
}
