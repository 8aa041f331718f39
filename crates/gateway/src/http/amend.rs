//! `PATCH` and `DELETE /v1/rooms/{room}/messages/{message}`: a sender changes a message, or takes it back.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_model::{MessageId, RoomId, UserId};
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

/// Who does it: the caller, or who an application names.
async fn sender(request: &HttpRequest, gateway: &Gateway) -> Result<UserId, Problem> {
    let caller = gateway.caller(request).await?;
    let query: AmendQuery = strict::query(request)?;
    speaker(&caller, query.from)
}

/// Texts that are no ids name nothing.
fn ids(path: &(String, String)) -> Result<(RoomId, MessageId), Problem> {
    let message = path.1.parse().map_err(|_no_id| Problem::not_found("message"))?;
    Ok((room_id(&path.0)?, message))
}

/// Gives a message another text.
pub(crate) async fn edit(
    request: HttpRequest,
    path: Path<(String, String)>,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let by = sender(&request, &gateway).await?;
    let Edited { body } = strict::json(&request, payload, gateway.body_limits).await?;
    let (room, message) = ids(&path)?;
    Ok(answer::json(StatusCode::OK, gateway.core.edit(by, room, message, body).await?))
}

/// Takes a message back.
pub(crate) async fn delete(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let by = sender(&request, &gateway).await?;
    let (room, message) = ids(&path)?;
    gateway.core.delete(by, room, message).await?;
    Ok(HttpResponse::NoContent().finish())
}
