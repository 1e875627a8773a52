//! What becomes of spans on their way out, counted: the SDK's own processor drops them silently.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::metrics::{Metrics, SpanLoss};

/// Two thousand logins of two steps; some 8 MiB at the worst.
pub(super) const MAX_WAITING: usize = 8192;

/// Spans that wait to be sent, or are being sent.
#[derive(Debug, Default, Clone)]
pub(super) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    /// Whether `count` more may wait; they then do.
    pub(super) fn admit(&self, count: usize) -> bool {
        let more = |waiting: usize| (waiting + count <= MAX_WAITING).then_some(waiting + count);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn done(&self, count: usize) {
        self.0.fetch_sub(count, Ordering::AcqRel);
    }
}

/// Why the collector could not be asked last, for the log: the exporter keeps it to itself.
#[derive(Debug, Default, Clone)]
pub(super) struct LastFault(Arc<Mutex<Option<String>>>);

impl LastFault {
    pub(super) fn set(&self, fault: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The exporter, counted.
#[derive(Debug)]
pub(super) struct CountedExporter<E> {
    pub exporter: E,
    pub metrics: Arc<Metrics>,
    pub waiting: Waiting,
    pub fault: LastFault,
    /// Whether the last batch was lost: only a change is a line in the log.
    pub failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for CountedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.exporter.export(batch).await;
        self.waiting.done(count);
        let fault = self.fault.take();
        match &result {
            Ok(()) => {
                self.metrics.spans_sent(count);
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the collector takes traces again");
                }
            }
            Err(error) => {
                self.metrics.spans_dropped(SpanLoss::Collector, count);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let error = fault.unwrap_or_else(|| error.to_string());
                    tracing::warn!(error, "the collector takes no traces; logins go on without");
                }
            }
        }
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
