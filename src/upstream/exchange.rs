//! One request for one reply, as a trait: golden cases and the probe run the same flow over replies from a file.

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{Client, Outgoing, Reply, SendFault};

/// Sends one request and reads its reply.
pub trait Exchange: Send + Sync {
    /// Ends by `deadline`, with a reply or with the cause why there is none.
    fn send<'a>(&'a self, request: &'a Outgoing, deadline: Instant) -> BoxFuture<'a, Result<Reply, SendFault>>;
}

impl Exchange for Client {
    fn send<'a>(&'a self, request: &'a Outgoing, deadline: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        Box::pin(Client::send(self, request, deadline))
    }
}
