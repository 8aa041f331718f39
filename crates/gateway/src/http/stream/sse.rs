//! `GET /v1/stream`: Server-Sent Events (WHATWG HTML, 9.2).
//!
//! A client cannot confirm on such a stream; it does when it comes back with `Last-Event-ID`. So the stream ends when it is
//! time to.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::{CoreError, Portion, StreamKind};
use rand::Rng as _;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::super::Gateway;
use super::super::openapi::{CREDENTIAL, QUERY, READING, refusals};
use super::super::problem::{Code, Problem};
use super::end::End;
use super::open::{StreamQuery, open};
use super::pump::{Pump, Step};

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// No cache keeps it, and nobody compresses it on the way: that would hold events back.
const UNTOUCHED: HeaderValue = HeaderValue::from_static("no-store, no-transform");
/// nginx holds answers back until a buffer is full, unless it is told not to.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const LAST_EVENT_ID: &str = "last-event-id";
/// Written and not yet taken by the connection.
const CHUNKS: usize = 2;

refusals!(StreamRefused: CREDENTIAL, QUERY, READING, &[Code::Throttled, Code::NotFound]);

/// Receive events as Server-Sent Events
///
/// Each event bears a cursor as its `id`; `Last-Event-ID` (or `cursor`) confirms it and all before it. Frames named `resync`
/// and `end` are the gateway's own. A second reader of the same mailbox ends the first.
#[utoipa::path(
    get,
    path = "/v1/stream",
    operation_id = "stream",
    tag = "receiving",
    security(("bearer" = []), ("token" = []), ("ticket" = [])),
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Says the same as `cursor`, and goes before it"),
    ),
    responses(
        (status = 200, description = "Events, until something ends the stream", body = String, content_type = "text/event-stream",
            headers(("cache-control" = String, description = "`no-store, no-transform`"), ("x-accel-buffering" = String, description = "`no`"))),
        StreamRefused,
    ),
)]
pub(crate) async fn stream(
    request: HttpRequest,
    gateway: Data<Gateway>,
) -> Result<HttpResponse<Sse>, Problem> {
    let last = request.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let (caller, wanted) = open(&request, &gateway, last).await?;
    let stream = gateway.core.stream(StreamKind::Sse, wanted).await?;
    let (chunks, written) = mpsc::channel(CHUNKS);
    let last_words = Arc::default();
    let writer = Writer { chunks, last_words: Arc::clone(&last_words), slow: gateway.streams.slow };
    let pump = Pump::new(stream, gateway.clone(), caller);
    gateway.core.job(writer.run(pump));
    event_stream(Sse { written, last_words: Some(last_words) })
}

/// The answer around such a body.
fn event_stream(body: Sse) -> Result<HttpResponse<Sse>, Problem> {
    let mut head = HttpResponse::build(StatusCode::OK);
    head.insert_header((CONTENT_TYPE, EVENT_STREAM));
    head.insert_header((CACHE_CONTROL, UNTOUCHED));
    head.insert_header((BUFFERING, HeaderValue::from_static("no")));
    head.message_body(body).map_err(|error| CoreError::Internal(format!("stream: {error}")).into())
}

/// A stream of frames that somebody else writes.
pub(in crate::http) fn frames_of(written: mpsc::Receiver<Bytes>) -> Result<HttpResponse<Sse>, Problem> {
    event_stream(Sse { written, last_words: None })
}

/// Brings what the pump has to the connection.
struct Writer {
    chunks: mpsc::Sender<Bytes>,
    /// Why it ended, for a client that had no room for it then.
    last_words: Arc<OnceLock<Bytes>>,
    slow: Duration,
}

/// The connection takes nothing any more, or is gone.
enum Unwritten {
    Slow,
    Gone,
}

impl Writer {
    async fn run(self, mut pump: Pump) {
        let heartbeat = pump.gateway().streams.heartbeat;
        // how a browser comes back when the stream just breaks: soon, and not all at once
        let hello = format!("retry: {}\n\n", rand::rng().random_range(500..=1500));
        let mut chunk = Some(Bytes::from(hello));
        let mut wrote_at = Instant::now();
        loop {
            if let Some(chunk) = chunk {
                match self.write(chunk).await {
                    Ok(()) => wrote_at = Instant::now(),
                    Err(Unwritten::Gone) => return,
                    Err(Unwritten::Slow) => return self.end(pump, End::Slow),
                }
            }
            if pump.must_confirm() {
                return self.end(pump, End::Confirm);
            }
            let step = tokio::select! {
                biased;
                () = self.chunks.closed() => return,
                step = pump.next(heartbeat.saturating_sub(wrote_at.elapsed())) => step,
            };
            chunk = match step {
                Step::News(portion) => Some(frames(&portion)),
                Step::Quiet if wrote_at.elapsed() >= heartbeat => {
                    Some(Bytes::from_static(b": heartbeat\n\n"))
                }
                Step::Quiet => None,
                Step::End(end) => return self.end(pump, end),
            };
        }
    }

