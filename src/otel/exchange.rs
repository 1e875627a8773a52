//! An upstream whose requests become spans, and which is told of them where the connector says so.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::parent;
use super::span::{LoginSpan, UpstreamCall};
use crate::upstream::{Exchange, Outgoing, Reply, SendFault};

/// The upstream of one login that is traced.
pub struct TracedExchange<'a> {
    upstream: &'a dyn Exchange,
    span: &'a LoginSpan,
    /// Whether requests name their span (`transport.traceparent`).
    tells: bool,
}

impl<'a> TracedExchange<'a> {
    /// `upstream`, asked within `span`. With `tells` each request carries `traceparent`; a signature does not cover it.
    pub fn new(upstream: &'a dyn Exchange, span: &'a LoginSpan, tells: bool) -> Self {
        Self { upstream, span, tells }
    }
}

impl Exchange for TracedExchange<'_> {
    fn send<'a>(&'a self, request: &'a Outgoing, deadline: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        async move {
            let (child, began) = (self.span.child(), Instant::now());
            let result = if self.tells {
                let mut told = request.clone();
                parent::name_in(&mut told.headers, &child);
                self.upstream.send(&told, deadline).await
            } else {
                self.upstream.send(request, deadline).await
            };
            self.span.called(UpstreamCall {
                span: child,
                method: request.method.clone(),
                scheme: request.url.scheme().to_owned(),
                host: request.url.host_str().unwrap_or_default().to_owned(),
                port: request.url.port_or_known_default(),
                path_template: request.path_template.clone(),
                began,
                took: began.elapsed(),
                ended: result.as_ref().map(|reply| reply.status).map_err(|fault| fault.cause.as_str()),
            });
            result
        }
        .boxed()
    }
}
