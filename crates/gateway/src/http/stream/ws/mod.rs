//! `GET /v1/ws`: a WebSocket (RFC 6455) that carries events and operations, as JSON in text frames.
//!
//! The library has no compression (permessage-deflate), so there is none.

pub(in crate::http) mod frame;
pub(in crate::http) mod guard;
mod ops;
mod socket;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::StreamKind;

use super::super::Gateway;
use super::super::openapi::{CREDENTIAL, QUERY, READING, refusals};
use super::super::problem::{Code, Problem};
use super::open::{StreamQuery, check_origin, open};
use super::pump::Pump;
use socket::Socket;

refusals!(WsRefused: CREDENTIAL, QUERY, READING, &[Code::Throttled, Code::NotFound]);

/// Receive events and do everything else over a WebSocket
///
/// Events come with the cursor that `ack` confirms. Operations: `send`, `edit`, `delete`, `rooms`, `room`, `history`,
/// `search`, `receipts`, `read`, `typing`, `presence`, `ack`, `ping`, with the fields that they have over HTTP. Pages of
/// other origins than the gateway's own must be named in its configuration (403).
#[utoipa::path(
    get,
    path = "/v1/ws",
    operation_id = "openWebSocket",
    tag = "receiving",
    security(("bearer" = []), ("token" = []), ("ticket" = [])),
    params(StreamQuery),
    responses((status = 101, description = "The WebSocket is open"), WsRefused),
)]
pub(crate) async fn ws(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    check_origin(request.headers(), &gateway.streams.origins)?;
    let (caller, wanted) = open(&request, &gateway, None).await?;
    let most = gateway.body_limits.bytes;
    let (payload, rules) = guard::guarded(&request, payload, most).await?;
    let (answer, session, frames) = actix_ws::handle(&request, payload)
        .map_err(|error| Problem::invalid(format!("no WebSocket handshake: {error}")))?;
    let stream = gateway.core.stream(StreamKind::Ws, wanted).await?;
    let frames = frames.max_frame_size(most).aggregate_continuations().max_continuation_size(most);
    let pump = Pump::new(stream, gateway.clone(), caller);
    // on this worker: what comes in is read from this connection, which never leaves it
    drop(actix_web::rt::spawn(Socket::new(pump, session, frames, rules).run()));
    Ok(answer)
}
