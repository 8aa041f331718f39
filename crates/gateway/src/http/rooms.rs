//! `/v1/rooms` and `/v1/rooms/{room}`: a user's rooms, and what becomes of one.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::{Class, NewRoom, RoomPatch};
use pollgate_model::{
    Assigned, Context, ContextId, Label, RoomCursor, RoomFilter, RoomId, RoomKind, RoomName, RoomSummary,
    Rooms, UserId,
};
use serde::{Deserialize, Deserializer};

use super::call::Call;
use super::caller::{actor, needs};
use super::openapi::{BODY, COUNTED, CREDENTIAL, QUERY, ROOM, STORING, refusals};
use super::problem::Problem;
use super::strict::Object;
use super::{Gateway, answer, strict};
use crate::auth::Scope;

const PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 100;

/// How many rows a page has.
pub(super) fn page_limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(PAGE);
    if (1..=LONGEST_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid(format!("limit: 1 to {LONGEST_PAGE}")))
}

/// A text that is no room id names no room.
pub(super) fn room_id(text: &str) -> Result<RoomId, Problem> {
    text.parse().map_err(|_no_id| Problem::not_found("room"))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The most rooms to answer.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next` of the page before: rooms with older activity.
    #[param(nullable = false, value_type = Option<RoomCursor>)]
    before: Option<String>,
    /// Rooms of this kind.
    #[param(nullable = false)]
    kind: Option<RoomKind>,
    /// Rooms about things of this kind.
    #[param(nullable = false)]
    context_kind: Option<Label>,
    /// Rooms about this thing.
    #[param(nullable = false)]
    context_id: Option<ContextId>,
    /// Rooms of this category.
    #[param(nullable = false)]
    category: Option<Label>,
    /// Rooms of this status.
    #[param(nullable = false)]
    status: Option<Label>,
    /// Rooms that this user looks after; empty: rooms that nobody looks after.
    #[param(nullable = false, max_length = 128, pattern = r"^[^\u0000]*$")]
    assignee: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<RoomFilter, Problem> {
        let assignee = match self.assignee {
            None => None,
            Some(nobody) if nobody.is_empty() => Some(Assigned::Nobody),
            Some(user) => {
                let user = user.parse().map_err(|e| Problem::invalid(format!("assignee: {e}")))?;
                Some(Assigned::To(user))
            }
        };
        Ok(RoomFilter {
            kind: self.kind,
            context_kind: self.context_kind,
            context_id: self.context_id,
            category: self.category,
            status: self.status,
            assignee,
        })
    }

    /// Reads the list.
    pub(super) async fn run(self, call: &Call<'_>) -> Result<Rooms, Problem> {
        needs(call.caller, Scope::User)?;
        let limit = page_limit(self.limit)?;
        let parsed = |text: &str| text.parse().map_err(|e| Problem::invalid(format!("before: {e}")));
        let before: Option<RoomCursor> = self.before.as_deref().map(parsed).transpose()?;
        call.throttle(&Class::Rooms).await?;
        Ok(call.gateway.core.rooms(&call.caller.user, &self.filter()?, before, limit).await?)
    }
}

/// One room, as the caller sees it.
pub(super) async fn one(call: &Call<'_>, room: &str) -> Result<RoomSummary, Problem> {
    call.throttle(&Class::Rooms).await?;
    Ok(call.gateway.core.room(&actor(call.caller, None)?, room_id(room)?).await?)
}

refusals!(ListRefused: CREDENTIAL, QUERY, STORING, COUNTED);

/// List the caller's rooms
///
/// Newest activity first. A room must fit all filters that are given. Agents of a desk also see the rooms that wait there.
#[utoipa::path(
    get,
    path = "/v1/rooms",
    operation_id = "listRooms",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("rooms"))),
    params(ListQuery),
    responses((status = 200, description = "The page; `next` is where the next one begins", body = Rooms), ListRefused),
)]
pub(crate) async fn list(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let query: ListQuery = strict::query(&request)?;
    let rooms = query.run(&Call::http(&gateway, &caller, &request)).await?;
    answer::value(&request, StatusCode::OK, &rooms)
}

/// A group room that is asked for.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(
    as = NewRoom,
    example = json!({"name": "Order 7", "members": ["bob"], "context": {"kind": "order", "id": "7"}, "category": "billing"})
)]
pub(super) struct Posted {
    /// In the name of this user; needs the scope `publish`.
    from: Option<UserId>,
    name: Option<RoomName>,
    /// Who is in it, besides the user who makes it and the assignee.
    #[serde(default)]
    members: Vec<UserId>,
    /// What it is about; never changes.
    #[schema(value_type = Option<Context>)]
    context: Option<Object<Context>>,
    /// The desk it belongs to, or any other word to sort rooms by.
    category: Option<Label>,
    /// Where things stand.
    status: Option<Label>,
    /// Who looks after it, and becomes a member.
    assignee: Option<UserId>,
}

refusals!(CreateRefused: CREDENTIAL, BODY, STORING, COUNTED);

/// Make a group room
///
/// The caller becomes a member; a back end does not, unless it says in whose name. All members get `room.created`.
#[utoipa::path(
    post,
    path = "/v1/rooms",
    operation_id = "createRoom",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("rooms"))),
    request_body = Posted,
    responses((status = 201, description = "The room", body = RoomSummary,
            links(("room" = (operation_id = "readRoom", parameters(("room" = "$response.body#/id")))))), CreateRefused),
)]
pub(crate) async fn create(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let posted: Posted = strict::json(&request, payload, gateway.body_limits).await?;
    let Posted { from, name, members, context, category, status, assignee } = posted;
    let by = actor(&caller, from)?;
    let context = context.map(|Object(context)| context);
    gateway.throttle(&request, &caller, &Class::Rooms).await?;
    let new = NewRoom { by, name, members, context, category, status, assignee };
    Ok(answer::json(StatusCode::CREATED, gateway.core.create_room(new).await?))
}

refusals!(GetRefused: CREDENTIAL, QUERY, ROOM, STORING, COUNTED);

/// Read a room
///
/// For its members, for back ends, and for the agents of its desk while nobody looks after it.
#[utoipa::path(
    get,
    path = "/v1/rooms/{room}",
    operation_id = "readRoom",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("rooms"))),
    params(("room" = RoomId, Path, description = "A room that the caller may look into")),
    responses((status = 200, description = "The room, as the caller sees it", body = RoomSummary), GetRefused),
)]
pub(crate) async fn get(
    request: HttpRequest,
    room: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    strict::no_query(&request)?;
    let room = one(&Call::http(&gateway, &caller, &request), &room).await?;
    answer::value(&request, StatusCode::OK, &room)
}

/// A field that is there, even as null, is told from one that is not.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// What becomes of a room: a field that is left out stays as it is, null empties it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoomPatch, example = json!({"status": "done", "assignee": null}))]
pub(super) struct Patched {
    /// In the name of this user; needs the scope `publish`.
    from: Option<UserId>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<RoomName>)]
    name: Option<Option<RoomName>>,
    /// The desk it belongs to, or any other word to sort rooms by.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Label>)]
    category: Option<Option<Label>>,
    /// Where things stand.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Label>)]
    status: Option<Option<Label>>,
    /// Who looks after it, and becomes a member.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<UserId>)]
    assignee: Option<Option<UserId>>,
}

refusals!(PatchRefused: CREDENTIAL, BODY, ROOM, STORING, COUNTED);

/// Change a room
///
/// Its name, category, status or assignee; a field that is null is emptied, one that is left out stays. Direct rooms never
/// change. All members get `room.updated`.
#[utoipa::path(
    patch,
    path = "/v1/rooms/{room}",
    operation_id = "changeRoom",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("rooms"))),
    params(("room" = RoomId, Path, description = "A group room that the caller may look into")),
    request_body = Patched,
    responses((status = 200, description = "The room as it is now", body = RoomSummary), PatchRefused),
)]
pub(crate) async fn patch(
    request: HttpRequest,
    room: Path<String>,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let posted: Patched = strict::json(&request, payload, gateway.body_limits).await?;
    let Patched { from, name, category, status, assignee } = posted;
    let by = actor(&caller, from)?;
    gateway.throttle(&request, &caller, &Class::Rooms).await?;
    let patch = RoomPatch { name, category, status, assignee };
    Ok(answer::json(StatusCode::OK, gateway.core.patch_room(room_id(&room)?, by, patch).await?))
}
