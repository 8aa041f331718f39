//! Tracing by OpenTelemetry: which requests are followed, and how their spans leave this process.
//!
//! docs/tracing.md says which spans there are. A message's stages begin and end on different threads, many of them at once,
//! and most messages are not sampled: so spans are told when they are over (`pollgate_core::Span`), rather than drawn from
//! the program's own spans for logs, and what is not sampled costs nothing.

mod export;
mod otlp;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use opentelemetry::TraceId;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample as _};
use pollgate_core::{Limit, SpanBegun, Tracing};
use pollgate_model::{InstanceId, TraceParent};

use crate::settings::{TraceSettings, ms};
use export::{Exporting, SpanCounts, SpanQueue};

/// Why spans cannot be exported as configured.
#[derive(Debug, thiserror::Error)]
#[error("trace: {0}")]
pub(crate) struct TraceError(String);

/// Follows requests, or nothing at all.
pub(crate) struct Tracer {
    sampler: Option<Sampler>,
    tracing: Tracing,
    counts: Arc<SpanCounts>,
    exporting: Option<Exporting>,
}

impl Tracer {
    /// Starts the export, when there is a place to export to.
    pub(crate) fn start(settings: &TraceSettings, instance: InstanceId) -> Result<Self, TraceError> {
        let counts = Arc::new(SpanCounts::new(settings.queue_spans));
        let Some(endpoint) = settings.endpoint() else {
            return Ok(Self { sampler: None, tracing: Tracing::default(), counts, exporting: None });
        };
        let exporter = otlp::exporter(settings, &endpoint, instance)?;
        let (queue, exporting) = export::start(
            exporter,
            counts.clone(),
            export::Pace { batch: settings.batch_spans, interval: ms(settings.interval_ms) },
        );
        let sampler = Some(Sampler::TraceIdRatioBased(settings.sample_ratio));
        Ok(Self {
            sampler,
            tracing: Tracing::new(Arc::<SpanQueue>::new(queue)),
            counts,
            exporting: Some(exporting),
        })
    }

    /// Who is told of finished spans.
    pub(crate) const fn tracing(&self) -> &Tracing {
        &self.tracing
    }

    /// Begins the span of a request, when it is to be followed: as its caller says, or by the configured ratio.
    pub(crate) fn request(&self, headers: &HeaderMap) -> Option<SpanBegun> {
        let sampler = self.sampler.as_ref()?;
        match parent(headers) {
            Some(parent) if parent.sampled => SpanBegun::root(Some(&parent.context), 0),
            Some(_unsampled) => None,
            None => root(sampler),
        }
    }

    /// Begins the span of something that no request stands for.
    pub(crate) fn operation(&self) -> Option<SpanBegun> {
        root(self.sampler.as_ref()?)
    }

    /// What became of finished spans: exported, given up, dropped.
    pub(crate) fn spans(&self) -> [(&'static str, u64); 3] {
        self.counts.read()
    }

    /// The bound of what waits.
    pub(crate) fn limit(&self) -> Limit {
        self.counts.limit()
    }

    /// Exports what there is, for so long at most.
    pub(crate) async fn finish(&self, limit: Duration) {
        if let Some(exporting) = &self.exporting {
            exporting.finish(limit).await;
        }
    }
}

fn root(sampler: &Sampler) -> Option<SpanBegun> {
    let trace: u128 = rand::random();
    let sampled = sampler.should_sample(None, TraceId::from(trace), "", &SpanKind::Server, &[], &[]);
    if sampled.decision != SamplingDecision::RecordAndSample {
        return None;
    }
    SpanBegun::root(None, trace)
}

/// What the caller says of its trace; nothing when it says it twice, or not as W3C Trace Context does.
fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut parents = headers.get_all("traceparent");
    let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
    // several such headers are one list, in their order
    let states: Vec<&str> = headers.get_all("tracestate").filter_map(|state| state.to_str().ok()).collect();
    let state = states.join(",");
    TraceParent::read(parent.to_str().ok()?, Some(state.as_str()).filter(|state| !state.is_empty()))
}
