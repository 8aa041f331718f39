//! Which page a request comes from.

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// The origin of a page that is not this server's own; `None`: it is, or no browser asks.
pub(crate) fn foreign(headers: &HeaderMap) -> Option<&str> {
    let origin = headers.get(ORIGIN)?.to_str().unwrap_or("null");
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").is_some_and(|(_, authority)| host == Some(authority));
    (!own).then_some(origin)
}
