//! `POST /v1/tickets`: a short-lived credential for streams, whose addresses show in logs.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::{Class, CoreError};
use pollgate_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::caller::needs;
use super::super::openapi::{BODY, COUNTED, CREDENTIAL, refusals};
use super::super::problem::{Code, Problem};
use super::super::{Gateway, answer, strict};
use crate::auth::Scope;

/// Nothing.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTicket)]
struct Posted {}

/// A ticket.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Ticket)]
struct Made {
    /// For `?ticket=`; good once at each gateway.
    ticket: String,
    expires_at: Timestamp,
}

refusals!(TicketRefused: CREDENTIAL, BODY, COUNTED, &[Code::NotFound]);

/// Get a ticket for a stream
///
/// For browsers, which cannot set headers on a WebSocket or an `EventSource`. It is good for a minute; a stream opened with
/// it lasts as long as the credential that the ticket was made with. 404 where the gateway has no secret to sign it with.
#[utoipa::path(
    post,
    path = "/v1/tickets",
    operation_id = "makeTicket",
    tag = "receiving",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("general"))),
    request_body = Option<Posted>,
    responses((status = 201, description = "The ticket", body = Made), TicketRefused),
)]
pub(crate) async fn make(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    let _nothing: Option<Posted> = strict::maybe_json(&request, payload, gateway.body_limits).await?;
    let tickets = gateway.auth.tickets().ok_or_else(Problem::no_tickets)?;
    gateway.throttle(&request, &caller, &Class::General).await?;
    let ticket = tickets.make(&caller).map_err(|error| CoreError::Internal(error.to_string()))?;
    let made = Made { ticket: ticket.text, expires_at: ticket.expires_at };
    answer::value(&request, StatusCode::CREATED, &made)
}
