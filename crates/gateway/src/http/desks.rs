//! `/v1/desks`: which agents serve which category of rooms.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use pollgate_model::{Label, UserId};
use serde::Serialize;

use super::caller::needs;
use super::openapi::{COUNTED, CREDENTIAL, QUERY, STORING, refusals};
use super::problem::Problem;
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Serialize, utoipa::ToSchema)]
struct Desks {
    /// Categories of rooms; the first thousand.
    desks: Vec<Label>,
}

refusals!(Refused: CREDENTIAL, QUERY, STORING, COUNTED);

/// List the desks that the caller serves
#[utoipa::path(
    get,
    path = "/v1/desks",
    operation_id = "listDesks",
    tag = "desks",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("general"))),
    responses((status = 200, description = "The desks", body = Desks), Refused),
)]
pub(crate) async fn own(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    strict::no_query(&request)?;
    gateway.throttle(&request, &caller, &Class::General).await?;
    let desks = gateway.core.desks_of(&caller.user).await?;
    answer::value(&request, StatusCode::OK, &Desks { desks })
}

#[derive(Serialize, utoipa::ToSchema)]
struct Agents {
    /// At most a thousand serve a desk.
    agents: Vec<UserId>,
}

fn desk(text: &str) -> Result<Label, Problem> {
    text.parse().map_err(|e| Problem::invalid(format!("desk: {e}")))
}

/// List the agents of a desk
///
/// For the agents of that desk, who hand over to each other, and with the scope `publish`.
#[utoipa::path(
    get,
    path = "/v1/desks/{desk}/agents",
    operation_id = "listAgents",
    tag = "desks",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("general"))),
    params(("desk" = Label, Path, description = "The category of the rooms that wait there")),
    responses((status = 200, description = "The agents; nobody, where nobody serves it", body = Agents), Refused),
)]
pub(crate) async fn agents(
    request: HttpRequest,
    path: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    strict::no_query(&request)?;
    let desk = desk(&path)?;
    gateway.throttle(&request, &caller, &Class::General).await?;
    let agents = gateway.core.agents(&desk).await?;
    let among_them = caller.has(Scope::User) && agents.contains(&caller.user);
    if !among_them {
        needs(&caller, Scope::Publish)?;
    }
    answer::value(&request, StatusCode::OK, &Agents { agents })
}

fn named((text, user): (String, String)) -> Result<(Label, UserId), Problem> {
    let user = user.parse().map_err(|e| Problem::invalid(format!("user: {e}")))?;
    Ok((desk(&text)?, user))
}

/// Let a user serve a desk
///
/// Needs the scope `publish`. The agents of a desk see and take the rooms of that category that nobody looks after.
#[utoipa::path(
    put,
    path = "/v1/desks/{desk}/agents/{user}",
    operation_id = "joinDesk",
    tag = "desks",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("publish"))),
    params(("desk" = Label, Path, description = "The category of the rooms that wait there"), ("user" = UserId, Path, description = "The agent")),
    responses((status = 204, description = "The user serves the desk"), Refused),
)]
pub(crate) async fn join(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::Publish)?;
    strict::no_query(&request)?;
    let (desk, user) = named(path.into_inner())?;
    gateway.throttle(&request, &caller, &Class::General).await?;
    gateway.core.join_desk(&desk, &user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Let a user serve a desk no more
///
/// Needs the scope `publish`. What the user looks after stays with the user.
#[utoipa::path(
    delete,
    path = "/v1/desks/{desk}/agents/{user}",
    operation_id = "leaveDesk",
    tag = "desks",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("publish"))),
    params(("desk" = Label, Path, description = "The category of the rooms that wait there"), ("user" = UserId, Path, description = "The agent")),
    responses((status = 204, description = "The user does not serve the desk"), Refused),
)]
pub(crate) async fn leave(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::Publish)?;
    strict::no_query(&request)?;
    let (desk, user) = named(path.into_inner())?;
    gateway.throttle(&request, &caller, &Class::General).await?;
    gateway.core.leave_desk(&desk, &user).await?;
    Ok(HttpResponse::NoContent().finish())
}
