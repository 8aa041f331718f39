//! Requests that are followed: when they began, and the span that stands for each of them.
//!
//! Polls and streams have no span of their own: they are held, and would look like slow requests. What they answer is told
//! by the spans of the events.

use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use pollgate_core::{SpanBegun, SpanKind, SpanValue};
use pollgate_model::TraceContext;

use super::Gateway;

/// Something that is asked for, from its beginning.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    /// When it came.
    pub(crate) at: Instant,
    /// Where it stands in a trace, when it is followed.
    pub(crate) trace: Option<Arc<TraceContext>>,
}

impl Begun {
    /// It begins now.
    pub(crate) fn now(span: Option<&SpanBegun>) -> Self {
        Self { at: Instant::now(), trace: span.map(|span| span.context.clone()) }
    }

    /// A request's.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self::now(None))
    }
}

/// Held for long, or no part of the API.
fn is_followed(path: &str) -> bool {
    path.strip_prefix("/v1/").is_some_and(|route| !matches!(route, "poll" | "stream" | "ws"))
}

/// Notes when a request began; its span, when it is to be followed.
pub(super) fn begin(request: &ServiceRequest) -> Option<SpanBegun> {
    if !is_followed(request.path()) {
        return None;
    }
    let gateway = request.app_data::<Data<Gateway>>();
    let span = gateway.and_then(|gateway| gateway.tracer.request(request.headers()));
    request.extensions_mut().insert(Begun::now(span.as_ref()));
    span
}

/// The number of a trace, as logs show it.
pub(super) fn trace_id(span: Option<&SpanBegun>) -> Option<String> {
    span.map(|span| format!("{:032x}", span.context.trace()))
}

/// A request is answered. `route` is the pattern of its path: the path itself may name users.
pub(super) fn answered(
    gateway: &Gateway,
    span: SpanBegun,
    method: &Method,
    route: Option<&str>,
    status: StatusCode,
) {
    let mut attributes = vec![("http.request.method", SpanValue::Text(method.to_string()))];
    let name = match route {
        Some(route) => {
            attributes.push(("http.route", SpanValue::Text(route.to_owned())));
            format!("{method} {route}")
        }
        None => method.to_string(),
    };
    ended(gateway, span, name, attributes, status);
}

/// A message that came over a WebSocket is answered; the status is the one that a request would have had.
pub(super) fn sent(gateway: &Gateway, span: SpanBegun, status: StatusCode) {
    ended(gateway, span, "WS send".to_owned(), Vec::new(), status);
}

fn ended(
    gateway: &Gateway,
    span: SpanBegun,
    name: String,
    mut attributes: Vec<(&'static str, SpanValue)>,
    status: StatusCode,
) {
    attributes.push(("pollgate.stage", SpanValue::Name("accept")));
    attributes.push(("http.response.status_code", SpanValue::Number(i64::from(status.as_u16()))));
    let mut span = span.ended(name, SpanKind::Server, attributes);
    // what a client did wrong is no failure of this service
    span.failure = status.is_server_error().then(|| status.to_string());
    gateway.tracer.tracing().tell(span);
}
