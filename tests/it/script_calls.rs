//! Calls of scripts in the real worker: what goes in and what comes out.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use doorward::script::{Kind, Outcome, inspect};

use crate::support::script::{call, numbered, pool, run, run_preprocess, script, shown, variables, worker};

#[tokio::test(flavor = "multi_thread")]
async fn a_variables_script_fills_env() {
    let env = run("env.hash = code_util.md5(user.userPassword)", r#"{"user":{"userPassword":"123456"}}"#).await;
    assert_eq!(env, r#"{"hash":"e10adc3949ba59abbe56e057f20f883e"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once() {
    let pool = std::sync::Arc::new(pool(vec![variables("env.n = user.n * 2")]).await);
    let calls: Vec<_> = (0..500)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move { call(&pool, 0, &format!("{{\"user\":{{\"n\":{n}}}}}")).await })
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(shown(call.await.unwrap()), format!("{{\"n\":{}}}", n * 2));
    }
    println!("{:?} {}", pool.stats(), pool.sandbox());
}

#[tokio::test(flavor = "multi_thread")]
async fn poison() {
    for text in [
        "for(;;){}",
        "/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')",
        "env.x='x'.repeat(2**30)",
        "new Array(1e8).fill(0)",
        "var s='x'; for(;;) s+=s",
        "BigInt('9'.repeat(1e7))",
    ] {
        let t = std::time::Instant::now();
        println!("{text} -> {} {:?}", run(text, "{}").await, t.elapsed());
    }
}

#[test]
fn inspecting() {
    let t = std::time::Instant::now();
    println!(
        "{:#?}",
        inspect(
            &worker(),
            &numbered(vec![
                variables("env.x = user.userPassword + steps.a.b"),
                variables(&format!("env.x = {}1{}", "(".repeat(20000), ")".repeat(20000))),
                variables("\n }")
            ])
        )
    );
    println!("{:?}", t.elapsed());
}
