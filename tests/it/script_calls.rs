//! Many calls through the real worker, in step and out of step with their callers.

use std::sync::Arc;
use std::time::Duration;

use doorward::script::{Input, Limits, ScriptId, ScriptKind};
use tokio::time::Instant;

use crate::support::script::{call, limits, pool, pool_with, run, script, shown, variables};

#[tokio::test(flavor = "multi_thread")]
async fn a_variables_script_fills_env() {
    let env = run("env.hash = code_util.md5(user.userPassword)", r#"{"user":{"userPassword":"123456"}}"#).await;
    assert_eq!(env, r#"{"hash":"e10adc3949ba59abbe56e057f20f883e"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_calls_gets_its_own_answer() {
    let pool = Arc::new(pool(vec![variables("env.n = user.n * 2")]).await);
    let calls: Vec<_> = (0..500)
        .map(|n| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { call(&pool, 0, &format!(r#"{{"user":{{"n":{n}}}}}"#)).await })
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(shown(call.await.unwrap()), format!("{{\"n\":{}}}", n * 2));
    }
    let stats = pool.stats();
    assert_eq!((stats.calls, stats.values, stats.in_flight, stats.waiting), (500, 500, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_disturb_nobody() {
    let pool = pool(vec![variables("for (var i = 0; i < 1000; i++) {} env.n = user.n")]).await;
    for n in 0..200 {
        let past = Instant::now();
        let input = || Input::new(format!(r#"{{"user":{{"n":{n}}}}}"#));
        let _ = pool.call(ScriptId(0), input(), past).await;
        let dropped = pool.call(ScriptId(0), input(), past + Duration::from_mins(1));
        drop(futures_util::future::select(Box::pin(dropped), std::future::ready(())).await);
        assert_eq!(shown(call(&pool, 0, &format!(r#"{{"user":{{"n":{n}}}}}"#)).await), format!("{{\"n\":{n}}}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_with_many_slow_calls_leaves_slots_to_others() {
    // 60 slow calls of one connector: at most 4 of the 8 slots of the one worker are theirs, so a quick one waits for
    // those before it and not for all 60.
    let slow = "for (var i = 0; i < 20000; i++) {} env.n = 1";
    let sources =
        vec![script("slow", ScriptKind::Variables, slow), script("quick", ScriptKind::Variables, "env.n = 2")];
    let pool = Arc::new(pool_with(Limits { workers: 1, ..limits() }, sources).await);
    let slow: Vec<_> = (0..60)
        .map(|_| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { call(&pool, 0, "{}").await })
        })
        .collect();
    while pool.stats().calls < 60 {
        tokio::task::yield_now().await;
    }
    assert_eq!(shown(call(&pool, 1, "{}").await), r#"{"n":2}"#);
    let waiting = pool.stats().waiting;
    assert!(waiting > 0, "the slow ones still wait: {waiting}");
    for call in slow {
        assert_eq!(shown(call.await.unwrap()), r#"{"n":1}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_parameters_go_through_a_full_pipe() {
    let pool = Arc::new(pool(vec![variables("env.n = user.text.length")]).await);
    // 24 frames of 300 KiB are far more than a pipe holds.
    let input = format!(r#"{{"user":{{"text":"{}"}}}}"#, "x".repeat(300 * 1024));
    let calls: Vec<_> = (0..24)
        .map(|_| {
            let (pool, input) = (Arc::clone(&pool), input.clone());
            tokio::spawn(async move { call(&pool, 0, &input).await })
        })
        .collect();
    for call in calls {
        assert_eq!(shown(call.await.unwrap()), r#"{"n":307200}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_generations_live_side_by_side() {
    let old = pool(vec![variables("env.v = 'old'")]).await;
    let new = pool(vec![variables("env.v = 'new'")]).await;
    assert_eq!(shown(call(&old, 0, "{}").await), r#"{"v":"old"}"#);
    drop(old);
    assert_eq!(shown(call(&new, 0, "{}").await), r#"{"v":"new"}"#);
}
