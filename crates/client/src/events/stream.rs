//! `GET /v1/stream`: Server-Sent Events.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::sse::{Frame, Parser};
use super::{Answer, Options, poll};
use crate::call::reach;
use crate::client::Client;
use crate::error::{Error, Problem};
use crate::types::Event;

/// The gateway says something at once: who hears nothing for so long has a proxy before it that keeps streams back.
const FIRST_BYTE: Duration = Duration::from_secs(3);
/// Heartbeats come every 30 s: a stream that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(40);

/// A stream that is open.
pub(super) struct Reading {
    response: Response,
    parser: Parser,
    /// The credential it was opened with, or an older one.
    token: Arc<str>,
}

/// What is no event.
#[derive(Deserialize)]
struct Own {
    id: Option<String>,
    #[serde(default)]
    resync: bool,
    end: Option<String>,
    #[serde(default)]
    pause_ms: u64,
}

impl Reading {
    /// Opens a stream; `None`: the gateway has none, or something before it does not pass it on.
    pub(super) async fn open(
        client: &Client,
        options: &Options,
        cursor: &str,
    ) -> Result<Option<Self>, Error> {
        let token = client.inner.tokens.get().await?;
        let call = poll::call("stream", options, cursor).header("accept", "text/event-stream");
        let opening = async {
            let mut response = client.respond(&call).await?;
            let first = response.chunk().await.map_err(reach)?;
            Ok::<_, Error>((response, first))
        };
        let (response, first) = match timeout(FIRST_BYTE, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(Error::Problem(problem))) if matches!(problem.status, 404 | 405 | 406 | 501) => {
                return Ok(None);
            }
            Ok(Err(error)) => return Err(error),
            Err(_elapsed) => return Ok(None),
        };
        let mut parser = Parser::default();
        parser.push(&first.unwrap_or_default())?;
        Ok(Some(Self { response, parser, token }))
    }

    /// The next answer, and whether the stream goes on after it.
    pub(super) async fn next(&mut self, client: &Client, cursor: &str) -> Result<(Answer, bool), Error> {
        loop {
            while let Some(frame) = self.parser.frame() {
                if let Some(answer) = self.read(frame, client, cursor).await? {
                    return Ok(answer);
                }
            }
            let chunk = timeout(SILENCE, self.response.chunk()).await;
            let chunk = chunk.map_err(|_elapsed| Error::network("the stream has fallen silent"))?;
            match chunk.map_err(reach)? {
                Some(bytes) => self.parser.push(&bytes)?,
                None => return Err(Error::network("the stream broke off")),
            }
        }
    }

    async fn read(
        &self,
        frame: Frame,
        client: &Client,
        cursor: &str,
    ) -> Result<Option<(Answer, bool)>, Error> {
        let own: Own = serde_json::from_str(&frame.data).map_err(Error::answer)?;
        let pause = Duration::from_millis(own.pause_ms);
        if own.id.is_some() {
            let json = RawValue::from_string(frame.data).map_err(Error::answer)?;
            let event = Event::read(json)?;
            let cursor = frame.id.ok_or_else(|| Error::answer("an event without a cursor"))?;
            let answer = Answer { events: vec![event], cursor, resync: false, pause };
            return Ok(Some((answer, true)));
        }
        if own.resync {
            let cursor = frame.id.ok_or_else(|| Error::answer("a resync without a cursor"))?;
            return Ok(Some((Answer { events: Vec::new(), cursor, resync: true, pause }, true)));
        }
        let Some(end) = own.end else { return Ok(None) };
        let come_back = Answer { events: Vec::new(), cursor: cursor.to_owned(), resync: false, pause };
        match end.as_str() {
            "confirm" | "drained" | "slow" => Ok(Some((come_back, false))),
            "token-expired" if client.inner.tokens.instead_of(&self.token).await?.is_some() => {
                Ok(Some((come_back, false)))
            }
            _ => Err(Error::Problem(problem(end, pause))),
        }
    }
}

/// An end, as the answer to a poll would have said it.
fn problem(end: String, pause: Duration) -> Problem {
    let status = match end.as_str() {
        "superseded" => 409,
        "token-expired" | "unauthenticated" => 401,
        _ => 503,
    };
    let retry_after = (status == 503 && !pause.is_zero()).then_some(pause);
    let detail = "the gateway ended the stream".to_owned();
    Problem { status, code: end, detail, retry_after, request_id: None }
}
