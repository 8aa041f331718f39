//! OTLP over HTTP: the exporter with the HTTP client that is here anyway, and spans in its words.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::LazyLock;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::{SpanContext, SpanKind as Kind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, SpanId, TraceId, Value};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use pollgate_core::{Span, SpanKind, SpanValue};
use pollgate_model::InstanceId;

use super::TraceError;
use crate::settings::{TraceSettings, ms};

static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
    InstrumentationScope::builder("pollgate").with_version(env!("CARGO_PKG_VERSION")).build()
});

/// The HTTP client of the process; its own time limit holds for one attempt.
#[derive(Debug)]
struct Client(reqwest::Client);

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.0.execute(request.try_into()?).await?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        Ok(response.body(answer.bytes().await?)?)
    }
}

/// What sends spans to the collector, as configured.
pub(super) fn exporter(
    settings: &TraceSettings,
    endpoint: &str,
    instance: InstanceId,
) -> Result<SpanExporter, TraceError> {
    let timeout = ms(settings.timeout_ms);
    let client = reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| TraceError(error.to_string()))?;
    let headers: HashMap<String, String> = settings.headers().unwrap_or_default().into_iter().collect();
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client(client))
        .with_endpoint(endpoint)
        .with_protocol(Protocol::HttpBinary)
        .with_headers(headers)
        .with_timeout(timeout)
        .build()
        .map_err(|error| TraceError(error.to_string()))?;
    let resource = Resource::builder_empty()
        .with_service_name(settings.service_name.clone())
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_string()),
        ])
        .build();
    exporter.set_resource(&resource);
    Ok(exporter)
}

/// A span as the exporter takes it.
pub(super) fn span(span: Span) -> SpanData {
    let Span { context, parent, name, kind, start, end, attributes, failure } = span;
    let state = context.tracestate().and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    let (parent, remote) = parent.unwrap_or_default();
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(context.trace()),
            SpanId::from(context.span()),
            TraceFlags::SAMPLED,
            false,
            state,
        ),
        parent_span_id: SpanId::from(parent),
        parent_span_is_remote: remote,
        span_kind: match kind {
            SpanKind::Server => Kind::Server,
            SpanKind::Internal => Kind::Internal,
            SpanKind::Producer => Kind::Producer,
            SpanKind::Consumer => Kind::Consumer,
        },
        name: name.into(),
        start_time: start,
        end_time: end,
        attributes: attributes.into_iter().map(|(name, value)| KeyValue::new(name, said(value))).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: failure.map_or(Status::Unset, Status::error),
        instrumentation_scope: SCOPE.clone(),
    }
}

fn said(value: SpanValue) -> Value {
    match value {
        SpanValue::Text(text) => text.into(),
        SpanValue::Name(name) => name.into(),
        SpanValue::Number(number) => number.into(),
        SpanValue::Flag(flag) => flag.into(),
    }
}
