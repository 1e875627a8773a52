//! An upstream in memory, for playing golden cases again.

use std::sync::atomic::{AtomicUsize, Ordering};

use doorward::flow::Exchange;
use doorward::upstream::{Outgoing, Reply, SendFault};
use doorward::verdict::Cause;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::planting::Replies;

/// Replies from memory.
pub struct Memory<'a>(&'a Replies, AtomicUsize);

impl<'a> Memory<'a> {
    pub fn of(replies: &'a Replies) -> Self {
        Self(replies, 0.into())
    }
}

impl Exchange for Memory<'_> {
    fn send<'a>(&'a self, _: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        let index = self.1.fetch_add(1, Ordering::Relaxed);
        let gone =
            || SendFault { cause: Cause::Connect, written: false, explain: "no further reply".to_owned(), word: None };
        let reply = self.0.get(index).cloned().unwrap_or_else(|| Err(gone()));
        Box::pin(std::future::ready(reply))
    }
}
