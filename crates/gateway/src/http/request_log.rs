//! Every answer bears a request id, and every failure of ours is logged once, under that id.
//!
//! The query is never logged: it may hold a token.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use tracing::{Instrument as _, debug_span, warn};

use super::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 128;

/// Middleware: see the module's text.
pub(crate) async fn log_request<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = given_id(request.headers()).unwrap_or_else(new_id);
    let accept = debug_span!("accept", request_id = ?id, method = %request.method(), path = request.path());
    let method = request.method().clone();
    let path = request.path().to_owned();
    let outcome = next.call(request).instrument(accept).await;
    match outcome {
        Ok(mut response) => {
            if let Some(error) = response.response().error() {
                log_failure(error, &id, method.as_str(), &path);
            }
            response.headers_mut().insert(REQUEST_ID, id);
            Ok(response)
        }
        Err(error) => {
            log_failure(&error, &id, method.as_str(), &path);
            Err(error)
        }
    }
}

fn log_failure(error: &Error, id: &HeaderValue, method: &str, path: &str) {
    let Some(cause) = error.as_error::<Problem>().and_then(Problem::to_log) else { return };
    warn!(request_id = ?id, method, path, cause, "request failed: {cause}");
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
