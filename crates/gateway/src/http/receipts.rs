//! `/v1/rooms/{room}/read` and `/v1/rooms/{room}/receipts`: how far members have read.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use pollgate_model::{Member, RoomId, UserId};
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::caller::{needs, speaker};
use super::openapi::{BODY, COUNTED, CREDENTIAL, QUERY, ROOM, STORING, refusals};
use super::problem::Problem;
use super::rooms::room_id;
use super::{Gateway, answer, strict};
use crate::auth::Scope;

/// How far somebody has read.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReadMark, example = json!({"seq": 17}))]
pub(super) struct Posted {
    /// In the name of this user; needs the scope `publish`.
    from: Option<UserId>,
    /// `seq` of the newest message that was read. More than the last one counts as the last.
    #[schema(minimum = 0)]
    seq: i64,
}

impl Posted {
    /// Stores it.
    pub(super) async fn run(self, call: &Call<'_>, room: &str) -> Result<(), Problem> {
        let user = speaker(call.caller, self.from)?;
        if self.seq < 0 {
            return Err(Problem::invalid("seq: at least 0"));
        }
        call.throttle(&Class::Signals).await?;
        Ok(call.gateway.core.read(&user, room_id(room)?, self.seq).await?)
    }
}

refusals!(ReadRefused: CREDENTIAL, BODY, ROOM, STORING, COUNTED);

/// Say how far one has read
///
/// Never moves back. The other members get `message.read`, unless the room is too large for that.
#[utoipa::path(
    post,
    path = "/v1/rooms/{room}/read",
    operation_id = "markRead",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("signals"))),
    params(("room" = RoomId, Path, description = "A room of which the caller is a member")),
    request_body = Posted,
    responses((status = 204, description = "Stored"), ReadRefused),
)]
pub(crate) async fn read(
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

/// How far a member has read.
#[derive(Serialize, utoipa::ToSchema)]
struct Receipt {
    user: UserId,
    /// 0: nothing yet.
    seq: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Receipts {
    /// One of each member.
    receipts: Vec<Receipt>,
}

impl Receipts {
    /// Of a room's members.
    pub(super) async fn of(call: &Call<'_>, room: &str) -> Result<Self, Problem> {
        needs(call.caller, Scope::User)?;
        call.throttle(&Class::Rooms).await?;
        let members = call.gateway.core.receipts(&call.caller.user, room_id(room)?).await?;
        let receipt = |member: Member| Receipt { user: member.user, seq: member.last_read_seq };
        Ok(Self { receipts: members.into_iter().map(receipt).collect() })
    }
}

refusals!(ListRefused: CREDENTIAL, QUERY, ROOM, STORING, COUNTED);

/// See how far each member has read
#[utoipa::path(
    get,
    path = "/v1/rooms/{room}/receipts",
    operation_id = "listReceipts",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("rooms"))),
    params(("room" = RoomId, Path, description = "A room of which the caller is a member")),
    responses((status = 200, description = "The read marks of all members", body = Receipts), ListRefused),
)]
pub(crate) async fn list(
    request: HttpRequest,
    room: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    strict::no_query(&request)?;
    let receipts = Receipts::of(&Call::http(&gateway, &caller, &request), &room).await?;
    answer::value(&request, StatusCode::OK, &receipts)
}
