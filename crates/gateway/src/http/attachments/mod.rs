//! `POST /v1/attachments`, `GET` and `HEAD /v1/attachments/{id}`: files that go with messages.

mod described;
pub(super) mod download;
pub(super) mod upload;

pub(crate) use download::{download, head};
pub(crate) use upload::upload;

use actix_web::HttpRequest;

use super::problem::Problem;
use super::strict;
use crate::auth::{Caller, Scope};

/// Users upload for themselves, applications for those in whose name they send.
fn may(request: &HttpRequest, caller: &Caller) -> Result<(), Problem> {
    strict::no_query(request)?;
    if caller.has(Scope::User) || caller.has(Scope::Publish) {
        return Ok(());
    }
    Err(Problem::forbidden("needs the scope user or publish"))
}
