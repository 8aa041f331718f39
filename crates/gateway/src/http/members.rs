//! `/v1/rooms/{room}/members/{user}`: coming in and leaving.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_model::{RoomId, UserId};
use serde::Deserialize;

use super::caller::actor;
use super::problem::Problem;
use super::rooms::room_id;
use super::{Gateway, strict};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromQuery {
    from: Option<UserId>,
}

fn named((room, user): (String, String)) -> Result<(RoomId, UserId), Problem> {
    let room = room_id(&room)?;
    let user = user.parse().map_err(|e| Problem::invalid(format!("user: {e}")))?;
    Ok((room, user))
}

/// Brings a user in.
pub(crate) async fn add(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let query: FromQuery = strict::query(&request)?;
    let by = actor(&caller, query.from)?;
    let (room, user) = named(path.into_inner())?;
    gateway.core.add_member(room, by, user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes a user out.
pub(crate) async fn remove(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let query: FromQuery = strict::query(&request)?;
    let by = actor(&caller, query.from)?;
    let (room, user) = named(path.into_inner())?;
    gateway.core.remove_member(room, by, user).await?;
    Ok(HttpResponse::NoContent().finish())
}
