//! The span of one login while it runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanId};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};
use tokio::time::Instant;

/// A login asks fewer; a step that is signed or tried again asks a few times.
const MAX_CALLS: usize = 64;

/// The span of a login that runs.
#[derive(Debug)]
pub struct LoginSpan {
    pub(super) own: SpanContext,
    /// Zero without a caller's span.
    pub(super) parent: SpanId,
    pub(super) began: Instant,
    calls: Mutex<Vec<UpstreamCall>>,
}

/// One request to an upstream.
#[derive(Debug)]
pub(super) struct UpstreamCall {
    pub span: SpanContext,
    pub method: http::Method,
    pub scheme: String,
    pub host: String,
    pub port: Option<u16>,
    pub path_template: Option<Arc<str>>,
    pub began: Instant,
    pub took: Duration,
    /// The status of the reply, or the cause why there is none.
    pub ended: Result<u16, &'static str>,
}

impl LoginSpan {
    pub(super) fn new(own: SpanContext, parent: Option<SpanId>) -> Self {
        let parent = parent.unwrap_or(SpanId::INVALID);
        Self { own, parent, began: Instant::now(), calls: Mutex::default() }
    }

    /// A span below this one.
    pub(super) fn child(&self) -> SpanContext {
        let id = RandomIdGenerator::default().new_span_id();
        let (trace, flags) = (self.own.trace_id(), self.own.trace_flags());
        SpanContext::new(trace, id, flags, false, self.own.trace_state().clone())
    }

    pub(super) fn called(&self, call: UpstreamCall) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if self.own.is_sampled() && calls.len() < MAX_CALLS {
            calls.push(call);
        }
    }

    pub(super) fn take_calls(&self) -> Vec<UpstreamCall> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
