//! `GET /v1/poll`: holds a request until there are events.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::{PollCursor, PollRequest, Polled, Receipt};
use pollgate_model::{Cursor, EncodedEvent, Mailbox, SessionId};
use serde::Deserialize;
use tracing::{Instrument as _, debug_span};

use super::caller::needs;
use super::openapi::{CREDENTIAL, QUERY, READING, refusals};
use super::problem::{Code, Problem};
use super::{Gateway, answer, strict};
use crate::auth::Scope;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PollQuery {
    /// The cursor of the last answer, which confirms its events; empty starts such a loop. Without it, what was written
    /// to the socket counts as delivered.
    #[param(nullable = false)]
    cursor: Option<String>,
    /// Names the device or tab, which has a mailbox of its own. Without it: the user's main mailbox.
    #[param(nullable = false)]
    session: Option<SessionId>,
    /// Seconds to hold while there are no events. More than `poll.hold_ms` is cut to it, which is also the default.
    #[param(nullable = false, minimum = 0)]
    wait: Option<f64>,
    /// Most events in the answer; the rest stay, and `more` is true.
    #[param(nullable = false, minimum = 1)]
    limit: Option<usize>,
    /// The user is told of `presence` from now on, until some time after the last poll that said so.
    #[serde(default)]
    presence: bool,
    #[param(ignore)]
    token: Option<String>,
}

/// What a poll is answered. `body` puts it together from bytes.
#[derive(utoipa::ToSchema)]
#[schema(as = Polled)]
#[expect(dead_code, reason = "describes what `body` writes; a test holds the two together")]
struct Answered {
    /// Oldest first; empty when the time was up.
    events: Vec<EncodedEvent>,
    /// Send it with the next poll: that confirms these events.
    cursor: String,
    /// Events may have been missed: read the rooms' history, then go on with the cursor.
    resync: bool,
    /// Events stayed behind: poll again at once.
    more: bool,
    /// Wait so long before the next poll. Other than 0 only while the gateway stops.
    pause_ms: u64,
}

/// How long a poll wants to be held, and whether it said so by `Prefer` (RFC 7240).
struct Wait {
    time: Duration,
    preferred: Option<Duration>,
}

impl PollQuery {
    fn cursor(&self) -> Result<PollCursor, Problem> {
        match self.cursor.as_deref() {
            None => Ok(PollCursor::Simple),
            Some("") => Ok(PollCursor::Start),
            Some(text) => match text.parse::<Cursor>() {
                Ok(cursor) => Ok(PollCursor::At(cursor)),
                Err(error) => Err(Problem::invalid(format!("cursor: {error}"))),
            },
        }
    }

    fn limit(&self, gateway: &Gateway) -> Result<usize, Problem> {
        let limit = self.limit.unwrap_or(gateway.poll_limit);
        if (1..=gateway.most_events).contains(&limit) {
            return Ok(limit);
        }
        Err(Problem::invalid(format!("limit: 1 to {}", gateway.most_events)))
    }

    fn wait(&self, headers: &HeaderMap, most: Duration) -> Result<Wait, Problem> {
        let Some(seconds) = self.wait else {
            let preferred = preferred_wait(headers).map(|wait| wait.min(most));
            return Ok(Wait { time: preferred.unwrap_or(most), preferred });
        };
        match Duration::try_from_secs_f64(seconds) {
            Ok(wait) => Ok(Wait { time: wait.min(most), preferred: None }),
            // more than any clock can hold is only more than the configured most
            Err(_) if seconds > 0.0 => Ok(Wait { time: most, preferred: None }),
            Err(_) => Err(Problem::invalid("wait: seconds, 0 or more")),
        }
    }
}

/// `wait=<seconds>` in a `Prefer` header, RFC 7240 section 4.3.
pub(super) fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split(','));
    preferences
        .filter_map(|preference| {
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            let seconds = value.trim().trim_matches('"').parse::<u64>().ok()?;
            name.trim().eq_ignore_ascii_case("wait").then_some(Duration::from_secs(seconds))
        })
        .next()
}