    async fn write(&self, chunk: Bytes) -> Result<(), Unwritten> {
        match timeout(self.slow, self.chunks.send(chunk)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(Unwritten::Gone),
            Err(_elapsed) => Err(Unwritten::Slow),
        }
    }

    fn end(self, pump: Pump, end: End) {
        let (_, pause) = end.told();
        let retry = pause.as_millis();
        let words = format!("event: end\nretry: {retry}\ndata: {}\n\n", end.json());
        // nobody else says them
        let _said = self.last_words.set(words.into());
        pump.ended(end);
    }
}

/// The gateway's word, and the events.
fn frames(portion: &Portion) -> Bytes {
    let mut text = Vec::new();
    if let Some(cursor) = &portion.resync {
        text.extend_from_slice(
            format!("id: {cursor}\nevent: resync\ndata: {{\"resync\":true}}\n\n").as_bytes(),
        );
    }
    for one in &portion.events {
        text.extend_from_slice(format!("id: {}\n", one.cursor).as_bytes());
        if let Some(kind) = kind_of(&one.event) {
            text.extend_from_slice(format!("event: {kind}\n").as_bytes());
        }
        // JSON as we write it is one line; what a foreign publisher wrote may be more
        for line in one.event.split(|byte| matches!(byte, b'\n' | b'\r')) {
            text.extend_from_slice(b"data: ");
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        text.push(b'\n');
    }
    Bytes::from(text)
}

/// The type that an event names.
fn kind_of(event: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    let typed: Typed = serde_json::from_slice(event).ok()?;
    Some(typed.r#type).filter(|kind| !kind.contains(['\n', '\r']))
}

/// The body: what was written, then why it ended.
pub(crate) struct Sse {
    written: mpsc::Receiver<Bytes>,
    last_words: Option<Arc<OnceLock<Bytes>>>,
}

impl MessageBody for Sse {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Poll::Ready(chunk) = self.written.poll_recv(context) else { return Poll::Pending };
        let last = || self.last_words.take()?.get().cloned();
        Poll::Ready(chunk.or_else(last).map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use pollgate_core::Streamed;
    use pollgate_model::Cursor;

    use super::*;

    #[test]
    fn an_event_is_one_frame_with_its_cursor_and_type() {
        let cursor: Cursor = Cursor {
            instance: 1,
            incarnation: 2,
            position: 3,
            broker: 0,
            cluster: 0,
            issued_at: pollgate_model::Timestamp::from_ms(0),
            had: pollgate_model::Marks::default(),
            resync: false,
        };
        let event = |json: &'static str| Streamed { event: Bytes::from_static(json.as_bytes()), cursor };
        let events = vec![event(r#"{"id":"1","type":"order.updated","data":{}}"#), event("{\"id\":\n\"2\"}")];
        let text = String::from_utf8(frames(&Portion::new(None, events)).to_vec()).unwrap();
        let expected = format!(
            "id: {cursor}\nevent: order.updated\ndata: {{\"id\":\"1\",\"type\":\"order.updated\",\"data\":{{}}}}\n\n\
             id: {cursor}\ndata: {{\"id\":\ndata: \"2\"}}\n\n"
        );
        assert_eq!(text, expected);
        assert_eq!(
            frames(&Portion::new(Some(cursor), Vec::new())),
            format!("id: {cursor}\nevent: resync\ndata: {{\"resync\":true}}\n\n")
        );
    }

    #[test]
    fn a_type_that_would_forge_a_line_is_left_out() {
        assert_eq!(kind_of(br#"{"type":"a\nid: forged"}"#), None);
        assert_eq!(kind_of(b"no json"), None);
        assert_eq!(kind_of(br#"{"type":"typing"}"#).as_deref(), Some("typing"));
    }
}
