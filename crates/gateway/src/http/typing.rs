//! `POST /v1/rooms/{room}/typing`.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use serde::Deserialize;

use super::caller::needs;
use super::problem::Problem;
use super::rooms::room_id;
use super::{Gateway, strict};
use crate::auth::Scope;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    typing: bool,
}

/// Tells the other members that the caller is typing, or is not any more.
pub(crate) async fn typing(
    request: HttpRequest,
    room: Path<String>,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    let posted: Posted = strict::json(&request, payload, gateway.body_limits).await?;
    gateway.throttle(&request, &caller, &Class::Signals).await?;
    gateway.core.typing(&caller.user, room_id(&room)?, posted.typing).await?;
    Ok(HttpResponse::NoContent().finish())
}
