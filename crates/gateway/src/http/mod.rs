//! The HTTP layer: two route tables, one for the public, one for operators. All rules live in `pollgate-core`.

mod amend;
mod answer;
mod caller;
mod cors;
mod desks;
mod events;
mod health;
mod idempotency;
mod mailboxes;
mod members;
mod messages;
mod metrics;
mod pages;
mod poll;
mod problem;
mod receipts;
mod request_log;
mod rooms;
mod search;
pub(crate) mod strict;

use std::time::Duration;

use actix_web::web::{Data, ServiceConfig, delete, get, patch, post, put, resource, route, scope};
use actix_web::{HttpRequest, HttpResponse, Resource, Route};
use pollgate_core::Core;

use crate::auth::Authenticator;
use crate::metrics::Metrics;
use problem::Problem;
use strict::BodyLimits;

pub(crate) use cors::cors;
pub(crate) use request_log::log_request;

/// What the handlers share.
pub(crate) struct Gateway {
    pub(crate) core: Core,
    pub(crate) auth: Authenticator,
    /// What this layer counts.
    pub(crate) metrics: Metrics,
    /// Polls may bring their token in the query.
    pub(crate) query_token: bool,
    pub(crate) body_limits: BodyLimits,
    pub(crate) batch_limits: BodyLimits,
    /// Longest hold of a poll.
    pub(crate) hold: Duration,
    /// Events in an answer when the poll does not say.
    pub(crate) poll_limit: usize,
    /// The most a poll may ask for.
    pub(crate) most_events: usize,
    /// More events than this waiting in a mailbox is an alarm.
    pub(crate) alarm_depth: u64,
    /// The demo pages are served.
    pub(crate) demo: bool,
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

/// A resource that answers some methods, and says which ones to all others.
fn only(path: &str, allow: &'static str, routes: impl IntoIterator<Item = Route>) -> Resource {
    let refused = move || async move { Err::<HttpResponse, Problem>(Problem::method_not_allowed(allow)) };
    routes.into_iter().fold(resource(path), Resource::route).default_service(route().to(refused))
}

async fn nothing_here(_request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found("resource"))
}

/// What everybody may reach.
pub(crate) fn public(config: &mut ServiceConfig, gateway: Data<Gateway>) {
    let demo = gateway.demo;
    config.app_data(gateway).service(
        scope("/v1")
            // senders
            .service(only("/messages", "POST", [post().to(messages::send)]))
            .service(only("/events", "POST", [post().to(events::publish)]))
            .service(only("/events/batch", "POST", [post().to(events::publish_batch)]))
            // waiting clients
            .service(only("/poll", "GET", [get().to(poll::poll)]))
            // rooms
            .service(only("/rooms", "GET, POST", [get().to(rooms::list), post().to(rooms::create)]))
            .service(only("/rooms/{room}", "GET, PATCH", [get().to(rooms::get), patch().to(rooms::patch)]))
            .service(only(
                "/rooms/{room}/members/{user}",
                "PUT, DELETE",
                [put().to(members::add), delete().to(members::remove)],
            ))
            .service(only("/rooms/{room}/messages", "GET", [get().to(messages::history)]))
            .service(only(
                "/rooms/{room}/messages/{message}",
                "PATCH, DELETE",
                [patch().to(amend::edit), delete().to(amend::delete)],
            ))
            .service(only("/search", "GET", [get().to(search::search)]))
            .service(only("/rooms/{room}/read", "POST", [post().to(receipts::read)]))
            .service(only("/rooms/{room}/receipts", "GET", [get().to(receipts::list)]))
            // desks
            .service(only("/desks", "GET", [get().to(desks::own)]))
            .service(only("/desks/{desk}/agents", "GET", [get().to(desks::agents)]))
            .service(only(
                "/desks/{desk}/agents/{user}",
                "PUT, DELETE",
                [put().to(desks::join), delete().to(desks::leave)],
            ))
            // operators
            .service(only("/mailboxes", "GET", [get().to(mailboxes::list)]))
            .default_service(route().to(nothing_here)),
    );
    if demo {
        config.service(only("/demo", "GET", [get().to(pages::to_demo)]));
        config.service(only("/demo/{path:.*}", "GET", [get().to(pages::demo)]));
    }
    config.default_service(route().to(nothing_here));
}

/// What only operators reach.
pub(crate) fn operator(config: &mut ServiceConfig, gateway: Data<Gateway>) {
    config
        .app_data(gateway)
        .service(only("/healthz", "GET", [get().to(health::alive)]))
        .service(only("/readyz", "GET", [get().to(health::ready)]))
        .service(only("/metrics", "GET", [get().to(metrics::metrics)]))
        .service(only("/v1/mailboxes", "GET", [get().to(mailboxes::list)]))
        .default_service(route().to(nothing_here));
}
