//! The HTTP layer: two route tables, one for the public, one for operators. All rules live in `pollgate-core`.

mod amend;
mod answer;
mod attachments;
mod call;
mod caller;
mod cors;
mod desks;
mod docs;
mod events;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod headers;
mod health;
mod idempotency;
mod mailboxes;
mod members;
mod messages;
mod metrics;
mod openapi;
mod operator;
mod operator_door;
mod origin;
mod pages;
mod poll;
mod presence;
mod problem;
mod receipts;
mod request_log;
mod rooms;
mod search;
mod stream;
pub(crate) mod strict;
mod table;
mod throttle;
mod traced;
mod typing;

use std::time::Duration;

use actix_web::web::{Data, ServiceConfig, delete, get, head, patch, post, put, route, scope};
use actix_web::{HttpRequest, HttpResponse, Scope};
use pollgate_core::Core;

use crate::auth::Authenticator;
use crate::metrics::Metrics;
use crate::trace::Tracer;
use problem::Problem;
use strict::BodyLimits;
use table::{Served, only};

pub(crate) use cors::cors;
pub(crate) use headers::guard_answer;
pub(crate) use openapi::{Bounds, Document};
pub(crate) use operator::Watchers;
pub(crate) use operator_door::{OperatorDoor, ask_at_the_door};
pub(crate) use request_log::log_request;
pub(crate) use stream::StreamRules;
pub(crate) use throttle::rate_limit_fields;

/// What the handlers share.
pub(crate) struct Gateway {
    pub(crate) core: Core,
    pub(crate) auth: Authenticator,
    /// Which requests are followed.
    pub(crate) tracer: Tracer,
    /// What this layer counts.
    pub(crate) metrics: Metrics,
    /// Who may see what operators see.
    pub(crate) door: OperatorDoor,
    /// Polls may bring their token in the query.
    pub(crate) query_token: bool,
    pub(crate) body_limits: BodyLimits,
    pub(crate) batch_limits: BodyLimits,
    /// How streams behave.
    pub(crate) streams: StreamRules,
    /// Longest hold of a poll.
    pub(crate) hold: Duration,
    /// Events in an answer when the poll does not say.
    pub(crate) poll_limit: usize,
    /// The most a poll may ask for.
    pub(crate) most_events: usize,
    /// Who watches the operator page.
    pub(crate) watchers: Watchers,
    /// The demo pages are served.
    pub(crate) demo: bool,
    /// The description of the API, and the page that shows it, where they are served.
    pub(crate) document: Option<Document>,
}

/// Room for the JSON around a text: names, ids, escapes of a text that is all control characters.
const AROUND: usize = 8 << 10;

impl Gateway {
    /// Limits of one body that holds a text of at most this many bytes.
    pub(crate) fn body_limits(text_bytes: usize, time: Duration) -> BodyLimits {
        // JSON may write one byte as six (\u0001)
        BodyLimits { bytes: text_bytes.saturating_mul(6).saturating_add(AROUND), time }
    }
}

async fn nothing_here(_request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found("resource"))
}

/// The API, under `/v1`. Each route also stands in openapi/mod.rs: a test compares the two.
fn versioned() -> Vec<Served> {
    vec![
        // senders
        only("/messages", "POST", [post().to(messages::send)]),
        only("/events", "POST", [post().to(events::publish)]),
        only("/events/batch", "POST", [post().to(events::publish_batch)]),
        only("/attachments", "POST", [post().to(attachments::upload)]),
        only(
            "/attachments/{id}",
            "GET, HEAD",
            [get().to(attachments::download), head().to(attachments::head)],
        ),
        // waiting clients
        only("/poll", "GET", [get().to(poll::poll)]),
        only("/stream", "GET", [get().to(stream::sse::stream)]),
        only("/ws", "GET", [get().to(stream::ws::ws)]),
        only("/tickets", "POST", [post().to(stream::tickets::make)]),
        // rooms
        only("/rooms", "GET, POST", [get().to(rooms::list), post().to(rooms::create)]),
        only("/rooms/{room}", "GET, PATCH", [get().to(rooms::get), patch().to(rooms::patch)]),
        only(
            "/rooms/{room}/members/{user}",
            "PUT, DELETE",
            [put().to(members::add), delete().to(members::remove)],
        ),
        only("/rooms/{room}/messages", "GET", [get().to(messages::history)]),
        only(
            "/rooms/{room}/messages/{message}",
            "PATCH, DELETE",
            [patch().to(amend::edit), delete().to(amend::delete)],
        ),
        only("/search", "GET", [get().to(search::search)]),
        only("/rooms/{room}/read", "POST", [post().to(receipts::read)]),
        only("/rooms/{room}/receipts", "GET", [get().to(receipts::list)]),
        // signals
        only("/rooms/{room}/typing", "POST", [post().to(typing::typing)]),
        only("/presence", "GET", [get().to(presence::ask)]),
        // desks
        only("/desks", "GET", [get().to(desks::own)]),
        only("/desks/{desk}/agents", "GET", [get().to(desks::agents)]),
        only(
            "/desks/{desk}/agents/{user}",
            "PUT, DELETE",
            [put().to(desks::join), delete().to(desks::leave)],
        ),
        // operators
        only("/mailboxes", "GET", [get().to(mailboxes::list)]),
        only("/mailboxes/{user}", "DELETE", [delete().to(mailboxes::purge)]),
    ]
}

/// The description of the API.
fn described() -> Vec<Served> {
    vec![only("/openapi.json", "GET", [get().to(openapi::openapi)])]
}

/// Pages for people, which the description leaves out.
fn pages(gateway: &Gateway) -> Vec<Served> {
    let mut pages = vec![only("/client/{path:.*}", "GET", [get().to(pages::client)])];
    if gateway.demo {
        pages.push(only("/demo", "GET", [get().to(pages::to_demo)]));
        pages.push(only("/demo/{path:.*}", "GET", [get().to(pages::demo)]));
    }
    if gateway.document.is_some() {
        pages.push(only("/docs", "GET", [get().to(docs::to_docs)]));
        pages.push(only("/docs/{path:.*}", "GET", [get().to(docs::docs)]));
    }
    pages
}

/// What everybody may reach.
pub(crate) fn public(config: &mut ServiceConfig, gateway: Data<Gateway>) {
    let api = versioned().into_iter().fold(scope("/v1"), Scope::service);
    config.service(api.default_service(route().to(nothing_here)));
    let document = if gateway.document.is_some() { described() } else { Vec::new() };
    for served in document.into_iter().chain(pages(&gateway)) {
        config.service(served);
    }
    config.app_data(gateway).default_service(route().to(nothing_here));
}

/// What only operators reach.
pub(crate) fn operator(config: &mut ServiceConfig, gateway: Data<Gateway>) {
    config
        .app_data(gateway)
        .service(only("/healthz", "GET", [get().to(health::alive)]))
        .service(only("/readyz", "GET", [get().to(health::ready)]))
        .service(only("/metrics", "GET", [get().to(metrics::metrics)]))
        .service(only("/v1/mailboxes", "GET", [get().to(mailboxes::list)]))
        .configure(operator::page)
        .service(only("/v1/mailboxes/{user}", "DELETE", [delete().to(mailboxes::purge)]))
        .default_service(route().to(nothing_here));
}
