//! Answers: JSON bodies, compressed where that pays.

use std::io::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, VARY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use pollgate_core::CoreError;
use serde::Serialize;

use super::problem::Problem;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Smaller bodies fit one packet anyway.
const WORTH_COMPRESSING: usize = 2048;

/// Starts a JSON answer that no cache may keep.
pub(crate) fn json_head(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CONTENT_TYPE, JSON));
    answer.insert_header((CACHE_CONTROL, NO_STORE));
    answer
}

/// A JSON answer with a body that is JSON already.
pub(crate) fn json(status: StatusCode, body: Bytes) -> HttpResponse {
    json_head(status).body(body)
}

/// A value as JSON, compressed for a client that reads gzip.
pub(crate) fn value<T: Serialize>(
    request: &HttpRequest,
    status: StatusCode,
    value: &T,
) -> Result<HttpResponse, Problem> {
    let json = serde_json::to_vec(value).map_err(|error| CoreError::Internal(error.to_string()))?;
    let mut head = json_head(status);
    let body = compressed(&mut head, Bytes::from(json), takes_gzip(request.headers()));
    Ok(head.body(body))
}

/// The client reads gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        named && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Compresses a body that is worth it for a client that reads gzip, and says so in the head.
pub(crate) fn compressed(head: &mut HttpResponseBuilder, body: Bytes, takes_gzip: bool) -> Bytes {
    if body.len() < WORTH_COMPRESSING {
        return body;
    }
    head.insert_header((VARY, HeaderValue::from_static("accept-encoding")));
    if !takes_gzip {
        return body;
    }
    let mut gzip = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::fast());
    // writing into memory does not fail; if it did, the plain body is as good
    match gzip.write_all(&body).and_then(|()| gzip.finish()) {
        Ok(small) => {
            head.insert_header((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
            Bytes::from(small)
        }
        Err(_unheard_of) => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
        takes_gzip(&headers)
    }

    #[test]
    fn gzip_is_used_only_for_those_who_take_it() {
        assert!(accepts("br, GZIP;q=0.5"));
        assert!(accepts("gzip"));
        assert!(!accepts("gzip;q=0"));
        assert!(!accepts("identity"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_small_body_stays_as_it_is() {
        let mut head = json_head(StatusCode::OK);
        let body = Bytes::from("{}");
        assert_eq!(compressed(&mut head, body.clone(), true), body);
        let long = Bytes::from("x".repeat(10_000));
        assert!(compressed(&mut head, long, true).len() < 1000);
    }
}
