//! Scripts that loop, eat memory or crash the engine, and what that costs everybody else.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use doorward::script::{Budget, CallOutcome, Input, Limits, Pool, Quarantine, ScriptId, ScriptKind, StartError, Stats};
use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::support::script::{call, late, limits, numbered, pool, pool_with, run, script, shown, variables, worker};

/// A regular expression that backtracks for hours on a text that almost matches.
const BAD_REGEX: &str = "env.ok = /^(a+)+$/.test(user.text)";

#[tokio::test(flavor = "multi_thread")]
async fn every_poison_gets_its_verdict_and_the_pool_goes_on() {
    let killed = |by| format!("{:?}", CallOutcome::Killed { by });
    let cpu = || vec![killed(Budget::Cpu)];
    // What allocates may meet either limit first, depending on the machine.
    let cpu_or_memory = || vec![killed(Budget::Cpu), killed(Budget::Memory)];
    let too_deep = || vec!["threw".to_owned(), killed(Budget::Crash)];
    let table = [
        ("for (;;) {}", cpu()),
        ("/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')", cpu()),
        ("env.x = 'x'.repeat(2 ** 30)", cpu_or_memory()),
        ("var s = 'x'; for (;;) s += s", cpu_or_memory()),
        ("new Array(1e8).fill(0)", cpu_or_memory()),
        ("eval('('.repeat(20000) + '1' + ')'.repeat(20000))", vec!["threw".to_owned()]),
        ("function f() { return f() + 1 } f()", too_deep()),
        ("var a = []; for (var i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)", too_deep()),
        ("JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))", too_deep()),
        ("[3, 1, 2].sort(function () { for (;;) {} })", cpu()),
        ("env.x = String(BigInt('9'.repeat(1e7)) * 3n)", cpu_or_memory()),
    ];
    let mut sources: Vec<_> = table.iter().map(|(text, _)| variables(text)).collect();
    sources.push(variables("env.fine = true"));
    let fine = u32::try_from(table.len()).unwrap();
    let pool = pool(sources).await;
    for (id, (text, expected)) in (0..).zip(&table) {
        let outcome = shown(call(&pool, id, "{}").await);
        assert!(expected.iter().any(|it| outcome.starts_with(it.as_str())), "{text}: {outcome}");
        assert_eq!(shown(call(&pool, fine, "{}").await), r#"{"fine":true}"#, "after {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_over_within_its_budget() {
    let pool = pool(vec![variables("for (;;) {}")]).await;
    wait_for(|| pool.pids().len() == 2).await;
    let pids = pool.pids();
    let before: Vec<Duration> = pids.iter().map(|pid| cpu(*pid).unwrap()).collect();
    let mut used = Duration::ZERO;
    let looping = call(&pool, 0, "{}");
    let mut looping = std::pin::pin!(looping);
    loop {
        tokio::select! {
            outcome = &mut looping => {
                assert_eq!(outcome, CallOutcome::Killed { by: Budget::Cpu });
                break;
            }
            () = tokio::task::yield_now() => {
                for (pid, before) in pids.iter().zip(&before) {
                    used = used.max(cpu(*pid).map_or(used, |now| now.saturating_sub(*before)));
                }
            }
        }
    }
    // 250 ms, a look of 20 ms before and after, and those that a busy machine lets the watchdog miss.
    assert!((Duration::from_millis(200)..Duration::from_secs(1)).contains(&used), "{used:?}");
}

/// CPU time of a process, while it lives.
fn cpu(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<u64> = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    Some(Duration::from_millis(fields.iter().sum::<u64>() * 10))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_only_waits_is_ended_by_wall_time() {
    // Nothing in the realm waits, so a stopped process stands for one.
    let limits = Limits { wall: Duration::from_millis(300), workers: 1, ..limits() };
    let pool = pool_with(limits, vec![variables("env.x = 1")]).await;
    stop(pid(pool.pids()[0])).await;
    assert_eq!(call(&pool, 0, "{}").await, CallOutcome::Killed { by: Budget::Wall });
    assert_eq!(shown(call(&pool, 0, "{}").await), r#"{"x":1}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_too_deep_for_the_parser_does_not_start_a_pool() {
    let text = format!("env.x = {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    let error = Pool::start(worker(), limits(), numbered(vec![variables(&text)])).await.unwrap_err();
    assert!(matches!(error, StartError::NotReady(_)), "{error}");
}

/// One worker and eight calls in its pipe before it reads the first, the fourth poisoned. Who answers, what was counted, and
/// how many workers were used up.
async fn eight_calls_with_poison(poison: &str) -> (Vec<String>, Stats, u64) {
    // A connector of its own for each, because one connector may hold half of the slots only.
    let text = format!("if (user.bad) {{ {poison} }} env.n = user.n");
    let sources = (0..8).map(|n| script(&format!("c{n}"), ScriptKind::Variables, &text)).collect();
    let pool = Arc::new(pool_with(Limits { workers: 1, ..limits() }, sources).await);
    let worker = pid(pool.pids()[0]);
    stop(worker).await;
    // One task, which polls them in turn: the fourth is the fourth in the pipe.
    let calls = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move {
            let input = |n| format!(r#"{{"user":{{"n":{n},"bad":{}}}}}"#, n == 3);
            join_all((0..8_u32).map(async |n| call(&pool, n, &input(n)).await)).await
        }
    });
    wait_for(|| pool.stats().in_flight == 8).await;
    kill_process(worker, Signal::CONT).unwrap();
    let outcomes = calls.await.unwrap().into_iter().map(shown).collect();
    // One ordinary worker and two isolated ones live when all is over.
    wait_for(|| pool.pids().len() == 3).await;
    let stats = pool.stats();
    (outcomes, stats, stats.workers_started - 3)
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

/// Stops a process. The signal is on its way when `kill` returns, and a thread may still answer a call before it comes.
async fn stop(process: Pid) {
    kill_process(process, Signal::STOP).unwrap();
    let threads = format!("/proc/{}/task", process.as_raw_nonzero());
    wait_for(|| {
        std::fs::read_dir(&threads).unwrap().all(|thread| {
            let stat = std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
            // The state stands behind the name in brackets (proc(5)).
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
        })
    })
    .await;
}

fn others_are_right(outcomes: &[String], fourth: &str) {
    for (n, outcome) in outcomes.iter().enumerate() {
        let expected = if n == 3 { fourth.to_owned() } else { format!("{{\"n\":{n}}}") };
        assert_eq!(*outcome, expected, "call {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_calls_around_a_loop_answer_rightly() {
    let (outcomes, stats, used_up) = eight_calls_with_poison("for (;;) {}").await;
    others_are_right(&outcomes, "Killed { by: Cpu }");
    assert_eq!((stats.killed_cpu, stats.repeated), (1, 4), "the guilty one is known and not run again");
    assert_eq!(used_up, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_calls_around_a_crash_answer_rightly() {
    let (outcomes, stats, used_up) = eight_calls_with_poison("'x'.repeat(2 ** 30)").await;
    others_are_right(&outcomes, "Killed { by: Memory }");
    // The guilty one is found on the isolation lane. Each reply before it was written before it began.
    assert_eq!((stats.killed_memory, stats.repeated), (1, 5), "{stats:?}");
    // The first worker and the one that was alone with the guilty call.
    assert_eq!(used_up, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_from_outside_costs_no_call() {
    let sources = (0..4)
        .map(|n| script(&format!("c{n}"), ScriptKind::Variables, "for (var i = 0; i < 2000; i++) {} env.n = user.n"));
    let pool = Arc::new(pool(sources.collect()).await);
    let calls: Vec<_> = (0..100_u32)
        .map(|n| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { call(&pool, n % 4, &format!(r#"{{"user":{{"n":{n}}}}}"#)).await })
        })
        .collect();
    while pool.stats().in_flight < 8 {
        tokio::task::yield_now().await;
    }
    kill_process(pid(pool.pids()[0]), Signal::KILL).unwrap();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(shown(call.await.unwrap()), format!("{{\"n\":{n}}}"));
    }
    assert_eq!(pool.stats().crashed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_ten_times_a_second_leaves_another_connector_alone() {
    let sources =
        vec![script("bad", ScriptKind::Variables, BAD_REGEX), script("good", ScriptKind::Variables, "env.n = user.n")];
    let pool = Arc::new(pool(sources).await);
    let poison = format!(r#"{{"user":{{"text":"{}!"}}}}"#, "a".repeat(40));
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let mut bad = Vec::new();
    for n in 0..60 {
        ticks.tick().await;
        let (one, poison) = (Arc::clone(&pool), poison.clone());
        let deadline = Instant::now() + Duration::from_secs(8);
        bad.push(tokio::spawn(async move { one.call(ScriptId(0), Input::new(poison), deadline).await }));
        let good = pool.call(ScriptId(1), Input::new(format!(r#"{{"user":{{"n":{n}}}}}"#)), late()).await;
        assert_eq!(shown(good), format!("{{\"n\":{n}}}"));
    }
    for outcome in bad {
        let outcome = outcome.await.unwrap();
        let expected = [CallOutcome::Killed { by: Budget::Cpu }, CallOutcome::Overloaded, CallOutcome::TimedOut];
        assert!(expected.contains(&outcome), "{outcome:?}");
    }
    assert!(pool.stats().quarantined >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_whose_sender_hangs_up_is_found_out() {
    // A crash names no culprit: the call runs once more, alone. Nobody waits for it any more, and it runs all the same.
    let limits = Limits { workers: 1, ..limits() };
    let pool = pool_with(limits, vec![variables("'x'.repeat(2 ** 30)")]).await;
    for kills in 1..=2 {
        while pool.stats().killed_memory < kills {
            let gone = pool.call(ScriptId(0), Input::new("{}"), Instant::now()).await;
            assert!([CallOutcome::TimedOut, CallOutcome::Killed { by: Budget::Memory }].contains(&gone), "{gone:?}");
            wait_for(|| pool.stats().in_flight == 0 && pool.stats().waiting == 0 && !pool.pids().is_empty()).await;
        }
    }
    assert_eq!(pool.stats().quarantined, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_leaves_is_not_the_trouble_of_the_next() {
    // A third of the memory each: the garbage of a few calls exceeds it, what the allocator cannot use again does not.
    let needs = |what: &str| format!("const a = []; for (let i = 0; i < 10; i++) a.push({what}); env.n = a.length");
    let sources = vec![
        script("bytes", ScriptKind::Variables, &needs("new Uint8Array(2 * 1024 * 1024)")),
        script("more", ScriptKind::Variables, &needs("new Float64Array(256 * 1024)")),
        script(
            "small",
            ScriptKind::Variables,
            "const a = []; for (let i = 0; i < 1000; i++) a.push({ i }); env.n = a.length",
        ),
    ];
    let limits = Limits { workers: 1, retire_memory: u64::MAX, cpu: Duration::from_secs(5), ..limits() };
    let pool = pool_with(limits, sources).await;
    for _ in 0..4 {
        for (id, n) in [(0, 10), (1, 10), (2, 1000), (1, 10), (0, 10)] {
            assert_eq!(shown(call(&pool, id, "{}").await), format!("{{\"n\":{n}}}"));
        }
    }
    assert_eq!(pool.stats().workers_started, 1, "no worker was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantine_begins_after_two_kills_and_ends() {
    let lasts = Duration::from_millis(1500);
    let quarantine = Quarantine { kills: 2, within: Duration::from_mins(1), lasts };
    let limits = Limits { workers: 1, quarantine, ..limits() };
    let pool = pool_with(limits, vec![variables("if (user.bad) for (;;) {} env.n = 1")]).await;
    let killed = CallOutcome::Killed { by: Budget::Cpu };
    assert_eq!(call(&pool, 0, r#"{"user":{"bad":true}}"#).await, killed);
    assert_eq!(pool.stats().quarantined, 0);
    assert_eq!(call(&pool, 0, r#"{"user":{"bad":true}}"#).await, killed);
    assert_eq!(pool.stats().quarantined, 1);
    // The two kills cost the ordinary worker twice. What comes now runs apart: a harmless call starts the isolation
    // lane, and a bad one leaves the ordinary worker alone.
    assert_eq!(shown(call(&pool, 0, "{}").await), r#"{"n":1}"#);
    wait_for(|| pool.pids().len() == 3).await;
    let ordinary = pool.pids()[0];
    assert_eq!(call(&pool, 0, r#"{"user":{"bad":true}}"#).await, killed);
    assert_eq!(pool.pids()[0], ordinary);
    // Each kill counts from its own time, so the end is that long after the last one.
    tokio::time::timeout(lasts + Duration::from_millis(200), std::future::pending::<()>()).await.unwrap_err();
    let before = pool.stats();
    assert_eq!(call(&pool, 0, r#"{"user":{"bad":true}}"#).await, killed);
    wait_for(|| pool.stats().workers_started > before.workers_started).await;
    wait_for(|| pool.pids().len() == 3).await;
    assert_ne!(pool.pids()[0], ordinary, "after its quarantine the script runs on an ordinary worker again");
}

/// Waits for a state that the pool reaches by itself.
async fn wait_for(mut reached: impl FnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let waited = async {
        while !reached() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_replaced_after_its_calls() {
    let limits = Limits { workers: 1, retire_calls: 50, ..limits() };
    let pool = pool_with(limits, vec![variables("env.n = user.n")]).await;
    for n in 0..120 {
        assert_eq!(shown(call(&pool, 0, &format!(r#"{{"user":{{"n":{n}}}}}"#)).await), format!("{{\"n\":{n}}}"));
    }
    // At the first idle moment after 50 and after 100 calls, if the next call does not come first.
    wait_for(|| pool.stats().retired >= 1).await;
    assert!(pool.stats().retired <= 2, "{:?}", pool.stats());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_does_not_die_of_what_others_left_in_memory() {
    // Buffers are no objects to the engine, which would let more of them lie than a worker can hold.
    let limits = Limits { workers: 1, retire_memory: u64::MAX, ..limits() };
    let pool = pool_with(limits, vec![variables("env.n = new ArrayBuffer(16 * 1024 * 1024 - 1).byteLength")]).await;
    for n in 0..20 {
        assert_eq!(shown(call(&pool, 0, "{}").await), r#"{"n":16777215}"#, "call {n}");
    }
    assert_eq!((pool.stats().repeated, pool.stats().workers_started), (0, 1), "one worker served them all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_grew_is_replaced_though_it_is_idle() {
    let large = "const a = []; for (let i = 0; i < 5; i++) a.push(new Uint8Array(8 * 1024 * 1024)); env.n = 1";
    let limits = Limits { workers: 1, retire_memory: 1, cpu: Duration::from_secs(5), ..limits() };
    let pool = pool_with(limits, vec![variables(large), variables("env.n = 1")]).await;
    for _ in 0..4 {
        assert_eq!(shown(call(&pool, 0, "{}").await), r#"{"n":1}"#);
    }
    // Whether the allocator gave the memory back or not, the worker or its successor answers after every pause.
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    for _ in 0..300 {
        ticks.tick().await;
        assert_eq!(shown(call(&pool, 1, "{}").await), r#"{"n":1}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_a_deadline_is_kept() {
    let limits = Limits { workers: 1, depth: 2, queue: 2, ..limits() };
    let pool = pool_with(limits, vec![variables("for (;;) {}")]).await;
    let soon = Instant::now() + Duration::from_millis(20);
    let calls = (0..6).map(|_| pool.call(ScriptId(0), Input::new("{}"), soon));
    let outcomes = join_all(calls).await;
    let count = |wanted: &CallOutcome| outcomes.iter().filter(|it| *it == wanted).count();
    // One slot for the connector (half of two), one place in the queue (half of two), the others are refused.
    assert_eq!((count(&CallOutcome::TimedOut), count(&CallOutcome::Overloaded)), (2, 4), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_pool_ends_its_workers() {
    let pool = pool(vec![variables("env.n = 1")]).await;
    wait_for(|| pool.pids().len() == 2).await;
    let pids = pool.pids();
    drop(pool);
    wait_for(|| pids.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_pool_with_a_busy_worker_ends_it_too() {
    let pool = pool(vec![variables("for (;;) {}")]).await;
    wait_for(|| pool.pids().len() == 2).await;
    let pids = pool.pids();
    let soon = Instant::now() + Duration::from_millis(20);
    assert_eq!(pool.call(ScriptId(0), Input::new("{}"), soon).await, CallOutcome::TimedOut);
    drop(pool);
    wait_for(|| pids.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_s_own_limit_is_an_exception_of_the_script() {
    let outcome = run("function f() { return f() + 1 } f()", "{}").await;
    assert!(outcome.starts_with("threw") && outcome.contains("recursive"), "{outcome}");
}
