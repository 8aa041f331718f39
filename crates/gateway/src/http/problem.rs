//! From failure to answer: the one table of codes, and RFC 9457 bodies.

use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::{HttpResponse, ResponseError};
use pollgate_core::CoreError;
use rand::Rng as _;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::auth::AuthError;

/// Asks a browser to ask its user for a password (RFC 7617).
const PASSWORD: &str = "Basic realm=\"pollgate operators\", charset=\"UTF-8\"";

/// What went wrong, for programs. Stable: a client may decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(as = ProblemCode, rename_all = "kebab-case")]
pub(crate) enum Code {
    InvalidRequest,
    Unauthenticated,
    TokenExpired,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    Superseded,
    TooLarge,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    IdempotencyKeyReused,
    Throttled,
    Internal,
    Overloaded,
    StoreUnavailable,
    BrokerUnavailable,
}

impl Code {
    /// The one table: the status of every answer with this code, and the code as it stands there.
    const fn answer(self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid-request"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::TokenExpired => (StatusCode::UNAUTHORIZED, "token-expired"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request-timeout"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict"),
            Self::Superseded => (StatusCode::CONFLICT, "superseded"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Self::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
            Self::RangeNotSatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable"),
            Self::IdempotencyKeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"),
            Self::Throttled => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
            Self::StoreUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable"),
            Self::BrokerUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "broker-unavailable"),
        }
    }

    pub(crate) const fn status(self) -> StatusCode {
        self.answer().0
    }

    pub(crate) const fn as_str(self) -> &'static str {
        self.answer().1
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// A failed request, as the client will read it. The cause that only operators may see goes to the log.
#[derive(Debug)]
pub(crate) struct Problem {
    code: Code,
    title: &'static str,
    detail: String,
    /// For the log, never for the client.
    cause: Option<String>,
    allow: Option<&'static str>,
    /// A password will do as well (RFC 9110, 11.6.1).
    takes_password: bool,
    /// A try before this time makes no sense.
    later: Duration,
    /// How long the whole is of which a part was asked for.
    whole: Option<u64>,
}

/// Why a request failed (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'a> {
    /// `urn:pollgate:problem:` and the code.
    r#type: String,
    /// The code in words.
    title: &'a str,
    /// The answer's status.
    status: u16,
    /// What was wrong this time; for people.
    detail: &'a str,
    code: Code,
    /// Seconds until it is worth another try; over a WebSocket only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    retry_after: Option<u32>,
}

