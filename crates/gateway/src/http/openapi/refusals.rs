//! The problems that an operation may answer, as its part of the document.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::json;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::http::problem::Code;

/// Of whoever asks for a credential; API tokens are looked up in the store.
pub(crate) const CREDENTIAL: &[Code] =
    &[Code::Unauthenticated, Code::TokenExpired, Code::Forbidden, Code::StoreUnavailable, Code::Internal];
/// Of whoever reads a query, or a header.
pub(crate) const QUERY: &[Code] = &[Code::InvalidRequest];
/// Of whoever reads a body.
pub(crate) const BODY: &[Code] =
    &[Code::InvalidRequest, Code::RequestTimeout, Code::TooLarge, Code::UnsupportedMediaType];
/// Of whoever names a room.
pub(crate) const ROOM: &[Code] = &[Code::NotFound];
/// Of whoever writes into the store.
pub(crate) const STORING: &[Code] = &[Code::Overloaded, Code::StoreUnavailable];
/// Of whoever is counted by its class of requests.
pub(crate) const COUNTED: &[Code] = &[Code::Throttled];
/// Of whoever reads from the broker.
pub(crate) const READING: &[Code] = &[Code::Overloaded, Code::BrokerUnavailable];

/// Makes a type that stands for these problems among an operation's answers: `refusals!(SendRefused: CREDENTIAL, BODY)`.
macro_rules! refusals {
    ($name:ident: $($codes:expr),+ $(,)?) => {
        #[doc = "The problems that the operation answers, for the document."]
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses()
            -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                $crate::http::openapi::answers(&[$($codes),+])
            }
        }
    };
}
pub(crate) use refusals;

/// One answer for each status that these codes have.
pub(crate) fn answers(codes: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<StatusCode, Vec<Code>> = BTreeMap::new();
    for code in codes.iter().copied().flatten().copied() {
        let same = by_status.entry(code.status()).or_default();
        if !same.contains(&code) {
            same.push(code);
        }
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.as_str().to_owned(), answer(status, &codes)))
        .collect()
}

fn answer(status: StatusCode, codes: &[Code]) -> RefOr<Response> {
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let problem = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("code", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.clone())))
            .property(
                "status",
                ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status.as_u16()])),
            ),
    );
    let first = names.first().copied().unwrap_or_default();
    let example = json!({
        "type": format!("urn:pollgate:problem:{first}"),
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail(status),
        "code": first,
    });
    let content = ContentBuilder::new().schema(Some(problem)).example(Some(example)).build();
    let named: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let mut response = ResponseBuilder::new()
        .description(format!("{}: {}", named.join(", "), detail(status)))
        .content("application/problem+json", content);
    if status == StatusCode::UNAUTHORIZED {
        response = response.header("www-authenticate", header(Type::String, "The scheme to use"));
    }
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        response = response.header("content-range", header(Type::String, "How many bytes there are"));
    }
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response = response.header("retry-after", header(Type::Integer, "Seconds to wait, a little uneven"));
    }
    response.build().into()
}

/// A header of an answer, with a value of this type.
pub(crate) fn header(of: Type, description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(of)))
        .description(Some(description))
        .build()
}

/// What such an answer means.
fn detail(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "the request makes no sense; `detail` says why",
        401 => "no good credential, or one that ran out",
        403 => "the credential lacks a scope, or the room's rules say no",
        404 => "no such thing, or a room the caller is no member of",
        408 => "the body did not arrive in time",
        409 => "another request was first",
        413 => "a body or a text is over its limit",
        415 => "the body is of another type than is described, or a file of one that may not be uploaded",
        416 => "the range lies outside of the file",
        422 => "the key stands for another request",
        429 => "more than one user may have",
        500 => "the gateway's log has the cause under this request's id",
        503 => {
            "a limit named in `detail`, the database, or the broker; nothing was accepted, unless `detail` says otherwise"
        }
        _ => "see `code`",
    }
}
