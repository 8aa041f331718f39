//! `GET /v1/mailboxes`: how much waits for a user, for operators.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::CoreError;
use pollgate_model::{SessionId, UserId};
use serde::{Deserialize, Serialize};

use super::openapi::{CREDENTIAL, QUERY, READING, refusals};
use super::problem::Problem;
use super::{Gateway, answer, strict};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DepthQuery {
    /// Whose mailboxes.
    user: UserId,
    /// Leaves out those with fewer events waiting.
    #[serde(default)]
    #[param(minimum = 0)]
    min_depth: u64,
    /// The most mailboxes to look at.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 100)]
    limit: Option<usize>,
}

/// How much waits in one mailbox, as the broker counts it now.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MailboxDepth)]
struct Row {
    user: UserId,
    /// Null: the user's main mailbox.
    session: Option<SessionId>,
    /// Events that wait. May count some that have expired and not yet reached the head.
    ready: u64,
    /// Delivered to a gateway and not yet confirmed, where the broker says so.
    unacked: Option<u64>,
    /// How many read it.
    consumers: u64,
    /// More wait than `mailbox.alarm_depth`.
    alarm: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MailboxDepths)]
struct Rows {
    mailboxes: Vec<Row>,
    /// Events that wait in all of these.
    total_ready: u64,
}

const LONGEST: usize = 100;

refusals!(ListRefused: CREDENTIAL, QUERY, READING);

/// See how much waits for a user
///
/// Needs the scope `operator`. The user's main mailbox and those of the sessions that this gateway attends.
#[utoipa::path(
    get,
    path = "/v1/mailboxes",
    operation_id = "listMailboxes",
    tag = "operating",
    security(("bearer" = [])),
    params(DepthQuery),
    responses((status = 200, description = "The mailboxes", body = Rows), ListRefused),
)]
pub(crate) async fn list(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    gateway.operator(&request).await?;
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
