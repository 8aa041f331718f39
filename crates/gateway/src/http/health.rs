//! `GET /healthz` and `GET /readyz`, on the operator address.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use bytes::Bytes;
use pollgate_core::CoreError;
use serde::Serialize;

use super::problem::Problem;
use super::{Gateway, answer};

/// A database that has not answered by then is away for now; whoever asks does not wait longer either.
const ANSWERING: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    store: &'static str,
    broker: &'static str,
    draining: bool,
}

/// The process answers.
pub(crate) async fn alive() -> HttpResponse {
    answer::json(StatusCode::OK, Bytes::from_static(br#"{"status":"ok"}"#))
}

/// The gateway can do its work: 200, or 503 with what is missing.
pub(crate) async fn ready(gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let draining = gateway.core.is_draining();
    let store = match tokio::time::timeout(ANSWERING, gateway.core.ping_store()).await {
        Ok(Ok(())) => "up",
        Ok(Err(_)) | Err(_) => "away",
    };
    let state = gateway.core.broker_state();
    let broker = match (state.up, state.blocked) {
        (true, false) => "up",
        (true, true) => "blocked",
        (false, _) => "away",
    };
    // a broker that blocks publishers has an alarm, all gateways at once: sends are still accepted and polls still
    // deliver, so taking gateways out of service would end what works
    let ready = !draining && store == "up" && broker != "away";
    let status = if ready { "ready" } else { "not ready" };
    let json = serde_json::to_vec(&Readiness { status, store, broker, draining })
        .map_err(|e| CoreError::Internal(e.to_string()))?;
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(answer::json(code, Bytes::from(json)))
}
