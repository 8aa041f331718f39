//! `POST /v1/messages` and `GET /v1/rooms/{room}/messages`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::CoreError;
use pollgate_model::{ClientId, NewMessage, Range, RoomId, Target, UserId};
use serde::Deserialize;

use super::caller::needs;
use super::problem::Problem;
use super::{Gateway, answer, strict};
use crate::auth::{Caller, Scope};

/// What a sender posts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    to: Option<UserId>,
    room: Option<String>,
    from: Option<UserId>,
    #[serde(default)]
    body: String,
    client_id: Option<ClientId>,
    #[serde(default)]
    attachments: Vec<String>,
    reply_to: Option<String>,
}

impl Posted {
    fn into_message(self, caller: &Caller) -> Result<NewMessage, Problem> {
        let target = match (self.to, self.room) {
            (Some(user), None) => Target::User(user),
            (None, Some(room)) => Target::Room(room_id(&room)?),
            _ => return Err(Problem::invalid("exactly one of to and room must be given")),
        };
        let sender = match self.from {
            None => {
                needs(caller, Scope::User)?;
                caller.user.clone()
            }
            Some(user) => {
                needs(caller, Scope::Publish)?;
                user
            }
        };
        let reply_to = self.reply_to.map(|id| id.parse()).transpose();
        let attachments: Result<Vec<_>, _> = self.attachments.iter().map(|id| id.parse()).collect();
        Ok(NewMessage {
            sender,
            target,
            body: self.body,
            client_id: self.client_id,
            attachments: attachments.map_err(|e| Problem::invalid(format!("attachments: {e}")))?,
            reply_to: reply_to.map_err(|e| Problem::invalid(format!("reply_to: {e}")))?,
        })
    }
}

/// A text that is no room id names no room.
pub(super) fn room_id(text: &str) -> Result<RoomId, Problem> {
    text.parse().map_err(|_no_id| Problem::not_found("room"))
}

/// Accepts a message; the answer comes after the commit and before the publish.
pub(crate) async fn send(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let posted: Posted = strict::json(&request, payload, gateway.body_limits).await?;
    let sent = gateway.core.send(posted.into_message(&caller)?).await?;
    let status = if sent.repeated { StatusCode::OK } else { StatusCode::CREATED };
    Ok(answer::json(status, sent.json))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    before: Option<i64>,
    after: Option<i64>,
    limit: Option<u32>,
}

const PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 100;

impl PageQuery {
    fn range(&self) -> Range {
        match (self.before, self.after) {
            (None, None) => Range::Newest,
            (Some(before), None) => Range::Before(before),
            (None, Some(after)) => Range::After(after),
            (Some(before), Some(after)) => Range::Between { after, before },
        }
    }
}

/// How many messages a page may have.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(Problem::invalid(format!("limit: 1 to {LONGEST_PAGE}")));
    }
    Ok(limit)
}

/// A page of a room's history.
pub(crate) async fn history(
    request: HttpRequest,
    room: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    let query: PageQuery = strict::query(&request)?;
    let limit = limit(query.limit)?;
    let page = gateway.core.history(&caller.user, room_id(&room)?, query.range(), limit).await?;
    let json = serde_json::to_vec(&page).map_err(|e| CoreError::Internal(e.to_string()))?;
    let mut head = answer::json_head(StatusCode::OK);
    let body = answer::compressed(&mut head, Bytes::from(json), answer::takes_gzip(request.headers()));
    Ok(head.body(body))
}
