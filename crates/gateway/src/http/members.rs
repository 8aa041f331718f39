//! `/v1/rooms/{room}/members/{user}`: coming in and leaving.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use pollgate_model::{RoomId, UserId};
use serde::Deserialize;

use super::caller::actor;
use super::openapi::{COUNTED, CREDENTIAL, QUERY, ROOM, STORING, refusals};
use super::problem::Problem;
use super::rooms::room_id;
use super::{Gateway, strict};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FromQuery {
    /// In the name of this user; needs the scope `publish`.
    #[param(nullable = false)]
    from: Option<UserId>,
}

fn named((room, user): (String, String)) -> Result<(RoomId, UserId), Problem> {
    let room = room_id(&room)?;
    let user = user.parse().map_err(|e| Problem::invalid(format!("user: {e}")))?;
    Ok((room, user))
}

refusals!(Refused: CREDENTIAL, QUERY, ROOM, STORING, COUNTED);

/// Bring a user into a room
///
/// Again is the same. The newcomer gets `room.created`, all members get `member.added`; what was said before is not unread.
#[utoipa::path(
    put,
    path = "/v1/rooms/{room}/members/{user}",
    operation_id = "addMember",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("rooms"))),
    params(("room" = RoomId, Path, description = "A group room that the caller may look into"), ("user" = UserId, Path, description = "Who comes in"), FromQuery),
    responses((status = 204, description = "The user is a member"), Refused),
)]
pub(crate) async fn add(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let query: FromQuery = strict::query(&request)?;
    let by = actor(&caller, query.from)?;
    let (room, user) = named(path.into_inner())?;
    gateway.throttle(&request, &caller, &Class::Rooms).await?;
    gateway.core.add_member(room, by, user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Take a user out of a room
///
/// Oneself, or somebody else, which only some may: who made the room, who looks after it, the agents of its desk, back ends.
/// All who were members get `member.removed`.
#[utoipa::path(
    delete,
    path = "/v1/rooms/{room}/members/{user}",
    operation_id = "removeMember",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("rooms"))),
    params(("room" = RoomId, Path, description = "A group room that the caller may look into"), ("user" = UserId, Path, description = "Who leaves"), FromQuery),
    responses((status = 204, description = "The user is a member no more"), Refused),
)]
pub(crate) async fn remove(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let query: FromQuery = strict::query(&request)?;
    let by = actor(&caller, query.from)?;
    let (room, user) = named(path.into_inner())?;
    gateway.throttle(&request, &caller, &Class::Rooms).await?;
    gateway.core.remove_member(room, by, user).await?;
    Ok(HttpResponse::NoContent().finish())
}
