//! The page that shows the API's description, from inside the binary: ours around Swagger UI, nothing from elsewhere.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, HeaderValue, LOCATION, VARY};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use pollgate_core::CoreError;
use utoipa_swagger_ui::Config;

use super::problem::Problem;
use super::{answer, pages};

/// The policy of the pages, and pictures that stand in the style sheet of Swagger UI.
const POLICY: &str =
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What the page needs of Swagger UI; its own page and example are not served.
const BORROWED: [(&str, &str); 2] = [
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
];

/// `/docs` is `/docs/`: the page names its files relative to it.
pub(crate) async fn to_docs() -> HttpResponse {
    HttpResponse::build(StatusCode::PERMANENT_REDIRECT)
        .insert_header((LOCATION, HeaderValue::from_static("/docs/")))
        .finish()
}

/// A file of the page.
pub(crate) async fn docs(request: HttpRequest, path: Path<String>) -> Result<HttpResponse, Problem> {
    let takes_gzip = answer::takes_gzip(request.headers());
    if let Some((name, media_type)) = BORROWED.into_iter().find(|(name, _)| *name == path.as_str()) {
        let mut head = head(media_type);
        let body = borrowed(name, &mut head, takes_gzip)?;
        return Ok(head.body(body));
    }
    let file = pollgate_web::file(&format!("docs/{path}")).ok_or_else(|| Problem::not_found("page"))?;
    let mut head = head(file.media_type);
    let body = answer::compressed(&mut head, pages::bytes(file), takes_gzip);
    Ok(head.body(body))
}

fn head(media_type: &'static str) -> HttpResponseBuilder {
    let mut head = HttpResponse::build(StatusCode::OK);
    pages::page_head(&mut head, media_type, POLICY);
    head
}

/// A file of Swagger UI, which lies in the binary compressed.
fn borrowed(name: &str, head: &mut HttpResponseBuilder, takes_gzip: bool) -> Result<Bytes, Problem> {
    let config: Arc<Config<'static>> = Arc::default();
    let file = utoipa_swagger_ui::serve(name, config)
        .map_err(|error| CoreError::Internal(format!("{name}: {error}")))?
        .ok_or_else(|| CoreError::Internal(format!("{name} is not in the binary")))?;
    if !file.gzpipped {
        return Ok(Bytes::from(file.bytes.into_owned()));
    }
    head.insert_header((VARY, HeaderValue::from_static("accept-encoding")));
    let bytes = match file.bytes {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    if takes_gzip {
        head.insert_header((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        return Ok(bytes);
    }
    Ok(answer::plain(&bytes).map_err(|error| CoreError::Internal(format!("{name}: {error}")))?)
}
