//! `GET /operator/live`: the last hour, then each look at the figures, as Server-Sent Events.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use pollgate_core::{CoreError, Looks};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::problem::Problem;
use super::super::stream::sse::{Sse, frames_of};
use super::super::{Gateway, strict};
use super::watchers::Seat;

/// Written and not yet taken by the connection.
const CHUNKS: usize = 2;
/// There is a look every two seconds; without one for so long the page is told that we are here.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What the page draws. Needs what `/metrics` needs: there is no user's name in it.
pub(super) async fn live(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse<Sse>, Problem> {
    strict::no_query(&request)?;
    let seat = gateway.watchers.seat().ok_or(CoreError::Overloaded("watchers"))?;
    let watch =
        gateway.core.overview().watch().map_err(|error| CoreError::Internal(format!("overview: {error}")))?;
    let (chunks, written) = mpsc::channel(CHUNKS);
    gateway.core.job(write(watch, chunks, seat, gateway.streams.slow));
    frames_of(written)
}

fn frame(event: &str, json: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(json.len() + event.len() + 16);
    frame.extend_from_slice(format!("event: {event}\ndata: ").as_bytes());
    // JSON as we write it is one line
    frame.extend_from_slice(json);
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

/// Brings each look to the connection, until its client leaves, reads too slowly, or the gateway stops.
async fn write(mut watch: Looks, chunks: mpsc::Sender<Bytes>, mut seat: Seat, slow: Duration) {
    let mut chunk = frame("hello", &watch.hello);
    loop {
        match timeout(slow, chunks.send(chunk)).await {
            Ok(Ok(())) => {}
            Ok(Err(_gone)) => return,
            Err(_slow) => return,
        }
        chunk = tokio::select! {
            biased;
            () = chunks.closed() => return,
            () = seat.sent_away() => {
                // whether it is read or not, nothing comes after it
                let _told = timeout(slow, chunks.send(frame("end", br#"{"end":"drained"}"#))).await;
                return;
            }
            look = timeout(HEARTBEAT, watch.next()) => match look {
                Ok(Some(look)) => frame("look", &look),
                // it has missed some: it comes back, and gets all of them
                Ok(None) => return,
                Err(_nothing_new) => Bytes::from_static(b": heartbeat\n\n"),
            },
        };
    }
}
