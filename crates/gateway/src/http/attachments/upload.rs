//! `POST /v1/attachments`: one file in a multipart form, passed on to the storage as it comes.

use std::future::Future;
use std::time::Duration;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, DispositionParam};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use bytes::Bytes;
use futures::StreamExt as _;
use pollgate_core::{Class, CoreError, Upload};
use pollgate_model::Attachment;
use tokio::time::{timeout, timeout_at};

use super::may;
use crate::http::openapi::{BODY, COUNTED, CREDENTIAL, STORING, refusals};
use crate::http::problem::Problem;
use crate::http::{Gateway, answer};

/// The form around a file: boundaries, and the head of the field.
const AROUND: u64 = 16 << 10;
/// Longest name of a file that is read at all; it is cut to less.
const LONGEST_NAME: usize = 4096;
const FORM: &str = "multipart/form-data";

/// A form with one file.
#[derive(utoipa::ToSchema)]
#[schema(as = NewAttachment)]
#[expect(dead_code, reason = "describes the form that is read as it comes")]
struct Form {
    /// The file, with its name. Not empty; its content decides what type it is of, which must be one that may be uploaded.
    #[schema(value_type = String, format = Binary, min_length = 1)]
    file: Vec<u8>,
}

refusals!(UploadRefused: CREDENTIAL, BODY, STORING, COUNTED);

/// Upload a file
///
/// One file, which a message may name then; one that no message names is removed after a while. The answer comes when its
/// bytes and its row are safe. Needs the scope `user` or `publish`.
#[utoipa::path(
    post,
    path = "/v1/attachments",
    operation_id = "upload",
    tag = "attachments",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("general"))),
    request_body(content = Form, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Stored", body = Attachment,
            links(("file" = (operation_id = "download", parameters(("id" = "$response.body#/id")))))),
        UploadRefused,
    ),
)]
pub(crate) async fn upload(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    may(&request, &caller)?;
    is_form(&request)?;
    gateway.throttle(&request, &caller, &Class::General).await?;
    not_too_long(&request, &gateway)?;
    let reading = Reading { gateway: &gateway, silence: gateway.body_limits.time };
    let mut form = Multipart::new(request.headers(), payload);
    let mut field = match reading.wait(form.next()).await? {
        Some(field) => field.map_err(|error| bad_form(&error))?,
        None => return Err(Problem::invalid("file: must be given")),
    };
    if field.name() != Some("file") {
        return Err(one_file());
    }
    let (name, declared) = (file_name(&field)?, declared(&field));
    let mut upload = gateway.core.upload(&caller.user, &name, declared)?;
    let until = upload.until();
    let read = async {
        reading.file(&mut field, &mut upload).await?;
        drop(field);
        match reading.wait(form.next()).await? {
            None => Ok(()),
            Some(Ok(_second)) => Err(one_file()),
            Some(Err(error)) => Err(bad_form(&error)),
        }
    };
    timeout_at(until, read).await.unwrap_or_else(|_late| Err(reading.late()))?;
    let attachment = upload.finish().await?;
    let json = serde_json::to_vec(&attachment).map_err(|error| CoreError::Internal(error.to_string()))?;
    Ok(answer::json(StatusCode::CREATED, Bytes::from(json)))
}

struct Reading<'g> {
    gateway: &'g Gateway,
    /// A client that sends nothing for this long has left.
    silence: Duration,
}

impl Reading<'_> {
    async fn wait<T>(&self, what: impl Future<Output = T>) -> Result<T, Problem> {
        timeout(self.silence, what).await.map_err(|_late| self.late())
    }

    fn late(&self) -> Problem {
        self.gateway.metrics.body_was_late();
        Problem::too_slow("the file did not arrive in time")
    }

    async fn file(&self, field: &mut Field, upload: &mut Upload) -> Result<(), Problem> {
        while let Some(bytes) = self.wait(field.next()).await? {
            upload.push(bytes.map_err(|error| bad_form(&error))?).await?;
        }
        Ok(())
    }
}

fn is_form(request: &HttpRequest) -> Result<(), Problem> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(FORM) {
        return Ok(());
    }
    Err(Problem::unsupported_media_type(format!("send content-type: {FORM}")))
}

/// What says itself that it is too long is not begun with.
fn not_too_long(request: &HttpRequest, gateway: &Gateway) -> Result<(), Problem> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    let length: u64 = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    Ok(gateway.core.upload_fits(length.saturating_sub(AROUND))?)
}

/// What the client calls its file.
fn file_name(field: &Field) -> Result<String, Problem> {
    let disposition = field.content_disposition();
    let extended = disposition.and_then(|given| given.get_filename_ext());
    let name = match extended {
        // RFC 5987: percent-encoded, so that it is what it was meant to be
        Some(name) => String::from_utf8_lossy(&name.value).into_owned(),
        None => disposition
            .and_then(|given| given.parameters.iter().find_map(DispositionParam::as_filename))
            .unwrap_or_default()
            .to_owned(),
    };
    if name.len() > LONGEST_NAME {
        return Err(Problem::invalid(format!("file: a name of at most {LONGEST_NAME} bytes")));
    }
    // what browsers write in place of the one character that would end the name (WHATWG HTML, multipart/form-data)
    Ok(name.replace("%22", "\""))
}

fn declared(field: &Field) -> Option<String> {
    field.content_type().map(|mime| mime.essence_str().to_owned())
}

fn one_file() -> Problem {
    Problem::invalid("the form must have exactly one field, named file")
}

fn bad_form(error: &MultipartError) -> Problem {
    // the body's own trouble, such as a client that left, has a status; the rest is the form's
    match error {
        MultipartError::Payload(error) => Problem::invalid(format!("body: {}", error.status_code())),
        other => Problem::invalid(format!("body: {other}")),
    }
}
