//! `GET /v1/presence`: who is online, for those who ask.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use pollgate_model::{Presence, UserId};
use serde::Serialize;

use super::call::Call;
use super::caller::needs;
use super::openapi::{COUNTED, CREDENTIAL, QUERY, STORING, refusals};
use super::problem::Problem;
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Presences)]
pub(super) struct Users {
    /// In the order of the question, each user once.
    users: Vec<Presence>,
}

impl Users {
    /// Those who are asked for.
    pub(super) async fn of(call: &Call<'_>, named: Vec<String>) -> Result<Self, Problem> {
        let sees_all = call.caller.has(Scope::Publish) || call.caller.has(Scope::Operator);
        if !sees_all {
            needs(call.caller, Scope::User)?;
        }
        let users: Result<Vec<UserId>, _> = named.into_iter().map(UserId::try_from).collect();
        let users = users.map_err(|error| Problem::invalid(format!("user: {error}")))?;
        call.throttle(&Class::General).await?;
        let asks = (!sees_all).then_some(&call.caller.user);
        Ok(Self { users: call.gateway.core.presence(asks, users).await? })
    }
}

refusals!(AskRefused: CREDENTIAL, QUERY, STORING, COUNTED);

/// See who is online
///
/// A user sees those with whom a room is shared, everybody else looks as if never seen. With the scope `publish` or
/// `operator` all are seen.
#[utoipa::path(
    get,
    path = "/v1/presence",
    operation_id = "readPresence",
    tag = "signals",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("general"))),
    params(("user" = Vec<UserId>, Query, description = "Who is asked for; may be repeated", style = Form, explode, min_items = 1, max_items = 100)),
    responses((status = 200, description = "The users", body = Users), AskRefused),
)]
pub(crate) async fn ask(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let named = strict::repeated(&request, "user")?;
    let users = Users::of(&Call::http(&gateway, &caller, &request), named).await?;
    answer::value(&request, StatusCode::OK, &users)
}
