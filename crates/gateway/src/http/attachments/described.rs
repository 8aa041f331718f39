//! What is answered for a file, as its part of the document.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::IntoResponses;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ContentBuilder, RefOr, Response, ResponseBuilder};

use crate::http::openapi::header;

/// Of `GET`: with the bytes.
pub(super) struct Download;
/// Of `HEAD`: without.
pub(super) struct Probe;

/// The name of a header, and what it says.
type Header = (&'static str, &'static str);
type Responses = BTreeMap<String, RefOr<Response>>;

impl IntoResponses for Download {
    fn responses() -> Responses {
        found(true)
    }
}

impl IntoResponses for Probe {
    fn responses() -> Responses {
        found(false)
    }
}

/// On every answer about a file.
const ALWAYS: [Header; 4] = [
    ("etag", "Names the file"),
    ("last-modified", "When it was uploaded"),
    ("accept-ranges", "`bytes`"),
    ("cache-control", "`private, no-cache`: who has left the room gets it no more"),
];
const DISPOSITION: Header = (
    "content-disposition",
    "Its name, and `inline` for the image types that browsers may show, `attachment` for all others",
);
const RANGE: Header = ("content-range", "Which bytes these are, and how many there are");

fn found(with_bytes: bool) -> Responses {
    let answers: [(StatusCode, &str, &[Header]); 3] = [
        (StatusCode::OK, "The whole file", &[DISPOSITION]),
        (StatusCode::PARTIAL_CONTENT, "The part that `Range` asks for", &[DISPOSITION, RANGE]),
        (StatusCode::NOT_MODIFIED, "The one at hand is still this one", &[]),
    ];
    let answers = answers.into_iter().map(|(status, description, more)| {
        let mut response = ResponseBuilder::new().description(description);
        for (name, description) in ALWAYS.iter().chain(more) {
            response = response.header(*name, header(Type::String, description));
        }
        if with_bytes && status != StatusCode::NOT_MODIFIED {
            // bytes of any type: there is nothing that a schema could say of them
            response = response.content("*/*", ContentBuilder::new().build());
        }
        (status.as_str().to_owned(), response.build().into())
    });
    answers.collect()
}
