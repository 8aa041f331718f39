//! `GET` and `HEAD /v1/attachments/{id}`: a file for who may have it, whole or a part of it.
//!
//! A file is data, never a page of ours: only four image types are shown in place, nothing is guessed from the content,
//! and what a browser opens anyway it opens in a sandbox.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::body::SizedStream;
use actix_web::http::header::{
    ACCEPT_RANGES, ByteRangeSpec, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, EntityTag, Header as _, HeaderName, HeaderValue, HttpDate, IF_MODIFIED_SINCE,
    IF_RANGE, IfNoneMatch, IfRange, LAST_MODIFIED, RANGE, Range, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use pollgate_core::{CoreError, FoundAttachment};
use pollgate_files::FilesError;
use pollgate_model::AttachmentId;

use super::described::{Download, Probe};
use super::may;
use crate::auth::Caller;
use crate::http::Gateway;
use crate::http::openapi::{CREDENTIAL, QUERY, ROOM, STORING, refusals};
use crate::http::problem::{Code, Problem};

const INLINE: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Headers that ask for less than the whole.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the headers that `is_known` and `part` read")]
struct Conditions {
    /// One range of bytes. Several, another unit, and what cannot be read are answered with the whole file.
    #[param(rename = "Range", nullable = false, example = "bytes=0-1023")]
    range: Option<String>,
    /// The range counts only while the file is this one: an `ETag` or a date.
    #[param(rename = "If-Range", nullable = false)]
    if_range: Option<String>,
    /// The `ETag`s of what is at hand.
    #[param(rename = "If-None-Match", nullable = false)]
    if_none_match: Option<String>,
    /// The date of what is at hand.
    #[param(rename = "If-Modified-Since", nullable = false)]
    if_modified_since: Option<String>,
}

refusals!(DownloadRefused: CREDENTIAL, QUERY, ROOM, STORING, &[Code::RangeNotSatisfiable, Code::Throttled]);

/// Download a file, or a part of it
///
/// For who uploaded it, and for the members of a room that holds it. Needs the scope `user` or `publish`.
#[utoipa::path(
    get,
    path = "/v1/attachments/{id}",
    operation_id = "download",
    tag = "attachments",
    security(("bearer" = [])),
    params(("id" = AttachmentId, Path, description = "A file"), Conditions),
    responses(
        Download,
        DownloadRefused,
    ),
)]
pub(crate) async fn download(
    request: HttpRequest,
    id: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    answer(&request, &id, &gateway, true).await
}

refusals!(ProbeRefused: CREDENTIAL, QUERY, ROOM, STORING, &[Code::RangeNotSatisfiable]);

/// See what a file is
///
/// What `GET` answers, without the bytes.
#[utoipa::path(
    head,
    path = "/v1/attachments/{id}",
    operation_id = "probe",
    tag = "attachments",
    security(("bearer" = [])),
    params(("id" = AttachmentId, Path, description = "A file"), Conditions),
    responses(
        Probe,
        ProbeRefused,
    ),
)]
pub(crate) async fn head(
    request: HttpRequest,
    id: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    answer(&request, &id, &gateway, false).await
}

async fn answer(
    request: &HttpRequest,
    id: &str,
    gateway: &Gateway,
    with_bytes: bool,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(request).await?;
    may(request, &caller)?;
    let id: AttachmentId = id.parse().map_err(|_no_id| Problem::not_found("attachment"))?;
    let found = gateway.core.attachment(&caller.user, id).await?;
    let tag = EntityTag::new_strong(id.to_string());
    // a date in a header has whole seconds
    let at = u64::try_from(found.created_at.as_ms() / 1000).unwrap_or(0);
    let modified = HttpDate::from(UNIX_EPOCH + Duration::from_secs(at));
    if is_known(request, &tag, modified) {
        return Ok(common(StatusCode::NOT_MODIFIED, &tag, modified).finish());
    }
    let size = found.attachment.size;
    let part = match part(request, &tag, modified, size) {
        Part::Whole => None,
        Part::Of(from, to) => Some((from, to)),
        Part::Outside => {
            return Err(Problem::no_such_range(size));
        }
    };
    let status = if part.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let (from, to) = part.unwrap_or((0, size.saturating_sub(1)));
    let mut head = common(status, &tag, modified);
    describe(&mut head, &found)?;
    if part.is_some() {
        head.insert_header((CONTENT_RANGE, format!("bytes {from}-{to}/{size}")));
    }
    let length = (to + 1).saturating_sub(from);
    if !with_bytes {
        // the length of what is not sent
        let nothing = futures::stream::empty::<Result<Bytes, FilesError>>();
        return Ok(head.body(SizedStream::new(length, nothing)));
    }
    let bytes = read(gateway, &caller, id, from, to).await?;
    Ok(head.body(SizedStream::new(length, bytes)))
}

