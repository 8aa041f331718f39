//! `/v1/rooms/{room}/read` and `/v1/rooms/{room}/receipts`: how far members have read.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_model::UserId;
use serde::{Deserialize, Serialize};

use super::caller::{needs, speaker};
use super::problem::Problem;
use super::rooms::room_id;
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    from: Option<UserId>,
    seq: i64,
}

/// Moves the caller's read mark.
pub(crate) async fn read(
    request: HttpRequest,
    room: Path<String>,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let posted: Posted = strict::json(&request, payload, gateway.body_limits).await?;
    let user = speaker(&caller, posted.from)?;
    if posted.seq < 0 {
        return Err(Problem::invalid("seq: at least 0"));
    }
    gateway.core.read(&user, room_id(&room)?, posted.seq).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Serialize)]
struct Receipt {
    user: UserId,
    seq: i64,
}

#[derive(Serialize)]
struct Receipts {
    receipts: Vec<Receipt>,
}

/// How far each member has read.
pub(crate) async fn list(
    request: HttpRequest,
    room: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    strict::no_query(&request)?;
    let members = gateway.core.receipts(&caller.user, room_id(&room)?).await?;
    let receipts =
        members.into_iter().map(|member| Receipt { user: member.user, seq: member.last_read_seq }).collect();
    answer::value(&request, StatusCode::OK, &Receipts { receipts })
}
