//! `POST /v1/messages` and `GET /v1/rooms/{room}/messages`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_model::{ClientId, NewMessage, Range, Target, UserId};
use serde::Deserialize;

use super::caller::{needs, speaker};
use super::problem::Problem;
use super::rooms::{page_limit, room_id};
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
        let sender = speaker(caller, self.from)?;
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

/// A page of a room's history.
pub(crate) async fn history(
    request: HttpRequest,
    room: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    let query: PageQuery = strict::query(&request)?;
    let limit = page_limit(query.limit)?;
    let page = gateway.core.history(&caller.user, room_id(&room)?, query.range(), limit).await?;
    answer::value(&request, StatusCode::OK, &page)
}
