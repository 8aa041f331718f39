//! The operations that a WebSocket carries: those of the HTTP routes, by the same code.

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use bytes::Bytes;
use pollgate_core::CoreError;
use serde::{Deserialize, Serialize};

use super::super::super::call::Call;
use super::super::super::problem::Problem;
use super::super::super::traced::{self, Begun};
use super::super::super::{Gateway, amend, messages, presence, receipts, rooms, search, typing};
use super::frame::{Asked, Fields};
use crate::auth::Caller;

/// An answer without content.
const NOTHING: Bytes = Bytes::from_static(b"{}");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    user: Vec<String>,
}

/// Does what is asked for; the answer as JSON.
///
/// # Errors
/// As over HTTP.
pub(super) async fn run(gateway: Data<Gateway>, caller: Caller, asked: Asked) -> Result<Bytes, Problem> {
    let Asked { op, fields } = asked;
    if op == "send" {
        return send(&gateway, &caller, fields).await;
    }
    let call = Call::ws(&gateway, &caller, Begun::now(None));
    match op.as_str() {
        "edit" | "delete" => amended(&call, &op, fields).await,
        "rooms" => json(&fields.into::<rooms::ListQuery>()?.run(&call).await?),
        "search" => json(&fields.into::<search::Asked>()?.run(&call).await?),
        "presence" => json(&presence::Users::of(&call, fields.into::<Users>()?.user).await?),
        "room" | "history" | "receipts" | "read" | "typing" => in_room(&call, &op, fields).await,
        "ping" => fields.into::<Nothing>().map(|_nothing| NOTHING),
        _ => Err(Problem::invalid("op: there is no such operation")),
    }
}

/// A connection outlives every trace, so each message over it begins one of its own.
async fn send(gateway: &Gateway, caller: &Caller, fields: Fields) -> Result<Bytes, Problem> {
    let span = gateway.tracer.operation();
    let call = Call::ws(gateway, caller, Begun::now(span.as_ref()));
    let sent = match fields.into::<messages::Posted>() {
        Ok(posted) => posted.run(&call).await,
        Err(problem) => Err(problem),
    };
    if let Some(span) = span {
        let status = sent.as_ref().map_or_else(ResponseError::status_code, |_sent| StatusCode::CREATED);
        traced::sent(gateway, span, status);
    }
    Ok(sent?.json)
}

async fn amended(call: &Call<'_>, op: &str, mut fields: Fields) -> Result<Bytes, Problem> {
    let path = (fields.text("room")?, fields.text("message")?);
    let edited = match op {
        "edit" => Some(fields.into::<Edited>()?.body),
        _ => fields.into::<Nothing>().map(|_nothing| None)?,
    };
    let asked = amend::Asked::new(call, None, &path).await?;
    match edited {
        Some(body) => asked.edit(call.gateway, body).await,
        None => asked.delete(call.gateway).await.map(|()| NOTHING),
    }
}

async fn in_room(call: &Call<'_>, op: &str, mut fields: Fields) -> Result<Bytes, Problem> {
    let room = fields.text("room")?;
    match op {
        "history" => json(&fields.into::<messages::PageQuery>()?.run(call, &room).await?),
        "read" => fields.into::<receipts::Posted>()?.run(call, &room).await.map(|()| NOTHING),
        "typing" => fields.into::<typing::Posted>()?.run(call, &room).await.map(|()| NOTHING),
        other => {
            fields.into::<Nothing>()?;
            match other {
                "room" => json(&rooms::one(call, &room).await?),
                _ => json(&receipts::Receipts::of(call, &room).await?),
            }
        }
    }
}

fn json<T: Serialize>(value: &T) -> Result<Bytes, Problem> {
    let json = serde_json::to_vec(value).map_err(|error| CoreError::Internal(error.to_string()))?;
    Ok(json.into())
}
