//! What a connector's scripts cost is paid by that connector: nobody beside it waits, is blamed or stops for it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use doorward::script::{
    Budget, CallOutcome, FailedConnector, Input, Limits, Pool, ScriptId, ScriptKind, Source, inspect,
};
use tokio::time::Instant;

use crate::support::script::{call, late, limits, numbered, pool, pool_with, script, shown, worker};

/// A library of the size of CryptoJS, of which no two are equal.
fn library(n: usize) -> String {
    format!("// {n} {}\nenv.n = {n};", "x".repeat(200 * 1024))
}

/// Compiles in the square of its names.
fn names() -> String {
    (0..20_000).map(|n| format!("var v{n};")).collect::<Vec<_>>().join("\n")
}

#[test]
fn who_takes_too_long_to_compile_is_the_only_one_to_be_told() {
    let (slow, deep) = (names(), format!("env.x = {}1{}", "(".repeat(20_000), ")".repeat(20_000)));
    let text = "env.a = code_util.md5(user.userPassword)";
    let sources = numbered(vec![
        script("a", ScriptKind::Variables, text),
        script("evil", ScriptKind::Variables, &slow),
        script("evil", ScriptKind::Variables, "env.b = 1"),
        script("same", ScriptKind::Variables, &slow),
        script("deep", ScriptKind::Variables, &deep),
        script("y", ScriptKind::Variables, text),
        script("z", ScriptKind::Variables, &library(1)),
        script("z", ScriptKind::Variables, "env.b = 1"),
    ]);
    let answers = inspect(&worker(), &sources);
    let told: Vec<Option<&str>> = answers.iter().map(|it| it.as_ref().err().map(|it| it.message.as_str())).collect();
    for innocent in [0, 5, 6, 7] {
        assert_eq!(told[innocent], None, "{}", sources[innocent].connector);
    }
    for guilty in [1, 3] {
        assert!(told[guilty].unwrap().contains("of CPU time to compile"), "{told:?}");
    }
    assert!(told[4].unwrap().contains("nested too deeply"), "{told:?}");
}

/// It decides with whom a script shares workers; a worker that starts again compiles all of its scripts.
#[test]
fn the_inspection_says_how_long_each_script_takes_to_compile() {
    let slow = (0..4000).map(|n| format!("var v{n};")).collect::<Vec<_>>().join("\n");
    let sources =
        numbered(vec![script("a", ScriptKind::Variables, &slow), script("b", ScriptKind::Variables, "env.a = 1")]);
    let took: Vec<Duration> = inspect(&worker(), &sources).into_iter().map(|reads| reads.unwrap().compiling).collect();
    assert!(took[1] > Duration::ZERO && took[0] > 20 * took[1], "{took:?}");
}

