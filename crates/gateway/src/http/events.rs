//! `POST /v1/events` and `POST /v1/events/batch`: an application's own events.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::{Announcement, Class, CoreError, RequestKey, To};
use pollgate_model::{EventId, EventKind, RoomId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::caller::needs;
use super::openapi::{BODY, COUNTED, CREDENTIAL, ROOM, STORING, refusals};
use super::problem::{Code, Problem};
use super::strict::Object;
use super::traced::Begun;
use super::{Gateway, answer, idempotency, strict};
use crate::auth::{Caller, Scope};

/// An event of the application's own: to users, or to everybody in a room.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(
    as = NewEvent,
    example = json!({"to": ["ann", "bob"], "type": "order.updated", "data": {"order": 7, "status": "sent"}})
)]
pub(super) struct Posted {
    /// To these users; one who is named twice gets it once.
    #[schema(min_items = 1)]
    to: Option<Vec<UserId>>,
    /// To everybody in this room.
    #[schema(value_type = Option<RoomId>)]
    room: Option<String>,
    #[serde(rename = "type")]
    kind: EventKind,
    /// Any JSON, within the bytes that a message's text may have.
    #[schema(value_type = serde_json::Value, required = false)]
    data: Option<Box<RawValue>>,
    /// No store, no promise: it goes to those who are there.
    #[serde(default)]
    ephemeral: bool,
    /// How long it is worth delivering.
    #[schema(minimum = 1)]
    ttl_ms: Option<u64>,
}

/// Events that are accepted all or none.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(
    as = NewBatch,
    example = json!({"events": [{"to": ["ann"], "type": "order.updated", "data": 1}, {"to": ["bob"], "type": "hint", "ephemeral": true}]})
)]
pub(super) struct PostedBatch {
    #[schema(min_items = 1, value_type = Vec<Posted>)]
    events: Vec<Object<Posted>>,
}

/// A header that both endpoints read.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header that idempotency.rs reads")]
struct KeyHeader {
    /// Makes a retry harmless for 24 h (`store.idempotency_key_s`): the same key with the same bytes again is answered
    /// like the first request, and nothing is published again. A UUID is a good one. In quotes, or without when none of
    /// its characters is a space or one of `" \ , ;`.
    #[param(
        rename = "Idempotency-Key",
        nullable = false,
        pattern = r#"^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\-.-:<-\[\]-~]{1,255})$"#
    )]
    key: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Accepted {
    id: EventId,
}

#[derive(Serialize, utoipa::ToSchema)]
struct AcceptedBatch {
    /// In the order of the events.
    ids: Vec<EventId>,
}

impl Posted {
    fn into_announcement(self, begun: &Begun) -> Result<Announcement, Problem> {
        let to = match (self.to, self.room) {
            (Some(users), None) => To::Users(users),
            (None, Some(room)) => To::Room(room.parse().map_err(|_no_id| Problem::not_found("room"))?),
            _ => return Err(Problem::invalid("exactly one of to and room must be given")),
        };
        if self.ttl_ms == Some(0) {
            return Err(Problem::invalid("ttl_ms: at least 1"));
        }
        Ok(Announcement {
            to,
            kind: self.kind,
            data: self.data.unwrap_or_else(|| RawValue::NULL.to_owned()),
            ephemeral: self.ephemeral,
            ttl: self.ttl_ms.map(Duration::from_millis),
            trace: begun.trace.clone(),
        })
    }
}

refusals!(PublishRefused: CREDENTIAL, BODY, ROOM, STORING, COUNTED, &[Code::Conflict, Code::IdempotencyKeyReused]);

/// Publish an event
///
/// Needs the scope `publish`. Durable like a message, or with `"ephemeral": true` without store and promise.
#[utoipa::path(
    post,
    path = "/v1/events",
    operation_id = "publishEvent",
    tag = "sending",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("publish"))),
    params(KeyHeader),
    request_body = Posted,
    responses((status = 202, description = "Accepted: a durable one is committed", body = Accepted), PublishRefused),
)]
pub(crate) async fn publish(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::Publish)?;
    let body = strict::body(&request, payload, gateway.body_limits).await?;
    let key = idempotency::key(&request, &caller, "POST /v1/events", &body)?;
    let posted: Posted = strict::parsed(&body)?;
    let begun = Begun::of(&request);
    let events = vec![posted.into_announcement(&begun)?];
    match counted(&request, &begun, &gateway, &caller, events, key).await?.as_slice() {
        [id] => accepted(&Accepted { id: *id }),
        other => Err(CoreError::Internal(format!("{} ids for one event", other.len())).into()),
    }
}

/// Publish several events, all or none
///
/// Needs the scope `publish`.
#[utoipa::path(
    post,
    path = "/v1/events/batch",
    operation_id = "publishEvents",
    tag = "sending",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("publish"))),
    params(KeyHeader),
    request_body = PostedBatch,
    responses((status = 202, description = "Accepted: durable ones are committed", body = AcceptedBatch), PublishRefused),
)]
pub(crate) async fn publish_batch(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::Publish)?;
    let body = strict::body(&request, payload, gateway.batch_limits).await?;
    let key = idempotency::key(&request, &caller, "POST /v1/events/batch", &body)?;
    let posted: PostedBatch = strict::parsed(&body)?;
    let begun = Begun::of(&request);
    let events: Result<Vec<_>, _> =
        posted.events.into_iter().map(|Object(event)| event.into_announcement(&begun)).collect();
    accepted(&AcceptedBatch { ids: counted(&request, &begun, &gateway, &caller, events?, key).await? })
}

/// Publishes; a repeat does not count.
async fn counted(
    request: &HttpRequest,
    begun: &Begun,
    gateway: &Gateway,
    caller: &Caller,
    events: Vec<Announcement>,
    key: Option<RequestKey>,
) -> Result<Vec<EventId>, Problem> {
    gateway.throttle(request, caller, &Class::Publish).await?;
    gateway.core.accepted(begun.at.elapsed());
    let accepted = gateway.core.publish(events, key).await?;
    if accepted.repeated {
        gateway.core.throttle().refund(&caller.user, &Class::Publish);
    }
    Ok(accepted.ids)
}

fn accepted<T: Serialize>(body: &T) -> Result<HttpResponse, Problem> {
    let json = serde_json::to_vec(body).map_err(|e| CoreError::Internal(e.to_string()))?;
    Ok(answer::json(StatusCode::ACCEPTED, Bytes::from(json)))
}
