//! `GET /v1/search`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::CoreError;
use pollgate_model::{SearchCursor, SearchQuery};
use serde::Deserialize;

use super::caller::needs;
use super::messages::{limit, room_id};
use super::problem::Problem;
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
    let limit = limit(asked.limit)?;
    let room = asked.room.as_deref().map(room_id).transpose()?;
    let page = gateway.core.search(&caller.user, query, room, before, limit).await?;
    let json = serde_json::to_vec(&page).map_err(|e| CoreError::Internal(e.to_string()))?;
    let mut head = answer::json_head(StatusCode::OK);
    let body = answer::compressed(&mut head, Bytes::from(json), answer::takes_gzip(request.headers()));
    Ok(head.body(body))
}
