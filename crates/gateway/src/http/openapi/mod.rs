//! `GET /openapi.json`: what the API takes and answers, generated from the handlers and the types they use.
//!
//! | file | holds |
//! | --- | --- |
//! | `refusals.rs` | which problems an operation answers |
//! | `finish.rs` | what no attribute can say: headers of every answer, this gateway's limits, fields that depend on each other |

mod finish;
mod refusals;
#[cfg(test)]
mod tests;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::problem::{self, Problem};
use super::{
    Gateway, amend, answer, attachments, desks, events, mailboxes, members, messages, poll, presence,
    receipts, rooms, search, stream, strict, typing,
};
pub(crate) use refusals::{
    BODY, COUNTED, CREDENTIAL, QUERY, READING, ROOM, STORING, answers, header, refusals,
};

/// Every operation of the public address. One that is forgotten here, or served nowhere, fails a test.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "pollgate",
        description = "Messages and events for waiting clients. Unknown fields, and unknown or repeated query \
            parameters, are refused with 400, another method than those described with 405. Every answer bears \
            `x-request-id`, taken from the request when it is a sane one. `Authorization: Token …` says the same as \
            `Authorization: Bearer …`.",
        license(name = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This gateway")),
    paths(
        messages::send,
        events::publish,
        events::publish_batch,
        poll::poll,
        stream::sse::stream,
        stream::ws::ws,
        stream::tickets::make,
        messages::history,
        amend::edit,
        amend::delete,
        search::search,
        rooms::list,
        rooms::create,
        rooms::get,
        rooms::patch,
        members::add,
        members::remove,
        receipts::read,
        receipts::list,
        typing::typing,
        presence::ask,
        attachments::upload::upload,
        attachments::download::download,
        attachments::download::head,
        desks::own,
        desks::agents,
        desks::join,
        desks::leave,
        mailboxes::list,
        mailboxes::purge,
        openapi,
    ),
    components(schemas(problem::Body<'static>, problem::Code)),
    tags(
        (name = "sending", description = "Messages from user to user, and an application's events"),
        (name = "receiving", description = "Waiting for what comes"),
        (name = "rooms", description = "Rooms, their members, their history, and how far it was read"),
        (name = "signals", description = "Who is typing, who is online"),
        (name = "attachments", description = "Files that go with messages"),
        (name = "desks", description = "Which agents serve which category of rooms"),
        (name = "operating", description = "With the scope `operator`, on either address"),
        (name = "description", description = "This document"),
    ),
)]
struct Api;

/// The limits of this gateway that the document names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Most bytes of a message's text.
    pub(crate) text_bytes: usize,
    /// Most recipients of one event.
    pub(crate) recipients: usize,
    /// Most events of one batch.
    pub(crate) batch_events: usize,
    /// The most events that a poll may ask for, and what it gets when it does not say.
    pub(crate) most_events: usize,
    pub(crate) poll_limit: usize,
    /// Most members of a room.
    pub(crate) room_members: usize,
    /// Most bytes of a file.
    pub(crate) attachment_bytes: u64,
    /// Most files of one message.
    pub(crate) message_attachments: usize,
    /// Polls may bring their token in the query.
    pub(crate) query_token: bool,
}

/// The document as it is served.
pub(crate) struct Document {
    json: Bytes,
    etag: HeaderValue,
}

impl Document {
    /// The document of a gateway with these limits.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which its types do not do.
    pub(crate) fn new(bounds: &Bounds) -> Result<Self, serde_json::Error> {
        let json = Bytes::from(serde_json::to_vec(&document(bounds)?)?);
        let digest = Sha256::digest(&json);
        let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        // weak: the same document, compressed or not
        let etag =
            HeaderValue::from_str(&format!("W/\"{tag}\"")).unwrap_or(HeaderValue::from_static("W/\"\""));
        Ok(Self { json, etag })
    }
}

fn document(bounds: &Bounds) -> Result<serde_json::Value, serde_json::Error> {
    let mut api = Api::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut api.info.version);
    let components = api.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A JWT, or an API token: `pollgate jwt --user ann`, `pollgate token create --user ann`",
        ))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    if bounds.query_token {
        let key =
            ApiKeyValue::with_description("token", "The same token, for clients that cannot set headers");
        components.add_security_scheme("token", SecurityScheme::ApiKey(ApiKey::Query(key)));
    }
    let key = ApiKeyValue::with_description(
        "ticket",
        "From `POST /v1/tickets`: good for a minute, once at each gateway",
    );
    components.add_security_scheme("ticket", SecurityScheme::ApiKey(ApiKey::Query(key)));
    let mut document = serde_json::to_value(&api)?;
    finish::finish(&mut document, bounds);
    Ok(document)
}

refusals!(Undescribed: QUERY);

/// The description of this API
///
/// OpenAPI 3.1, with the limits that this gateway has. It changes with the gateway's version and configuration only:
/// ask with `If-None-Match`.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describe",
    tag = "description",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the document that is at hand")),
    responses(
        Undescribed,
        (status = 200, description = "The document", body = Object, headers(("etag" = String, description = "Names this document"))),
        (status = 304, description = "The one at hand is still this one", headers(("etag" = String, description = "Names this document"))),
    ),
)]
pub(crate) async fn openapi(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    strict::no_query(&request)?;
    let document = gateway.document.as_ref().ok_or_else(|| Problem::not_found("page"))?;
    let unchanged = names(request.headers(), &document.etag);
    let status = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut head = HttpResponse::build(status);
    head.insert_header((ETAG, document.etag.clone()));
    head.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    if unchanged {
        return Ok(head.finish());
    }
    head.insert_header((CONTENT_TYPE, answer::JSON));
    let takes_gzip = answer::takes_gzip(request.headers());
    let body = answer::compressed(&mut head, document.json.clone(), takes_gzip);
    Ok(head.body(body))
}

/// `If-None-Match` names this document (RFC 9110, 13.1.2: weak comparison).
fn names(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(etag) = etag.to_str().ok().map(opaque) else { return false };
    let lists = headers.get_all(IF_NONE_MATCH).filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| tag == "*" || opaque(tag) == etag)
}

/// A tag without the mark of a weak one.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
