//! `PATCH` and `DELETE /v1/rooms/{room}/messages/{message}`: a sender changes a message, or takes it back.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_model::{MessageId, RoomId, Target, UserId};
use serde::Deserialize;

use super::caller::speaker;
use super::problem::Problem;
use super::rooms::room_id;
use super::{Gateway, answer, strict};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AmendQuery {
    from: Option<UserId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    body: String,
}

/// Who does it (the caller, or who an application names), and which message it is about. It counts like a message to
/// the room.
async fn asked(
    request: &HttpRequest,
    gateway: &Gateway,
    (room, message): &(String, String),
) -> Result<(UserId, RoomId, MessageId), Problem> {
    let caller = gateway.caller(request).await?;
    let query: AmendQuery = strict::query(request)?;
    let user = speaker(&caller, query.from)?;
    let room = room_id(room)?;
    // a text that is no id names nothing
    let message = message.parse().map_err(|_no_id| Problem::not_found("message"))?;
    let class = gateway.core.message_class(&Target::Room(room)).await;
    gateway.throttle(request, &caller, &class).await?;
    Ok((user, room, message))
}

/// Gives a message another text.
pub(crate) async fn edit(
    request: HttpRequest,
    path: Path<(String, String)>,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let (by, room, message) = asked(&request, &gateway, &path).await?;
    let Edited { body } = strict::json(&request, payload, gateway.body_limits).await?;
    Ok(answer::json(StatusCode::OK, gateway.core.edit(by, room, message, body).await?))
}

/// Takes a message back.
pub(crate) async fn delete(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let (by, room, message) = asked(&request, &gateway, &path).await?;
    gateway.core.delete(by, room, message).await?;
    Ok(HttpResponse::NoContent().finish())
}
