//! `POST /v1/events` and `POST /v1/events/batch`: an application's own events.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::{Announcement, Class, CoreError, To};
use pollgate_model::{EventId, EventKind, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::caller::needs;
use super::problem::Problem;
use super::{Gateway, answer, idempotency, strict};
use crate::auth::Scope;

/// One event as it is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    to: Option<Vec<UserId>>,
    room: Option<String>,
    #[serde(rename = "type")]
    kind: EventKind,
    data: Option<Box<RawValue>>,
    #[serde(default)]
    ephemeral: bool,
    ttl_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostedBatch {
    events: Vec<Posted>,
}

#[derive(Serialize)]
struct Accepted {
    id: EventId,
}

#[derive(Serialize)]
struct AcceptedBatch {
    ids: Vec<EventId>,
}

impl Posted {
    fn into_announcement(self) -> Result<Announcement, Problem> {
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
        })
    }
}

/// Accepts one event.
pub(crate) async fn publish(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::Publish)?;
    gateway.throttle(&request, &caller, &Class::Publish).await?;
    let body = strict::body(&request, payload, gateway.body_limits).await?;
    let key = idempotency::key(&request, &caller, "POST /v1/events", &body)?;
    let posted: Posted = strict::parsed(&body)?;
    let ids = gateway.core.publish(vec![posted.into_announcement()?], key).await?;
    match ids.as_slice() {
        [id] => accepted(&Accepted { id: *id }),
        other => Err(CoreError::Internal(format!("{} ids for one event", other.len())).into()),
    }
}

/// Accepts a batch, all or nothing.
pub(crate) async fn publish_batch(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::Publish)?;
    gateway.throttle(&request, &caller, &Class::Publish).await?;
    let body = strict::body(&request, payload, gateway.batch_limits).await?;
    let key = idempotency::key(&request, &caller, "POST /v1/events/batch", &body)?;
    let posted: PostedBatch = strict::parsed(&body)?;
    let events: Result<Vec<_>, _> = posted.events.into_iter().map(Posted::into_announcement).collect();
    accepted(&AcceptedBatch { ids: gateway.core.publish(events?, key).await? })
}

fn accepted<T: Serialize>(body: &T) -> Result<HttpResponse, Problem> {
    let json = serde_json::to_vec(body).map_err(|e| CoreError::Internal(e.to_string()))?;
    Ok(answer::json(StatusCode::ACCEPTED, Bytes::from(json)))
}
