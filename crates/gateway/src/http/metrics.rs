//! `GET /metrics`, on the operator address.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::Data;
use pollgate_core::CoreError;

use super::Gateway;
use super::problem::Problem;

/// What Prometheus sends along: the format's version (0.0.4) and the encoding.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// All figures, as Prometheus reads them.
pub(crate) async fn metrics(gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let snapshot = gateway.core.snapshot().await;
    let mut limits = gateway.auth.limits().to_vec();
    limits.extend([gateway.tracer.limit(), gateway.watchers.limit()]);
    let text = gateway
        .metrics
        .text(snapshot, &limits, &gateway.tracer.spans())
        .map_err(|error| CoreError::Internal(error.to_string()))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, TEXT)).body(text))
}
