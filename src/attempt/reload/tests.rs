//! Which caller gets which reload's result.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;

/// Reloads that end when they are let; each says its number.
#[derive(Default)]
struct Slow {
    begun: AtomicUsize,
    go: Option<Semaphore>,
}

impl Slow {
    fn reload(self: &Arc<Self>) -> Reload {
        let slow = Arc::clone(self);
        Arc::new(move || {
            let slow = Arc::clone(&slow);
            async move {
                let number = slow.begun.fetch_add(1, Ordering::Relaxed) + 1;
                let go = slow.go.as_ref().expect("a reload panics without it");
                go.acquire().await.unwrap().forget();
                let connectors = Reloaded { changed: vec![number.to_string()], ..Reloaded::default() };
                ReloadOutcome { connectors, configuration: None, doors: None }
            }
            .boxed()
        })
    }
}

#[tokio::test]
async fn one_runs_and_one_waits_for_all_that_ask_meanwhile() {
    let slow = Arc::new(Slow { go: Some(Semaphore::new(0)), ..Slow::default() });
    let reloads = Reloads::new(Arc::new(Metrics::new()));
    let first = reloads.ask(slow.reload());
    while slow.begun.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    // A caller that went away leaves nothing behind.
    (0..3000).for_each(|_| drop(reloads.ask(slow.reload())));
    let others = [reloads.ask(slow.reload()), reloads.ask(slow.reload())];
    slow.go.as_ref().unwrap().add_permits(3000);
    let number = async |mut result: Receiver<ReloadResult>| {
        result.wait_for(Option::is_some).await.unwrap().clone().unwrap().connectors
    };
    assert_eq!(number(first).await.changed, ["1"]);
    for other in others {
        assert_eq!(number(other).await.changed, ["2"]);
    }
    assert_eq!(slow.begun.load(Ordering::Relaxed), 2);
    assert_eq!(number(reloads.ask(slow.reload())).await.changed, ["3"]);
}

#[tokio::test]
async fn a_reload_that_panics_is_over_and_the_next_one_runs() {
    let slow = Arc::new(Slow::default());
    let reloads = Reloads::new(Arc::new(Metrics::new()));
    for _ in 0..2 {
        assert!(reloads.ask(slow.reload()).wait_for(Option::is_some).await.is_err());
    }
    assert_eq!(slow.begun.load(Ordering::Relaxed), 2);
}
