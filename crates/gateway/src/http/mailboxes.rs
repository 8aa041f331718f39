//! `/v1/mailboxes`: how much waits where, and deleting it; for operators.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::ListedDepth;
use pollgate_model::{Mailbox, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::openapi::{CREDENTIAL, QUERY, READING, ROOM, STORING, refusals};
use super::problem::Problem;
use super::{Gateway, answer, strict};

/// How many events a purge deleted.
const PURGED: &str = "x-purged-events";
/// Most mailboxes in one answer.
const LONGEST: usize = 100;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DepthQuery {
    /// Whose mailboxes. Without it the deepest of all users.
    #[param(nullable = false)]
    user: Option<UserId>,
    /// Only those of this session: the user's, or of those that would be listed without it.
    #[param(nullable = false)]
    session: Option<SessionId>,
    /// Leaves out those with fewer events waiting.
    #[serde(default)]
    #[param(minimum = 0)]
    min_depth: u64,
    /// The most mailboxes to list.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 100)]
    limit: Option<usize>,
}

/// How much waits in one mailbox.
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
    /// An alarm stands: more than `mailbox.alarm_depth` wait, or did, and no fifth less does yet.
    alarm: bool,
    /// When the broker said so: now, unless it is away.
    looked_at: Timestamp,
}

impl From<ListedDepth> for Row {
    fn from(ListedDepth { mailbox, depth, alarm, looked_at }: ListedDepth) -> Self {
        Self {
            user: mailbox.user,
            session: mailbox.session,
            ready: depth.ready,
            unacked: depth.unacked,
            consumers: depth.consumers,
            alarm,
            looked_at,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MailboxDepths)]
struct Rows {
    mailboxes: Vec<Row>,
    /// Events that wait in all of these.
    total_ready: u64,
}

refusals!(ListRefused: CREDENTIAL, QUERY, READING, STORING);

/// See how much waits
///
/// Needs the scope `operator`. With `user`: the user's main mailbox, those of the sessions that this gateway attends, and
/// those that are noted. Without: the noted ones of all users, the deepest first. A mailbox is noted by any gateway that
/// finds a tenth of `mailbox.alarm_depth` waiting there, or more.
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
    let listed = match (query.user, query.session) {
        (None, session) => {
            let mut deepest = gateway.core.deepest(query.min_depth, limit).await?;
            deepest.retain(|row| session.is_none() || row.mailbox.session == session);
            deepest
        }
        (Some(user), session) => {
            let all = session.is_none();
            gateway.core.depths_of(&Mailbox { user, session }, all, limit).await?
        }
    };
    let deep = listed.into_iter().filter(|row| row.depth.ready >= query.min_depth);
    let mailboxes: Vec<Row> = deep.map(Row::from).collect();
    let total_ready = mailboxes.iter().map(|row| row.ready).sum();
    answer::value(&request, StatusCode::OK, &Rows { mailboxes, total_ready })
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PurgeQuery {
    /// The mailbox of this session; without it the user's main one.
    #[param(nullable = false)]
    session: Option<SessionId>,
}

refusals!(PurgeRefused: CREDENTIAL, QUERY, ROOM, READING, STORING);

/// Delete what waits in a mailbox
///
/// Needs the scope `operator`. Its reader is told to resync, and reads what is in the history; an application's own events are
/// lost to that reader. What is accepted and not yet with the broker still comes.
#[utoipa::path(
    delete,
    path = "/v1/mailboxes/{user}",
    operation_id = "purgeMailbox",
    tag = "operating",
    security(("bearer" = [])),
    params(("user" = UserId, Path, description = "Whose mailbox"), PurgeQuery),
    responses(
        (status = 204, description = "It is empty", headers(("x-purged-events" = u64, description = "How many events waited there"))),
        PurgeRefused,
    ),
)]
pub(crate) async fn purge(
    request: HttpRequest,
    path: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let by = gateway.operator(&request).await?;
    let query: PurgeQuery = strict::query(&request)?;
    let user = path.into_inner().try_into().map_err(|e| Problem::invalid(format!("user: {e}")))?;
    let mailbox = Mailbox { user, session: query.session };
    let purged = gateway.core.purge(&by, &mailbox).await?;
    let events = purged.ok_or_else(|| Problem::not_found("mailbox"))?;
    Ok(HttpResponse::NoContent().insert_header((PURGED, events.to_string())).finish())
}
