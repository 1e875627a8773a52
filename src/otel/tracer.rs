//! Begins spans, and has those of ended logins sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanKind, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator as _, RandomIdGenerator, Sampler, SamplingDecision,
    ShouldSample as _, SpanProcessor as _,
};

use super::collector::{Collector, TIMEOUT};
use super::fault::TracerError;
use super::parent::RemoteParent;
use super::queue::{CountedExporter, LastFault, MAX_WAITING, Waiting};
use super::shape::{EndedLogin, spans};
use super::span::LoginSpan;
use crate::config::Tracing;
use crate::metrics::{Metrics, SpanLoss};

/// How long spans wait for others to be sent with. Short: who looks for a login looks now.
const DELAY: Duration = Duration::from_secs(1);

/// Spans of one request to the collector: some 300 KiB.
const BATCH: usize = 512;

/// For the last spans, when the daemon ends.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Makes the spans of logins and has them sent.
pub struct Tracer {
    processor: BatchSpanProcessor,
    sampler: Sampler,
    scope: InstrumentationScope,
    waiting: Waiting,
    metrics: Arc<Metrics>,
}

impl Tracer {
    /// Within a runtime. Nothing is sent yet: a collector that is away is found out by the first spans.
    pub fn open(config: &Tracing, metrics: Arc<Metrics>) -> Result<Self, TracerError> {
        let (fault, waiting) = (LastFault::default(), Waiting::default());
        let headers = config.headers.iter().map(|(name, value)| (name.to_string(), value.expose().to_owned()));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(config, fault.clone())?)
            .with_endpoint(config.endpoint.as_str())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .with_headers(headers.collect::<HashMap<_, _>>())
            .build()
            .map_err(|error| TracerError::Exporter(error.to_string()))?;
        let failing = AtomicBool::new(false);
        let (counts, waits) = (Arc::clone(&metrics), waiting.clone());
        let exporter = CountedExporter { exporter, metrics: counts, waiting: waits, fault, failing };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MAX_WAITING)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let mut processor = BatchSpanProcessor::new(exporter, batches);
        processor.set_resource(
            &Resource::builder_empty()
                .with_service_name(config.service_name.clone())
                .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                .build(),
        );
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
        let scope = InstrumentationScope::builder("doorward").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self { processor, sampler, scope, waiting, metrics })
    }

    /// The span of a login that begins now, below the caller's. A caller that says whether it samples decides; else the
    /// configured ratio does.
    pub fn begin(&self, parent: Option<RemoteParent>) -> LoginSpan {
        let ids = RandomIdGenerator::default();
        let parent = parent.map(|RemoteParent(span)| span);
        let trace = parent.as_ref().map_or_else(|| ids.new_trace_id(), SpanContext::trace_id);
        let above = parent.clone().map(|span| Context::new().with_remote_span_context(span));
        let sampled = self.sampler.should_sample(above.as_ref(), trace, "login", &SpanKind::Server, &[], &[]);
        let flags = match sampled.decision {
            SamplingDecision::RecordAndSample => TraceFlags::SAMPLED,
            SamplingDecision::Drop | SamplingDecision::RecordOnly => TraceFlags::default(),
        };
        let state = parent.as_ref().map_or_else(TraceState::default, |span| span.trace_state().clone());
        let own = SpanContext::new(trace, ids.new_span_id(), flags, false, state);
        LoginSpan::new(own, parent.map(|span| span.span_id()))
    }

    /// Has the spans of `login` sent. Never waits: of more spans than may wait all of this login are dropped, and counted.
    pub fn end(&self, span: &LoginSpan, login: &EndedLogin<'_>) {
        if !span.own.is_sampled() {
            return;
        }
        let spans = spans(span, login, &self.scope);
        if !self.waiting.admit(spans.len()) {
            self.metrics.spans_dropped(SpanLoss::Queue, spans.len());
            return;
        }
        for span in spans {
            self.processor.on_end(span);
        }
    }

    /// Sends what waits, for as long as is bearable at the end of a daemon.
    pub async fn close(self: Arc<Self>) {
        let closing = Arc::clone(&self);
        let closed = tokio::task::spawn_blocking(move || closing.processor.shutdown_with_timeout(LAST_SPANS));
        let _ = tokio::time::timeout(LAST_SPANS, closed).await;
        let lost = self.waiting.count();
        if lost > 0 {
            tracing::warn!(spans = lost, "the last traces could not be sent in time");
        }
    }
}
