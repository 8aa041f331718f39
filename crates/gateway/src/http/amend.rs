//! `PATCH` and `DELETE /v1/rooms/{room}/messages/{message}`: a sender changes a message, or takes it back.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_model::{Message, MessageId, RoomId, Target, UserId};
use serde::Deserialize;

use super::call::Call;
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

/// Who does it (the caller, or who an application names), and which message it is about.
pub(super) struct Asked {
    by: UserId,
    room: RoomId,
    message: MessageId,
}

impl Asked {
    /// It counts like a message to the room.
    pub(super) async fn new(
        call: &Call<'_>,
        from: Option<UserId>,
        (room, message): &(String, String),
    ) -> Result<Self, Problem> {
        let by = speaker(call.caller, from)?;
        let room = room_id(room)?;
        // a text that is no id names nothing
        let message = message.parse().map_err(|_no_id| Problem::not_found("message"))?;
        let class = call.gateway.core.message_class(&by, &Target::Room(room)).await;
        call.throttle(&class).await?;
        Ok(Self { by, room, message })
    }

    async fn over_http(
        request: &HttpRequest,
        gateway: &Gateway,
        path: &(String, String),
    ) -> Result<Self, Problem> {
        let caller = gateway.caller(request).await?;
        let query: AmendQuery = strict::query(request)?;
        Self::new(&Call::http(gateway, &caller, request), query.from, path).await
    }

    /// Gives it another text.
    pub(super) async fn edit(self, gateway: &Gateway, body: String) -> Result<Bytes, Problem> {
        Ok(gateway.core.edit(self.by, self.room, self.message, body).await?)
    }

    /// Takes it back.
    pub(super) async fn delete(self, gateway: &Gateway) -> Result<(), Problem> {
        Ok(gateway.core.delete(self.by, self.room, self.message).await?)
    }
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
    let asked = Asked::over_http(&request, &gateway, &path).await?;
    let Edited { body } = strict::json_too(&request, payload, gateway.body_limits).await?;
    Ok(answer::json(StatusCode::OK, asked.edit(&gateway, body).await?))
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
    Asked::over_http(&request, &gateway, &path).await?.delete(&gateway).await?;
    Ok(HttpResponse::NoContent().finish())
}