async fn read(
    gateway: &Gateway,
    caller: &Caller,
    id: AttachmentId,
    from: u64,
    to: u64,
) -> Result<pollgate_core::AttachmentBytes, CoreError> {
    gateway.core.attachment_bytes(&caller.user, id, from..to.saturating_add(1)).await
}

/// What every answer about the file bears.
fn common(status: StatusCode, tag: &EntityTag, modified: HttpDate) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((ETAG, tag.to_string()))
        .insert_header((LAST_MODIFIED, modified.to_string()))
        .insert_header((ACCEPT_RANGES, HeaderValue::from_static("bytes")))
        // a browser may keep it, and asks each time: who has left the room gets it no more
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("private, no-cache")))
        .insert_header((header::VARY, HeaderValue::from_static("authorization")))
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .insert_header((CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")))
        .insert_header((RESOURCE_POLICY, HeaderValue::from_static("same-origin")));
    answer
}

/// What the file is and what it is called.
fn describe(answer: &mut HttpResponseBuilder, found: &FoundAttachment) -> Result<(), Problem> {
    let broken = |what: &str| CoreError::Internal(format!("an attachment's {what} fits no header"));
    let attachment = &found.attachment;
    let inline = INLINE.contains(&attachment.media_type.as_str());
    // a text is UTF-8: that was looked at when it came up
    let text = attachment.media_type.starts_with("text/");
    let kind = if text {
        format!("{}; charset=utf-8", attachment.media_type)
    } else {
        attachment.media_type.clone()
    };
    let kind = HeaderValue::from_str(&kind).map_err(|_control| broken("media type"))?;
    let disposition = disposition(if inline { "inline" } else { "attachment" }, &attachment.name);
    let disposition = HeaderValue::from_str(&disposition).map_err(|_control| broken("name"))?;
    answer.insert_header((CONTENT_TYPE, kind)).insert_header((CONTENT_DISPOSITION, disposition));
    Ok(())
}

/// RFC 6266: the name in ASCII for old clients, and all of it percent-encoded (RFC 5987) for others.
pub(in crate::http) fn disposition(how: &str, name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if (' '..='~').contains(&c) && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    if plain == name {
        return format!("{how}; filename=\"{name}\"");
    }
    let mut encoded = String::new();
    for byte in name.bytes() {
        // attr-char of RFC 5987
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// The client has it already (RFC 9110, 13.2.2).
fn is_known(request: &HttpRequest, tag: &EntityTag, modified: HttpDate) -> bool {
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        return match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
            Err(_unreadable) => false,
        };
    }
    let since = request.headers().get(IF_MODIFIED_SINCE).and_then(|v| v.to_str().ok());
    since.and_then(|since| since.parse::<HttpDate>().ok()).is_some_and(|since| modified <= since)
}

/// What of the file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Part {
    Whole,
    /// First and last byte.
    Of(u64, u64),
    Outside,
}

/// One range is answered as such. Several, another unit, and what cannot be read are answered with all of it, as
/// RFC 9110, 14.2 allows.
pub(in crate::http) fn part(request: &HttpRequest, tag: &EntityTag, modified: HttpDate, size: u64) -> Part {
    let headers = request.headers();
    if !headers.contains_key(RANGE) || headers.get_all(RANGE).count() > 1 {
        return Part::Whole;
    }
    if headers.contains_key(IF_RANGE) {
        let same = match IfRange::parse(request) {
            Ok(IfRange::EntityTag(known)) => known.strong_eq(tag),
            Ok(IfRange::Date(date)) => date == modified,
            Err(_unreadable) => false,
        };
        if !same {
            return Part::Whole;
        }
    }
    let Ok(Range::Bytes(ranges)) = Range::parse(request) else { return Part::Whole };
    let [one] = ranges.as_slice() else { return Part::Whole };
    if matches!(one, ByteRangeSpec::FromTo(from, to) if from > to) {
        return Part::Whole;
    }
    match one.to_satisfiable_range(size) {
        Some((from, to)) => Part::Of(from, to),
        None => Part::Outside,
    }
}
