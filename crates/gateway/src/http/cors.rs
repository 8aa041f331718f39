//! Which pages of other origins may call: those that the configuration names, no others.

use actix_cors::Cors;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE,
};

/// A preflight answer is good for so long, in seconds.
const MAX_AGE: usize = 3600;

/// The rules for these origins; `"*"` among them allows every origin. Credentials travel in a header that the page
/// sets itself, never in a cookie, so no ambient authority is shared.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let start = if origins.iter().any(|origin| origin == "*") {
        Cors::default().allow_any_origin().send_wildcard()
    } else {
        origins.iter().fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
    };
    start
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            // parts of files, and files that a page has already
            RANGE,
            IF_RANGE,
            IF_NONE_MATCH,
            IF_MODIFIED_SINCE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("prefer"),
            // a stream that a page reads by itself says by it what it had
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("x-request-id"),
            // pages that are traced themselves
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
        ])
        .expose_headers([
            "x-request-id",
            "retry-after",
            "preference-applied",
            "ratelimit",
            "ratelimit-policy",
        ])
        .expose_headers(["content-disposition", "content-range", "accept-ranges", "etag"])
        .max_age(MAX_AGE)
}
