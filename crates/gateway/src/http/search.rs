//! `GET /v1/search`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::Class;
use pollgate_model::{RoomId, SearchCursor, SearchPage, SearchQuery};
use serde::Deserialize;

use super::call::Call;
use super::caller::needs;
use super::openapi::{COUNTED, CREDENTIAL, QUERY, ROOM, STORING, refusals};
use super::problem::Problem;
use super::rooms::{page_limit, room_id};
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Words, at most 32, all of which stand in a message that is found. Quotes make a phrase, and the last word may be the
    /// beginning of one.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\u0000]*$", example = "order late")]
    q: String,
    /// In this room only.
    #[param(nullable = false, value_type = Option<RoomId>)]
    room: Option<String>,
    /// The `next` of the page before: older messages.
    #[param(nullable = false, value_type = Option<SearchCursor>)]
    before: Option<String>,
    /// The most messages to answer.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
}

impl Asked {
    /// Finds it.
    pub(super) async fn run(self, call: &Call<'_>) -> Result<SearchPage, Problem> {
        needs(call.caller, Scope::User)?;
        let query = SearchQuery::parse(&self.q).map_err(|e| Problem::invalid(format!("q: {e}")))?;
        let before: Result<Option<SearchCursor>, _> = self.before.map(|text| text.parse()).transpose();
        let before = before.map_err(|e| Problem::invalid(format!("before: {e}")))?;
        let limit = page_limit(self.limit)?;
        let room = self.room.as_deref().map(room_id).transpose()?;
        call.throttle(&Class::General).await?;
        Ok(call.gateway.core.search(&call.caller.user, query, room, before, limit).await?)
    }
}

refusals!(SearchRefused: CREDENTIAL, QUERY, ROOM, STORING, COUNTED);

/// Search messages
///
/// In the rooms of which the caller is a member now, newest message first. 404 also when search is switched off.
#[utoipa::path(
    get,
    path = "/v1/search",
    operation_id = "searchMessages",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("general"))),
    params(Asked),
    responses((status = 200, description = "What is found", body = SearchPage), SearchRefused),
)]
pub(crate) async fn search(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let asked: Asked = strict::query(&request)?;
    let page = asked.run(&Call::http(&gateway, &caller, &request)).await?;
    answer::value(&request, StatusCode::OK, &page)
}
