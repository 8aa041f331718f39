//! Every answer bears a request id, and every failure of ours is logged once, under that id.
//!
//! The query is never logged: it may hold a token.

use std::net::IpAddr;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use tracing::{Instrument as _, debug_span, warn};

use super::problem::Problem;
use super::{Gateway, traced};
use crate::settings::TrustedProxies;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const LONGEST: usize = 128;

/// Middleware: see the module's text.
pub(crate) async fn log_request<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = given_id(request.headers()).unwrap_or_else(new_id);
    let span = traced::begin(&request);
    let trace_id = traced::trace_id(span.as_ref());
    let accept = debug_span!(
        "accept",
        request_id = ?id,
        method = %request.method(),
        path = request.path(),
        client = client(&request).map(tracing::field::display),
        trace_id,
    );
    let method = request.method().clone();
    let path = request.path().to_owned();
    let gateway = span.is_some().then(|| request.app_data::<Data<Gateway>>().cloned()).flatten();
    let outcome = next.call(request).instrument(accept).await;
    if let (Some(span), Some(gateway)) = (span, gateway) {
        let (route, status) = match &outcome {
            Ok(response) => (response.request().match_pattern(), response.status()),
            Err(error) => (None, error.as_response_error().status_code()),
        };
        traced::answered(&gateway, span, &method, route.as_deref(), status);
    }
    match outcome {
        Ok(mut response) => {
            if let Some(error) = response.response().error() {
                log_failure(error, &id, trace_id.as_deref(), method.as_str(), &path);
            }
            response.headers_mut().insert(REQUEST_ID, id);
            Ok(response)
        }
        Err(error) => {
            log_failure(&error, &id, trace_id.as_deref(), method.as_str(), &path);
            Err(error)
        }
    }
}

/// The client's address, seen through the proxies that are trusted.
fn client(request: &ServiceRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let Some(proxies) = request.app_data::<Data<TrustedProxies>>().filter(|proxies| !proxies.is_empty())
    else {
        return Some(peer.to_canonical());
    };
    // several such headers are one list, in their order (RFC 9110, 5.3)
    let lists: Vec<&str> =
        request.headers().get_all(FORWARDED_FOR).filter_map(|list| list.to_str().ok()).collect();
    Some(proxies.client_address(peer, Some(&lists.join(","))))
}

fn log_failure(error: &Error, id: &HeaderValue, trace_id: Option<&str>, method: &str, path: &str) {
    let Some(cause) = error.as_error::<Problem>().and_then(Problem::to_log) else { return };
    warn!(request_id = ?id, trace_id, method, path, cause, "request failed: {cause}");
}

/// The client's own id, when it is a sane one: short, and nothing that could forge a log line.
fn given_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let given = headers.get(REQUEST_ID)?;
    let text = given.to_str().ok()?;
    let sane =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'=');
    let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(sane);
    fits.then(|| given.clone())
}

fn new_id() -> HeaderValue {
    let mut text = [0_u8; 36];
    let id = uuid::Uuid::now_v7();
    // a UUID is digits and dashes
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_client_stands_behind_trusted_proxies_only() {
        let request = || {
            TestRequest::default()
                .peer_addr("10.0.0.1:4711".parse().unwrap())
                .append_header((FORWARDED_FOR, "1.1.1.1, 192.0.2.7"))
                .append_header((FORWARDED_FOR, "10.0.0.2"))
        };
        let address = |request: TestRequest| client(&request.to_srv_request()).unwrap().to_string();
        assert_eq!(address(request()), "10.0.0.1");
        let proxies = TrustedProxies::try_from(vec!["10.0.0.0/8".to_owned()]).unwrap();
        assert_eq!(address(request().app_data(Data::new(proxies))), "192.0.2.7");
    }
}
