//! The demo pages, from inside the binary.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use super::answer;
use super::problem::Problem;

/// `/demo` is `/demo/`: the pages name their files relative to it.
pub(crate) async fn to_demo() -> HttpResponse {
    HttpResponse::build(StatusCode::PERMANENT_REDIRECT)
        .insert_header((LOCATION, HeaderValue::from_static("/demo/")))
        .finish()
}

/// A file of the demo.
pub(crate) async fn demo(request: HttpRequest, path: Path<String>) -> Result<HttpResponse, Problem> {
    let file = pollgate_web::file(&format!("demo/{path}")).ok_or_else(|| Problem::not_found("page"))?;
    let mut head = HttpResponse::build(StatusCode::OK);
    head.insert_header((CONTENT_TYPE, HeaderValue::from_static(file.media_type)));
    head.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    head.insert_header((
        "content-security-policy",
        HeaderValue::from_static(pollgate_web::CONTENT_SECURITY_POLICY),
    ));
    head.insert_header(("x-content-type-options", HeaderValue::from_static("nosniff")));
    head.insert_header(("referrer-policy", HeaderValue::from_static("no-referrer")));
    let takes_gzip = answer::takes_gzip(request.headers());
    let body = answer::compressed(&mut head, Bytes::from_static(file.bytes), takes_gzip);
    Ok(head.body(body))
}
