//! `GET /v1/mailboxes`: how much waits for a user, for operators.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::CoreError;
use pollgate_model::{SessionId, UserId};
use serde::{Deserialize, Serialize};

use super::caller::needs;
use super::problem::Problem;
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DepthQuery {
    user: UserId,
    #[serde(default)]
    min_depth: u64,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Row {
    user: UserId,
    session: Option<SessionId>,
    ready: u64,
    unacked: Option<u64>,
    consumers: u64,
    alarm: bool,
}

#[derive(Serialize)]
struct Rows {
    mailboxes: Vec<Row>,
    total_ready: u64,
}

const LONGEST: usize = 100;

/// The user's main mailbox and those of the sessions that this gateway attends, as the broker counts them now.
pub(crate) async fn list(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    needs(&gateway.caller(&request).await?, Scope::Operator)?;
    let query: DepthQuery = strict::query(&request)?;
    let limit = query.limit.unwrap_or(LONGEST);
    if !(1..=LONGEST).contains(&limit) {
        return Err(Problem::invalid(format!("limit: 1 to {LONGEST}")));
    }
    let mut mailboxes = Vec::new();
    for (mailbox, depth) in gateway.core.depths(&query.user, limit).await? {
        if depth.ready < query.min_depth {
            continue;
        }
        mailboxes.push(Row {
            user: mailbox.user,
            session: mailbox.session,
            ready: depth.ready,
            unacked: depth.unacked,
            consumers: depth.consumers,
            alarm: depth.ready > gateway.alarm_depth,
        });
    }
    let total_ready = mailboxes.iter().map(|row| row.ready).sum();
    let json = serde_json::to_vec(&Rows { mailboxes, total_ready })
        .map_err(|error| CoreError::Internal(error.to_string()))?;
    Ok(answer::json(StatusCode::OK, Bytes::from(json)))
}
