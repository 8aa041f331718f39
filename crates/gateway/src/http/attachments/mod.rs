//! `POST /v1/attachments`, `GET` and `HEAD /v1/attachments/{id}`: files that go with messages.

mod download;
mod upload;

pub(crate) use download::{download, head};
pub(crate) use upload::upload;

use actix_web::HttpRequest;
use serde::Deserialize;

use super::problem::Problem;
use super::strict;
use crate::auth::{Caller, Scope};

/// Neither takes anything in its query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

/// Users upload for themselves, applications for those in whose name they send.
fn may(request: &HttpRequest, caller: &Caller) -> Result<(), Problem> {
    let NoQuery {} = strict::query(request)?;
    if caller.has(Scope::User) || caller.has(Scope::Publish) {
        return Ok(());
    }
    Err(Problem::forbidden("needs the scope user or publish"))
}
