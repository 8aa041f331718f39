//! Who calls: the credential of a request, wherever the route allows it.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use pollgate_core::Actor;
use pollgate_model::UserId;

use super::Gateway;
use super::problem::Problem;
use crate::auth::{AuthError, Caller, Scope, credential};

impl Gateway {
    /// The caller by the `Authorization` header.
    pub(crate) async fn caller(&self, request: &HttpRequest) -> Result<Caller, Problem> {
        self.caller_with(request, None).await
    }

    /// The caller by the header, or by a token from the query where the route takes one.
    pub(crate) async fn caller_with(
        &self,
        request: &HttpRequest,
        query_token: Option<&str>,
    ) -> Result<Caller, Problem> {
        let header = request.headers().get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let given = match (header, query_token) {
            (Some(header), _) => credential(header),
            (None, Some(_)) if !self.query_token => {
                return Err(Problem::unauthenticated("tokens in the query are switched off"));
            }
            (None, token) => token,
        };
        let given = given.ok_or(AuthError::Missing)?;
        Ok(self.auth.authenticate(given).await?)
    }
}

/// Refuses a caller without the scope.
pub(crate) fn needs(caller: &Caller, scope: Scope) -> Result<(), Problem> {
    if caller.has(scope) {
        return Ok(());
    }
    Err(Problem::forbidden(format!("needs the scope {scope}")))
}

/// On whose behalf a caller changes a room: its own, or, for a back end, in the name of a user, with that user's rights.
pub(crate) fn actor(caller: &Caller, from: Option<UserId>) -> Result<Actor, Problem> {
    if let Some(user) = from {
        needs(caller, Scope::Publish)?;
        return Ok(Actor::user(user));
    }
    let back_end = caller.has(Scope::Publish);
    if !back_end {
        needs(caller, Scope::User)?;
    }
    Ok(Actor { user: caller.has(Scope::User).then(|| caller.user.clone()), back_end })
}

/// The user in whose name a caller speaks: itself, or, for a back end, somebody else.
pub(crate) fn speaker(caller: &Caller, from: Option<UserId>) -> Result<UserId, Problem> {
    match from {
        None => needs(caller, Scope::User).map(|()| caller.user.clone()),
        Some(user) => needs(caller, Scope::Publish).map(|()| user),
    }
}
