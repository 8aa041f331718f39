//! `PATCH` and `DELETE /v1/rooms/{room}/messages/{message}`: a sender changes a message, or takes it back.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_model::{Message, MessageId, RoomId, Target, UserId};
use serde::Deserialize;

use super::caller::speaker;
use super::openapi::{BODY, COUNTED, CREDENTIAL, QUERY, ROOM, STORING, refusals};
use super::problem::{Code, Problem};
use super::rooms::room_id;
use super::{Gateway, answer, strict};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AmendQuery {
    /// In the name of this user; needs the scope `publish`.
    #[param(nullable = false)]
    from: Option<UserId>,
}

/// What becomes of a message.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessagePatch, example = json!({"body": "hi there"}))]
struct Edited {
    /// The new text, without NUL; empty only when there are files. Its bound counts bytes.
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
    let class = gateway.core.message_class(&user, &Target::Room(room)).await;
    gateway.throttle(request, &caller, &class).await?;
    Ok((user, room, message))
}

refusals!(EditRefused: CREDENTIAL, BODY, ROOM, STORING, COUNTED, &[Code::Conflict]);

/// Give a message another text
///
/// Only who sent it may, where it is configured only for a while. All members get `message.updated`.
#[utoipa::path(
    patch,
    path = "/v1/rooms/{room}/messages/{message}",
    operation_id = "editMessage",
    tag = "sending",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("messages"))),
    params(
        ("room" = RoomId, Path, description = "A room of which the sender is a member"),
        ("message" = MessageId, Path, description = "A message of the sender's"),
        AmendQuery,
    ),
    request_body = Edited,
    responses((status = 200, description = "The message as it is now", body = Message), EditRefused),
)]
pub(crate) async fn edit(
    request: HttpRequest,
    path: Path<(String, String)>,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let (by, room, message) = asked(&request, &gateway, &path).await?;
    let Edited { body } = strict::json_too(&request, payload, gateway.body_limits).await?;
    Ok(answer::json(StatusCode::OK, gateway.core.edit(by, room, message, body).await?))
}

refusals!(DeleteRefused: CREDENTIAL, QUERY, ROOM, STORING, COUNTED);

/// Take a message back
///
/// Its place stays, its text and attachments are gone; again is the same. Who may is as for a change. All members get
/// `message.deleted`.
#[utoipa::path(
    delete,
    path = "/v1/rooms/{room}/messages/{message}",
    operation_id = "deleteMessage",
    tag = "sending",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("messages"))),
    params(
        ("room" = RoomId, Path, description = "A room of which the sender is a member"),
        ("message" = MessageId, Path, description = "A message of the sender's"),
        AmendQuery,
    ),
    responses((status = 204, description = "It is gone"), DeleteRefused),
)]
pub(crate) async fn delete(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let (by, room, message) = asked(&request, &gateway, &path).await?;
    gateway.core.delete(by, room, message).await?;
    Ok(HttpResponse::NoContent().finish())
}
