//! `GET /v1/search`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use pollgate_model::{SearchCursor, SearchQuery};
use serde::Deserialize;

use super::caller::needs;
use super::problem::Problem;
use super::rooms::{page_limit, room_id};
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    q: String,
    room: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

/// A page of what is found in the caller's rooms.
pub(crate) async fn search(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    needs(&caller, Scope::User)?;
    let asked: Asked = strict::query(&request)?;
    let query = SearchQuery::parse(&asked.q).map_err(|e| Problem::invalid(format!("q: {e}")))?;
    let before: Result<Option<SearchCursor>, _> = asked.before.map(|text| text.parse()).transpose();
    let before = before.map_err(|e| Problem::invalid(format!("before: {e}")))?;
    let limit = page_limit(asked.limit)?;
    let room = asked.room.as_deref().map(room_id).transpose()?;
    gateway.throttle(&request, &caller, &Class::General).await?;
    let page = gateway.core.search(&caller.user, query, room, before, limit).await?;
    answer::value(&request, StatusCode::OK, &page)
}
