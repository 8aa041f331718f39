//! `POST /v1/rooms/{room}/typing`.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use pollgate_model::RoomId;
use serde::Deserialize;

use super::call::Call;
use super::caller::needs;
use super::openapi::{BODY, COUNTED, CREDENTIAL, ROOM, STORING, refusals};
use super::problem::Problem;
use super::rooms::room_id;
use super::{Gateway, strict};
use crate::auth::Scope;

/// Whether somebody is typing.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTyping, example = json!({"typing": true}))]
pub(super) struct Posted {
    /// Typing now, or not any more.
    typing: bool,
}

impl Posted {
    /// Tells it.
    pub(super) async fn run(self, call: &Call<'_>, room: &str) -> Result<(), Problem> {
        needs(call.caller, Scope::User)?;
        call.throttle(&Class::Signals).await?;
        Ok(call.gateway.core.typing(&call.caller.user, room_id(room)?, self.typing).await?)
    }
}

refusals!(TypingRefused: CREDENTIAL, BODY, ROOM, STORING, COUNTED);

/// Say that one is typing, or is not any more
///
/// The other members who are there get `typing`, which is good for 5 s. The same again within 2 s is absorbed.
#[utoipa::path(
    post,
    path = "/v1/rooms/{room}/typing",
    operation_id = "setTyping",
    tag = "signals",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("signals"))),
    params(("room" = RoomId, Path, description = "A room of which the caller is a member")),
    request_body = Posted,
    responses((status = 204, description = "Told, or absorbed"), TypingRefused),
)]
pub(crate) async fn typing(
    request: HttpRequest,
    room: Path<String>,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let posted: Posted = strict::json(&request, payload, gateway.body_limits).await?;
    posted.run(&Call::http(&gateway, &caller, &request), &room).await?;
    Ok(HttpResponse::NoContent().finish())
}
