//! `/v1/desks`: which agents serve which category of rooms.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_model::{Label, UserId};
use serde::Serialize;

use super::caller::needs;
use super::problem::Problem;
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Serialize)]
struct Desks {
    desks: Vec<Label>,
}

/// The desks that the caller serves.
pub(crate) async fn own(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    strict::no_query(&request)?;
    let desks = gateway.core.desks_of(&caller.user).await?;
    answer::value(&request, StatusCode::OK, &Desks { desks })
}

#[derive(Serialize)]
struct Agents {
    agents: Vec<UserId>,
}

fn desk(text: &str) -> Result<Label, Problem> {
    text.parse().map_err(|e| Problem::invalid(format!("desk: {e}")))
}

/// The agents of a desk, for back ends.
pub(crate) async fn agents(
    request: HttpRequest,
    path: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    needs(&gateway.caller(&request).await?, Scope::Publish)?;
    strict::no_query(&request)?;
    let agents = gateway.core.agents(&desk(&path)?).await?;
    answer::value(&request, StatusCode::OK, &Agents { agents })
}

fn named((text, user): (String, String)) -> Result<(Label, UserId), Problem> {
    let user = user.parse().map_err(|e| Problem::invalid(format!("user: {e}")))?;
    Ok((desk(&text)?, user))
}

/// A user serves a desk from now on.
pub(crate) async fn join(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    needs(&gateway.caller(&request).await?, Scope::Publish)?;
    strict::no_query(&request)?;
    let (desk, user) = named(path.into_inner())?;
    gateway.core.join_desk(&desk, &user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A user serves a desk no more.
pub(crate) async fn leave(
    request: HttpRequest,
    path: Path<(String, String)>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    needs(&gateway.caller(&request).await?, Scope::Publish)?;
    strict::no_query(&request)?;
    let (desk, user) = named(path.into_inner())?;
    gateway.core.leave_desk(&desk, &user).await?;
    Ok(HttpResponse::NoContent().finish())
}
