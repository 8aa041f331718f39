//! From failure to answer: the one table of codes, and RFC 9457 bodies.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use pollgate_core::CoreError;
use rand::Rng as _;
use serde::Serialize;

use crate::auth::AuthError;

/// A failed request, as the client will read it. The cause that only operators may see goes to the log.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    /// For the log, never for the client.
    cause: Option<String>,
    allow: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), cause: None, allow: None }
    }

    fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// 400: the request makes no sense; the text says why.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", "Invalid request", detail)
    }

    /// 401: no credential, or one that is not good.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Not authenticated", detail)
    }

    /// 403: a good credential that does not reach so far.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// 404: no such thing.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", format!("no such {what}"))
    }

    /// 405: the resource is there, the method is not one of its.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("this resource answers {allow}");
        let mut problem =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail);
        problem.allow = Some(allow);
        problem
    }

    /// 408: the client took too long to send its request.
    pub(crate) fn too_slow(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", "Request too slow", detail)
    }

    /// 413: something is larger than it may be.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large", detail)
    }

    /// 415: a body in another form than JSON.
    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Unsupported media type",
            "send content-type: application/json",
        )
    }

    /// 422: an idempotency key that stands for another request.
    fn key_reused(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "Idempotency-Key is already used",
            detail,
        )
    }

    fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "Conflict", detail)
    }

    fn unavailable(code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title, detail)
    }

    /// What is to be logged, when it is this gateway's trouble and not the client's.
    pub(crate) fn to_log(&self) -> Option<String> {
        let cause = self.cause.as_deref().unwrap_or(&self.detail);
        self.status.is_server_error().then(|| format!("{}: {cause}", self.code))
    }

    /// Seconds until it is worth another try, uneven so that not all come back at once.
    fn retry_after(&self) -> Option<u32> {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Some(rand::rng().random_range(1..=4))
            }
            _ => None,
        }
    }
}

impl From<CoreError> for Problem {
    fn from(error: CoreError) -> Self {
        let text = error.to_string();
        match error {
            CoreError::Invalid(detail) => Self::invalid(detail),
            CoreError::TooLarge(detail) => Self::too_large(detail),
            CoreError::NotFound(what) => Self::not_found(what),
            CoreError::Forbidden(detail) => Self::forbidden(detail),
            CoreError::Conflict(detail) => Self::conflict("conflict", detail),
            CoreError::KeyReused => Self::key_reused(text),
            CoreError::Superseded => Self::conflict("superseded", text),
            CoreError::TooManyPolls { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled", "Too many held polls", text)
            }
            CoreError::Overloaded(_) => Self::unavailable("overloaded", "Overloaded", text),
            CoreError::StoreUnavailable(cause) | CoreError::StoreUncertain(cause) => {
                Self::unavailable("store-unavailable", "Database not available", text).because(cause)
            }
            CoreError::BrokerUnavailable(cause) => {
                Self::unavailable("broker-unavailable", "Broker not available", text).because(cause)
            }
            CoreError::Internal(cause) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Internal error",
                "the gateway's log has the cause under this request's id",
            )
            .because(cause),
        }
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing => Self::unauthenticated("send authorization: Bearer <token>"),
            AuthError::Unauthenticated => Self::unauthenticated("the token is not valid"),
            AuthError::Expired => {
                Self::new(StatusCode::UNAUTHORIZED, "token-expired", "Token expired", "the token has expired")
            }
            AuthError::Unavailable(cause) => CoreError::from(cause).into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let body = Body {
            r#type: format!("urn:pollgate:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
        };
        // texts and a number: writing them cannot fail
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
        if let Some(seconds) = self.retry_after() {
            answer.insert_header((RETRY_AFTER, seconds));
        }
        if let Some(allow) = self.allow {
            answer.insert_header((ALLOW, HeaderValue::from_static(allow)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        answer.body(json)
    }
}
