//! `/v1/rooms` and `/v1/rooms/{room}`: a user's rooms, and what becomes of one.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::{NewRoom, RoomPatch};
use pollgate_model::{
    Assigned, Context, ContextId, Label, RoomCursor, RoomFilter, RoomId, RoomKind, RoomName, UserId,
};
use serde::{Deserialize, Deserializer};

use super::caller::{actor, needs};
use super::problem::Problem;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<u32>,
    before: Option<String>,
    kind: Option<RoomKind>,
    context_kind: Option<Label>,
    context_id: Option<ContextId>,
    category: Option<Label>,
    status: Option<Label>,
    /// Empty: nobody.
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
}

/// The caller's rooms, newest activity first.
pub(crate) async fn list(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    let query: ListQuery = strict::query(&request)?;
    let limit = page_limit(query.limit)?;
    let before: Option<RoomCursor> = query
        .before
        .as_deref()
        .map(|text| text.parse().map_err(|e| Problem::invalid(format!("before: {e}"))))
        .transpose()?;
    let rooms = gateway.core.rooms(&caller.user, &query.filter()?, before, limit).await?;
    answer::value(&request, StatusCode::OK, &rooms)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    from: Option<UserId>,
    name: Option<RoomName>,
    #[serde(default)]
    members: Vec<UserId>,
    context: Option<Context>,
    category: Option<Label>,
    status: Option<Label>,
    assignee: Option<UserId>,
}

/// Makes a group room.
pub(crate) async fn create(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let posted: Posted = strict::json(&request, payload, gateway.body_limits).await?;
    let Posted { from, name, members, context, category, status, assignee } = posted;
    let by = actor(&caller, from)?;
    let new = NewRoom { by, name, members, context, category, status, assignee };
    Ok(answer::json(StatusCode::CREATED, gateway.core.create_room(new).await?))
}

/// One room.
pub(crate) async fn get(
    request: HttpRequest,
    room: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    strict::no_query(&request)?;
    let room = gateway.core.room(&actor(&caller, None)?, room_id(&room)?).await?;
    answer::value(&request, StatusCode::OK, &room)
}

/// A field that is there, even as null, is told from one that is not.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patched {
    from: Option<UserId>,
    #[serde(default, deserialize_with = "given")]
    name: Option<Option<RoomName>>,
    #[serde(default, deserialize_with = "given")]
    category: Option<Option<Label>>,
    #[serde(default, deserialize_with = "given")]
    status: Option<Option<Label>>,
    #[serde(default, deserialize_with = "given")]
    assignee: Option<Option<UserId>>,
}

/// Changes a room.
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
    let patch = RoomPatch { name, category, status, assignee };
    Ok(answer::json(StatusCode::OK, gateway.core.patch_room(room_id(&room)?, by, patch).await?))
}