refusals!(PollRefused: CREDENTIAL, QUERY, READING, &[Code::Superseded, Code::Throttled]);

/// Wait for events
///
/// Events at hand, or the first to come within the hold; an empty list when the time is up. What was answered but not
/// confirmed by the next cursor comes again, with the same `id`. A second poll with a cursor on the same mailbox ends the
/// first with 409 `superseded`.
#[utoipa::path(
    get,
    path = "/v1/poll",
    operation_id = "poll",
    tag = "receiving",
    security(("bearer" = []), ("token" = [])),
    params(
        PollQuery,
        ("Prefer" = Option<String>, Header, description = "`wait=<seconds>` (RFC 7240) does the same as the parameter"),
    ),
    responses(
        (status = 200, description = "The events, or none", body = Answered,
            headers(("preference-applied" = String, description = "The wait, when `Prefer` asked for it"), ("cache-control" = String, description = "`no-store`")),
            links(("next" = (operation_id = "poll", parameters(("cursor" = "$response.body#/cursor")))))),
        PollRefused,
    ),
)]
pub(crate) async fn poll(
    request: HttpRequest,
    gateway: Data<Gateway>,
) -> Result<HttpResponse<Told>, Problem> {
    let query: PollQuery = strict::query(&request)?;
    let caller = gateway.caller_with(&request, query.token.as_deref()).await?;
    needs(&caller, Scope::User)?;
    let wait = query.wait(request.headers(), gateway.hold)?;
    let wanted = PollRequest {
        cursor: query.cursor()?,
        limit: query.limit(&gateway)?,
        wait: wait.time,
        presence: query.presence,
        mailbox: Mailbox { user: caller.user, session: query.session },
    };
    let takes_gzip = answer::takes_gzip(request.headers());
    let polled = gateway.core.poll(wanted).instrument(debug_span!("deliver")).await?;

    let mut head = answer::json_head(StatusCode::OK);
    if let Some(preferred) = wait.preferred {
        head.insert_header(("preference-applied", format!("wait={}", preferred.as_secs())));
    }
    let body = answer::compressed(&mut head, body(&polled), takes_gzip);
    let told = Told { body: Some(body), flushing: true, receipt: Some(polled.receipt) };
    head.message_body(told)
        .map_err(|error| Problem::from(pollgate_core::CoreError::Internal(format!("poll answer: {error}"))))
}

/// The answer's JSON: the events are bytes already, so it is put together and not serialised.
fn body(polled: &Polled) -> Bytes {
    let events: usize = polled.events.iter().map(|event| event.len() + 1).sum();
    let mut json = Vec::with_capacity(events + 192);
    json.extend_from_slice(b"{\"events\":[");
    for (place, event) in polled.events.iter().enumerate() {
        if place > 0 {
            json.push(b',');
        }
        json.extend_from_slice(event);
    }
    let rest = format!(
        "],\"cursor\":\"{}\",\"resync\":{},\"more\":{},\"pause_ms\":{}}}",
        polled.cursor,
        polled.resync.is_some(),
        polled.more,
        polled.pause.as_millis(),
    );
    json.extend_from_slice(rest.as_bytes());
    Bytes::from(json)
}

/// A body that tells the mailbox when it was written. Dropped before that, it has told nothing, and the events are
/// answered again.
pub(crate) struct Told {
    body: Option<Bytes>,
    /// The body was handed to the connection and not yet flushed once.
    flushing: bool,
    receipt: Option<Receipt>,
}

impl MessageBody for Told {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.body.as_ref().map_or(BodySize::Sized(0), |body| BodySize::Sized(body.len() as u64))
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(body) = self.body.take() {
            return Poll::Ready(Some(Ok(body)));
        }
        if std::mem::take(&mut self.flushing) {
            // a turn of the connection, in which it writes what it has to the socket; a client that is gone drops us
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(receipt) = self.receipt.take() {
            receipt.written();
        }
        Poll::Ready(None)
    }
}
