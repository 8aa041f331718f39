//! The client library and the example pages, from inside the binary.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;

use super::answer;
use super::problem::Problem;

/// `/demo` is `/demo/`: the pages name their files relative to it.
pub(crate) async fn to_demo() -> HttpResponse {
    HttpResponse::build(StatusCode::PERMANENT_REDIRECT)
        .insert_header((LOCATION, HeaderValue::from_static("/demo/")))
        .finish()
}

/// A file of the demo. A site's pages may embed the widget, and nobody else's may show a page of it.
pub(crate) async fn demo(request: HttpRequest, path: Path<String>) -> Result<HttpResponse, Problem> {
    let mut answer = served(&request, &format!("demo/{path}"))?;
    if !path.is_empty() && !path.ends_with('/') && !path.ends_with(".html") {
        for_all(&mut answer);
    }
    Ok(answer)
}

/// A file of the client library. Pages of any origin may load it: whether they may call is the API's to say.
pub(crate) async fn client(request: HttpRequest, path: Path<String>) -> Result<HttpResponse, Problem> {
    let mut answer = served(&request, &format!("client/{path}"))?;
    for_all(&mut answer);
    Ok(answer)
}

/// Pages of any origin may load it.
fn for_all(answer: &mut HttpResponse) {
    let cross_origin = HeaderName::from_static("cross-origin-resource-policy");
    answer.headers_mut().insert(cross_origin, HeaderValue::from_static("cross-origin"));
}

pub(super) fn served(request: &HttpRequest, path: &str) -> Result<HttpResponse, Problem> {
    let file = pollgate_web::file(path).ok_or_else(|| Problem::not_found("page"))?;
    let mut head = HttpResponse::build(StatusCode::OK);
    page_head(&mut head, file.media_type, pollgate_web::CONTENT_SECURITY_POLICY);
    let takes_gzip = answer::takes_gzip(request.headers());
    let body = answer::compressed(&mut head, bytes(file), takes_gzip);
    Ok(head.body(body))
}

/// The content, without a copy where it stands in the binary.
pub(super) fn bytes(file: pollgate_web::File) -> Bytes {
    match file.bytes {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    }
}

/// None of the pages uses any of these, and neither may what somebody smuggles into one.
const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// What every file for browsers says of itself.
pub(super) fn page_head(head: &mut HttpResponseBuilder, media_type: &'static str, policy: &'static str) {
    head.insert_header((CONTENT_TYPE, HeaderValue::from_static(media_type)));
    head.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    head.insert_header(("content-security-policy", HeaderValue::from_static(policy)));
    head.insert_header(("x-content-type-options", HeaderValue::from_static("nosniff")));
    head.insert_header(("referrer-policy", HeaderValue::from_static("no-referrer")));
    if media_type.starts_with("text/html") {
        head.insert_header(("permissions-policy", HeaderValue::from_static(PERMISSIONS)));
        head.insert_header(("cross-origin-opener-policy", HeaderValue::from_static("same-origin")));
    }
}
