//! Which caller gets which reload's result.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use super::*;
use crate::attempt::connectors::Connector;

/// Connectors whose reloads end when they are let; each says its number.
#[derive(Default)]
struct Slow {
    begun: AtomicUsize,
    go: Option<Semaphore>,
}

impl Connectors for Slow {
    fn find(&self, _: &str) -> Option<Arc<dyn Connector>> {
        None
    }

    fn list(&self) -> Vec<Arc<dyn Connector>> {
        Vec::new()
    }

    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        async {
            let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
            let go = self.go.as_ref().expect("a reload panics without it");
            go.acquire().await.unwrap().forget();
            Reloaded { changed: vec![number.to_string()], ..Reloaded::default() }
        }
        .boxed()
    }
}

#[tokio::test]
async fn one_runs_and_one_waits_for_all_that_ask_meanwhile() {
    let slow = Arc::new(Slow { go: Some(Semaphore::new(0)), ..Slow::default() });
    let reloads = Reloads::new(Arc::clone(&slow) as _, Arc::new(Metrics::new()));
    let first = reloads.ask();
    while slow.begun.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    // A caller that went away leaves nothing behind.
    (0..3000).for_each(|_| drop(reloads.ask()));
    let others = [reloads.ask(), reloads.ask()];
    slow.go.as_ref().unwrap().add_permits(3000);
    let number =
        async |mut result: Receiver<ReloadResult>| result.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert_eq!(number(first).await.changed, ["1"]);
    for other in others {
        assert_eq!(number(other).await.changed, ["2"]);
    }
    assert_eq!(slow.begun.load(Ordering::Relaxed), 2);
    assert_eq!(number(reloads.ask()).await.changed, ["3"]);
}

#[tokio::test]
async fn a_reload_that_panics_is_over_and_the_next_one_runs() {
    let slow = Arc::new(Slow::default());
    let reloads = Reloads::new(Arc::clone(&slow) as _, Arc::new(Metrics::new()));
    for _ in 0..2 {
        assert!(reloads.ask().wait_for(Option::is_some).await.is_err());
    }
    assert_eq!(slow.begun.load(Ordering::Relaxed), 2);
}