#[test]
fn a_text_is_read_once_and_told_by_the_line_of_each_file() {
    let block = |connector: &str, line: u32| Source {
        first_line: line,
        ..script(connector, ScriptKind::Variables, "env.a = = 1")
    };
    let answers = inspect(&worker(), &numbered(vec![block("a", 7), block("b", 41)]));
    let lines: Vec<u32> = answers.into_iter().map(|answer| answer.unwrap_err().line).collect();
    assert_eq!(lines, [7, 41]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_libraries_stop_nobody() {
    let mut sources: Vec<Source> =
        (0..12).map(|n| script(&format!("lib{n}"), ScriptKind::Variables, &library(n))).collect();
    sources.push(script("small", ScriptKind::Variables, "env.n = 99"));
    let limits = Limits { retire_idle: Duration::from_millis(300), ..limits() };
    let pool = pool_with(limits, sources).await;
    // The ordinary ones only; who pastes a library has workers of its own, when a call comes.
    assert!(pool.pids().len() <= 2, "{:?}", pool.pids());
    assert_eq!(shown(call(&pool, 12, "{}").await), r#"{"n":99}"#);
    for n in (0..12).chain(0..12) {
        assert_eq!(shown(call(&pool, n, "{}").await), format!(r#"{{"n":{n}}}"#));
    }
    let all = (0..13).map(|n| call(&pool, n, "{}"));
    assert!(futures_util::future::join_all(all).await.into_iter().all(|it| matches!(it, CallOutcome::Value(_))));
    // And they go when nobody calls.
    wait_for(|| pool.pids().len() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_does_not_start_is_named_and_the_others_run() {
    let deep = format!("env.x = {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    let mut sources: Vec<Source> =
        (0..9).map(|n| script(&format!("c{n}"), ScriptKind::Variables, &format!("env.n = {n}"))).collect();
    sources.insert(3, script("deep", ScriptKind::Variables, &deep));
    sources.insert(7, script("broken", ScriptKind::Preprocess, "("));
    let (pool, lost) = Pool::start_each(worker(), limits(), numbered(sources)).await;
    let mut names: Vec<&str> = lost.iter().map(|FailedConnector { connector, .. }| connector.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["broken", "deep"]);
    for (id, n) in [(0, 0), (2, 2), (4, 3), (6, 5), (8, 6), (10, 8)] {
        assert_eq!(shown(call(&pool, id, "{}").await), format!(r#"{{"n":{n}}}"#));
    }
    for id in [3, 7] {
        assert_eq!(shown(call(&pool, id, "{}").await), "bad result: there is no such script");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shares_a_text_does_not_share_its_blame() {
    let text = "if (user.bad) for (;;) {} throw new Error('x')";
    let at = |connector: &str, first_line: u32| Source { first_line, ..script(connector, ScriptKind::Variables, text) };
    let pool = pool(vec![at("a", 10), at("b", 20)]).await;
    for _ in 0..2 {
        assert_eq!(call(&pool, 0, r#"{"user":{"bad":true}}"#).await, CallOutcome::Killed { by: Budget::Cpu });
    }
    assert_eq!(pool.stats().quarantined, 1);
    let place = |outcome: CallOutcome| match outcome {
        CallOutcome::Threw { line, .. } => line,
        other => panic!("{other:?}"),
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    assert_eq!(place(pool.call(ScriptId(1), Input::new("{}"), deadline).await), Some(20));
    assert_eq!(place(call(&pool, 0, "{}").await), Some(10));
}

/// Whether the memory of a process holds `text`; `None` when this test may not look.
fn memory_holds(pid: u32, text: &str) -> Option<bool> {
    use std::os::unix::fs::FileExt as _;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
        let mut bytes = vec![0; usize::try_from(to - from).ok()?];
        if memory.read_exact_at(&mut bytes, from).is_ok() && bytes.windows(text.len()).any(|it| it == text.as_bytes()) {
            return Some(true);
        }
    }
    Some(false)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_remembers_no_password() {
    let limits = Limits { retire_idle: Duration::from_millis(500), ..limits() };
    let sources = vec![
        script(
            "a",
            ScriptKind::Variables,
            "env.h = code_util.md5(user.userPassword); env.p = [user.userPassword + '!'].join()",
        ),
        script("a", ScriptKind::Variables, "globalThis.kept = user.userPassword; throw new Error(user.userPassword)"),
    ];
    let pool = pool_with(limits, sources).await;
    wait_for(|| pool.pids().len() == 2).await;
    let used = pool.pids();
    let canary = format!("canary-{}", uuid::Uuid::new_v4().simple());
    for n in 0..40 {
        let input = format!(r#"{{"user":{{"userPassword":"{canary}-{n}"}}}}"#);
        let outcome = pool.call(ScriptId(n % 2), Input::new(input), late()).await;
        assert!(matches!(outcome, CallOutcome::Value(_) | CallOutcome::Threw { .. }), "{outcome:?}");
    }
    // Whoever served is replaced, one after the other; a worker that served nothing stays.
    let served = |pid: &u32| memory_holds(*pid, &canary) != Some(false);
    wait_for(|| pool.stats().retired >= 1 && pool.pids().len() == 2 && !pool.pids().iter().any(served)).await;
    let now = pool.pids();
    assert!(now != used, "no worker that served is there: {now:?}");
    for pid in now {
        println!("{pid}: {:?}", memory_holds(pid, &canary));
    }
    let again = shown(call(&pool, 0, r#"{"user":{"userPassword":"x"}}"#).await);
    assert!(again.contains("9dd4e461268c8034f5c8564e155c67a6"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_rests_has_workers_while_calls_wait_only() {
    let pool = pool_with(limits(), vec![script("a", ScriptKind::Variables, "env.n = 1")]).await;
    pool.run_on_demand(Duration::ZERO);
    wait_for(|| pool.pids().is_empty()).await;
    for _ in 0..3 {
        assert_eq!(shown(call(&pool, 0, "{}").await), r#"{"n":1}"#);
        wait_for(|| pool.pids().is_empty()).await;
    }
}

/// Waits for a state that the pool reaches by itself.
async fn wait_for(mut reached: impl FnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let waited = async {
        while !reached() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited).await.unwrap();
}