impl Problem {
    fn new(code: Code, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            title,
            detail: detail.into(),
            cause: None,
            allow: None,
            takes_password: false,
            later: Duration::ZERO,
            whole: None,
        }
    }

    fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// 400: the request makes no sense; the text says why.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, "Invalid request", detail)
    }

    /// 401: no credential, or one that is not good.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(Code::Unauthenticated, "Not authenticated", detail)
    }

    /// 401 for operators: a browser asks its user for a password.
    pub(crate) fn no_operator(detail: impl Into<String>) -> Self {
        Self { takes_password: true, ..Self::unauthenticated(detail) }
    }

    /// 403: a good credential that does not reach so far.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, "Not allowed", detail)
    }

    /// 404: no such thing.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, "Not found", format!("no such {what}"))
    }

    /// 405: the resource is there, the method is not one of its.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("this resource answers {allow}");
        let mut problem = Self::new(Code::MethodNotAllowed, "Method not allowed", detail);
        problem.allow = Some(allow);
        problem
    }

    /// 408: the client took too long to send its request.
    pub(crate) fn too_slow(detail: impl Into<String>) -> Self {
        Self::new(Code::RequestTimeout, "Request too slow", detail)
    }

    /// 413: something is larger than it may be.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(Code::TooLarge, "Too large", detail)
    }

    /// 415: a body in another form than is asked for, or a file of another type than may be uploaded.
    pub(crate) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(Code::UnsupportedMediaType, "Unsupported media type", detail)
    }

    /// 416: the range that is asked for lies outside.
    pub(crate) fn no_such_range(size: u64) -> Self {
        let detail = format!("range: there are {size} bytes");
        let mut problem = Self::new(Code::RangeNotSatisfiable, "No such range", detail);
        problem.whole = Some(size);
        problem
    }

    /// 422: an idempotency key that stands for another request.
    fn key_reused(detail: impl Into<String>) -> Self {
        Self::new(Code::IdempotencyKeyReused, "Idempotency-Key is already used", detail)
    }

    fn conflict(code: Code, detail: impl Into<String>) -> Self {
        Self::new(code, "Conflict", detail)
    }

    fn unavailable(code: Code, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(code, title, detail)
    }

    /// 404: there are no tickets at this gateway.
    pub(crate) fn no_tickets() -> Self {
        let detail = "there are no tickets here: tokens are verified by a public key, and auth.ticket_secret is not set";
        Self::new(Code::NotFound, "Not found", detail)
    }

    /// Its code.
    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    /// What its reader is told; over a WebSocket also when it is worth another try, which over HTTP a header says.
    fn body(&self, retry_after: Option<u32>) -> Vec<u8> {
        let body = Body {
            r#type: format!("urn:pollgate:problem:{}", self.code.as_str()),
            title: self.title,
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code,
            retry_after,
        };
        // texts and a number: writing them cannot fail
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The same as [`error_response`](ResponseError::error_response), as JSON alone.
    pub(crate) fn json(&self) -> Vec<u8> {
        self.body(self.retry_after())
    }

    /// What is to be logged, when it is this gateway's trouble and not the client's.
    pub(crate) fn to_log(&self) -> Option<String> {
        let cause = self.cause.as_deref().unwrap_or(&self.detail);
        self.code.status().is_server_error().then(|| format!("{}: {cause}", self.code.as_str()))
    }

    /// Seconds until it is worth another try, uneven so that not all come back at once.
    fn retry_after(&self) -> Option<u32> {
        match self.code.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let least = u32::try_from(self.later.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
                Some(least.saturating_add(rand::rng().random_range(0..=(least / 10).max(3))))
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
            CoreError::Conflict(detail) => Self::conflict(Code::Conflict, detail),
            CoreError::KeyReused => Self::key_reused(text),
            CoreError::Superseded => Self::conflict(Code::Superseded, text),
            CoreError::TooManyPolls { .. } => Self::new(Code::Throttled, "Too many held polls", text),
            CoreError::Throttled { wait, .. } => {
                Self { later: wait, ..Self::new(Code::Throttled, "Too many requests", text) }
            }
            CoreError::TooManyOfUser { .. } => Self::new(Code::Throttled, "Too many at once", text),
            CoreError::UnsupportedMediaType(detail) => Self::unsupported_media_type(detail),
            CoreError::FilesUnavailable(cause) => {
                Self::unavailable(Code::StoreUnavailable, "Attachment storage not available", text)
                    .because(cause)
            }
            CoreError::Overloaded(_) => Self::unavailable(Code::Overloaded, "Overloaded", text),
            CoreError::StoreUnavailable(cause) | CoreError::StoreUncertain(cause) => {
                Self::unavailable(Code::StoreUnavailable, "Database not available", text).because(cause)
            }
            CoreError::BrokerUnavailable(cause) => {
                Self::unavailable(Code::BrokerUnavailable, "Broker not available", text).because(cause)
            }
            CoreError::Internal(cause) => Self::new(
                Code::Internal,
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
            AuthError::Expired => Self::new(Code::TokenExpired, "Token expired", "the token has expired"),
            AuthError::Overloaded(what) => CoreError::Overloaded(what).into(),
            AuthError::Unavailable(cause) => CoreError::from(cause).into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let json = self.body(None);
        let mut answer = HttpResponse::build(self.code.status());
        answer.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
        answer.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        if let Some(seconds) = self.retry_after() {
            answer.insert_header((RETRY_AFTER, seconds));
        }
        if let Some(whole) = self.whole {
            answer.insert_header((CONTENT_RANGE, format!("bytes */{whole}")));
        }
        if let Some(allow) = self.allow {
            answer.insert_header((ALLOW, HeaderValue::from_static(allow)));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            answer.append_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            if self.takes_password {
                answer.append_header((WWW_AUTHENTICATE, HeaderValue::from_static(PASSWORD)));
            }
        }
        answer.body(json)
    }
}
