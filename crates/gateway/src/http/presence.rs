//! `GET /v1/presence`: who is online, for those who ask.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use pollgate_model::{Presence, UserId};
use serde::Serialize;

use super::caller::needs;
use super::problem::Problem;
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Serialize)]
struct Users {
    users: Vec<Presence>,
}

/// Who of the named users is online: for a user those with whom a room is shared, for an application and operators all.
pub(crate) async fn ask(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let sees_all = caller.has(Scope::Publish) || caller.has(Scope::Operator);
    if !sees_all {
        needs(&caller, Scope::User)?;
    }
    let named = strict::repeated(&request, "user")?;
    let users: Result<Vec<UserId>, _> = named.into_iter().map(UserId::try_from).collect();
    let users = users.map_err(|error| Problem::invalid(format!("user: {error}")))?;
    gateway.throttle(&request, &caller, &Class::General).await?;
    let users = gateway.core.presence((!sees_all).then_some(&caller.user), users).await?;
    answer::value(&request, StatusCode::OK, &Users { users })
}
