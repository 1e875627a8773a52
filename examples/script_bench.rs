//! Measures what a script call costs: `cargo run --release --example script_bench`.
//!
//! For 1, 4, 16 and 64 calls in flight: wall time a call, and CPU time of the daemon's side and of the workers. Then a
//! worker's start and its memory. It takes `target/release/doorward` for the worker, so build the binary first.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use doorward::script::{CallOutcome, Input, Limits, Pool, ScriptId, ScriptKind, Source, Worker, inspect};
use futures_util::StreamExt as _;
use futures_util::stream;

/// Calls a measurement.
const CALLS: usize = 40_000;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<()> {
    let worker = Worker::of(binary()?);
    let sources: Vec<Source> = ["a", "b"]
        .iter()
        .zip(0..)
        .map(|(connector, id)| script(id, connector, "env.hash = code_util.md5(user.userPassword)"))
        .collect();
    println!("in flight   wall a call   CPU a call (daemon + workers)");
    for depth in [1, 4, 16, 64] {
        let limits = Limits { workers: 2, retire_calls: u64::MAX, ..Limits::default() };
        let pool = Pool::start(worker.clone(), limits, sources.clone()).await?;
        load(&pool, depth, CALLS / 10).await?;
        let pids = pool.pids();
        let before = (cpu(None), pids.iter().map(|pid| cpu(Some(*pid))).sum::<Duration>());
        let begun = Instant::now();
        load(&pool, depth, CALLS).await?;
        let wall = begun.elapsed();
        let daemon = cpu(None).saturating_sub(before.0);
        let workers = pids.iter().map(|pid| cpu(Some(*pid))).sum::<Duration>().saturating_sub(before.1);
        println!(
            "{depth:>9} {:>10.1} µs {:>10.1} µs ({:.1} + {:.1})",
            each(wall),
            each(daemon + workers),
            each(daemon),
            each(workers)
        );
        if depth == 64 {
            println!(
                "resident memory of the workers after that: {:?} KiB",
                pids.iter().map(|pid| resident(*pid)).collect::<Vec<_>>()
            );
        }
    }
    starts(&worker, &sources).await?;
    large_reply(&worker).await?;
    inspection(&worker);
    Ok(())
}

/// Keeps `depth` calls in flight until `calls` are made.
async fn load(pool: &Pool, depth: usize, calls: usize) -> Result<()> {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(5);
    let results = stream::iter(0..calls).map(|n| {
        let id = ScriptId(u32::from(n % 2 == 1));
        pool.call(
            id,
            Input::new(r#"{"user":{"username":"zhangsan","userPassword":"123456"},"time":{"unix_ms":1700000000000}}"#),
            deadline,
        )
    });
    let wrong = results
        .buffer_unordered(depth)
        .filter(|it| std::future::ready(!matches!(it, CallOutcome::Value(_))))
        .count()
        .await;
    anyhow::ensure!(wrong == 0, "{wrong} calls went wrong");
    Ok(())
}

async fn starts(worker: &Worker, sources: &[Source]) -> Result<()> {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let begun = Instant::now();
        let pool = Pool::start(worker.clone(), Limits { workers: 1, ..Limits::default() }, sources.to_vec()).await?;
        best = best.min(begun.elapsed());
        drop(pool);
    }
    let pool = Pool::start(worker.clone(), Limits { workers: 1, ..Limits::default() }, sources.to_vec()).await?;
    let pid = *pool.pids().first().context("no worker")?;
    println!(
        "start to ready: {:.1} ms (best of 20); CPU {:?}; resident {} KiB; {}",
        best.as_secs_f64() * 1e3,
        cpu(Some(pid)),
        resident(pid),
        pool.sandbox()
    );
    let many: Vec<Source> = (0..200).map(|id| script(id, &format!("c{id}"), &ordinary(id))).collect();
    let begun = Instant::now();
    let pool = Pool::start(worker.clone(), Limits { workers: 1, ..Limits::default() }, many).await?;
    let pid = *pool.pids().first().context("no worker")?;
    println!("with 200 scripts: {:.1} ms; resident {} KiB", begun.elapsed().as_secs_f64() * 1e3, resident(pid));
    Ok(())
}

async fn large_reply(worker: &Worker) -> Result<()> {
    let mut source = script(0, "c", "result.n = result.list.length");
    source.kind = ScriptKind::Preprocess;
    let pool = Pool::start(worker.clone(), Limits { workers: 1, ..Limits::default() }, vec![source]).await?;
    let item = r#"{"id":1234567890123456789,"name":"张三","mail":"zhangsan@example.com","ok":true}"#;
    let body = format!("{{\"list\":[{}]}}", vec![item; 3000].join(","));
    let input =
        format!("{{\"result\":{body},\"response\":{{\"data\":{{\"body\":{}}}}}}}", serde_json::to_string(&body)?);
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    let pid = *pool.pids().first().context("no worker")?;
    let before = cpu(Some(pid));
    let begun = Instant::now();
    for _ in 0..20 {
        let outcome = pool.call(ScriptId(0), Input::new(input.clone()), deadline).await;
        anyhow::ensure!(matches!(outcome, CallOutcome::Value(_)), "{outcome:?}");
    }
    println!(
        "a reply of {} KiB: {:.1} ms wall, {:?} CPU of the worker; resident {} KiB",
        body.len() / 1024,
        begun.elapsed().as_secs_f64() * 50.0,
        cpu(Some(pid)).saturating_sub(before) / 20,
        resident(pid)
    );
    Ok(())
}

fn inspection(worker: &Worker) {
    let many: Vec<Source> = (0..1000).map(|id| script(id, "c", &ordinary(id))).collect();
    let begun = Instant::now();
    let read = inspect(worker, &many).into_iter().flatten().count();
    println!("inspection of 1000 scripts ({read} read): {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
}

/// A script of ordinary length.
fn ordinary(id: u32) -> String {
    format!(
        "// sign number {id}\nconst ts = String(code_util.now());\nconst parts = [user.username, user.userPassword, ts];\n\
         if (!/^[a-z]+$/.test(user.username)) throw code_util.reject('bad name');\n\
         env.sign{id} = code_util.hmac('sha256', secret.app_key, parts.join('&'));\nenv.ts = ts;\n"
    )
}

fn script(id: u32, connector: &str, text: &str) -> Source {
    Source {
        id: ScriptId(id),
        connector: connector.to_owned(),
        kind: ScriptKind::Variables,
        text: text.to_owned(),
        file: String::new(),
        first_line: 1,
        indent: 0,
        compiling: Duration::ZERO,
    }
}

/// The binary beside this example.
fn binary() -> Result<PathBuf> {
    let example = std::env::current_exe()?;
    let directory = example.parent().and_then(|it| it.parent()).context("no target directory")?;
    Ok(directory.join("doorward"))
}

fn each(whole: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let calls = CALLS as f64;
    whole.as_secs_f64() * 1e6 / calls
}

/// CPU time of a process, all threads, in clock ticks of 10 ms.
fn cpu(pid: Option<u32>) -> Duration {
    let name = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let text = std::fs::read_to_string(format!("/proc/{name}/stat")).unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields.split_ascii_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn resident(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
