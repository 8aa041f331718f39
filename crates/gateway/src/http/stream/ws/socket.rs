//! One WebSocket: what comes out of the mailbox goes in, what comes in is done, one thing after the other.

use std::io::ErrorKind;
use std::pin::Pin;
use std::time::Duration;

use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session};
use bytes::Bytes;
use pollgate_core::Portion;
use pollgate_model::Cursor;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use super::super::super::problem::Problem;
use super::super::end::End;
use super::super::pump::{Pump, Step};
use super::frame::{self, Asked};
use super::guard::Rules;
use super::ops;

/// Pings that may stay unanswered.
const MISSED: u32 = 2;

type Operation = Pin<Box<dyn Future<Output = (Option<u64>, Result<Bytes, Problem>)>>>;

/// See the module's text.
pub(super) struct Socket {
    pump: Pump,
    session: Session,
    frames: AggregatedMessageStream,
    /// What the bytes of its client must keep to.
    rules: Rules,
    /// The operation under way: the next frame is read when it is done, so that they keep their order.
    operation: Option<Operation>,
    ping_at: Instant,
    unanswered: u32,
}

/// How a WebSocket ends.
enum Over {
    /// The client left, or cannot be reached.
    Gone,
    /// The client said good-bye, or broke the rules: it gets this close frame.
    Closed(Option<CloseReason>),
    /// We end it.
    End(End),
}

impl From<End> for Over {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl Socket {
    pub(super) fn new(pump: Pump, session: Session, frames: AggregatedMessageStream, rules: Rules) -> Self {
        let ping_at = Instant::now() + pump.gateway().streams.heartbeat;
        Self { pump, session, frames, rules, operation: None, ping_at, unanswered: 0 }
    }

    pub(super) async fn run(mut self) {
        let over = loop {
            if let Err(over) = self.step().await {
                break over;
            }
        };
        let Self { pump, session, .. } = self;
        let slow = pump.gateway().streams.slow;
        match over {
            Over::Gone => {}
            Over::Closed(reason) => drop(timeout(slow, session.close(reason)).await),
            Over::End(end) => {
                pump.ended(end);
                let _said = timeout(slow, farewell(session, end)).await;
            }
        }
    }

    /// Waits for the next thing, whatever it is, and does it.
    async fn step(&mut self) -> Result<(), Over> {
        // whoever writes without end waits for others now and then
        tokio::task::consume_budget().await;
        let heartbeat = self.pump.gateway().streams.heartbeat;
        let busy = self.operation.is_some();
        tokio::select! {
            biased;
            (number, outcome) = done(&mut self.operation) => {
                self.operation = None;
                self.reply(number, outcome).await
            }
            frame = self.frames.recv(), if !busy => self.read(frame).await,
            () = sleep_until(self.ping_at) => self.ping(heartbeat).await,
            step = self.pump.next(heartbeat) => match step {
                Step::News(portion) => self.give(&portion).await,
                Step::Quiet if self.pump.leaves_unconfirmed() => Err(End::Slow.into()),
                Step::Quiet => Ok(()),
                Step::End(end) => Err(end.into()),
            },
        }
    }

    /// All of it must be taken in the time that one frame may take: a portion is small.
    async fn give(&mut self, portion: &Portion) -> Result<(), Over> {
        let slow = self.pump.gateway().streams.slow;
        let resync = portion.resync.iter().map(frame::resync);
        let frames: Vec<Bytes> = resync.chain(portion.events.iter().map(frame::event)).collect();
        let given = async {
            for frame in frames {
                self.write(frame).await?;
            }
            Ok::<(), Over>(())
        };
        timeout(slow, given).await.unwrap_or(Err(Over::End(End::Slow)))?;
        if self.pump.leaves_unconfirmed() { Err(End::Slow.into()) } else { Ok(()) }
    }

    async fn read(&mut self, frame: Option<Result<AggregatedMessage, ProtocolError>>) -> Result<(), Over> {
        self.unanswered = 0;
        if let Some(broken) = self.rules.broken() {
            return Err(closed(broken.code(), broken.why()));
        }
        match frame {
            Some(Ok(AggregatedMessage::Text(text))) => self.ask(&text).await,
            Some(Ok(AggregatedMessage::Ping(payload))) => {
                let slow = self.pump.gateway().streams.slow;
                written(timeout(slow, self.session.pong(&payload)).await)
            }
            Some(Ok(AggregatedMessage::Pong(_))) => Ok(()),
            Some(Ok(AggregatedMessage::Binary(_))) => Err(closed(CloseCode::Unsupported, "text frames only")),
            Some(Ok(AggregatedMessage::Close(reason))) => Err(Over::Closed(reason)),
            Some(Err(ProtocolError::Io(error))) if error.kind() == ErrorKind::InvalidData => {
                Err(closed(CloseCode::Invalid, "text is UTF-8"))
            }
            Some(Err(ProtocolError::Io(_))) | None => Err(Over::Gone),
            Some(Err(error)) => Err(closed(CloseCode::Protocol, &error.to_string())),
        }
    }

    async fn ask(&mut self, text: &str) -> Result<(), Over> {
        let (number, asked) = frame::read(text);
        match asked {
            Err(problem) => self.reply(number, Err(problem)).await,
            Ok(asked) if asked.op == "ack" => {
                let outcome = self.ack(asked);
                self.reply(number, outcome).await
            }
            Ok(asked) => {
                let (gateway, caller) = (self.pump.gateway().clone(), self.pump.caller().clone());
                self.operation =
                    Some(Box::pin(async move { (number, ops::run(gateway, caller, asked).await) }));
                Ok(())
            }
        }
    }

    fn ack(&mut self, asked: Asked) -> Result<Bytes, Problem> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Ack {
            cursor: String,
        }
        let ack: Ack = asked.fields.into()?;
        let cursor: Cursor =
            ack.cursor.parse().map_err(|error| Problem::invalid(format!("cursor: {error}")))?;
        self.pump.confirm(cursor);
        Ok(Bytes::from_static(b"{}"))
    }

    async fn reply(&mut self, number: Option<u64>, outcome: Result<Bytes, Problem>) -> Result<(), Over> {
        match outcome {
            Ok(answer) => self.write(frame::ok(number, &answer)).await,
            Err(problem) => {
                if let Some(cause) = problem.to_log() {
                    warn!(cause, "operation over a WebSocket failed: {cause}");
                }
                self.write(frame::error(number, &problem)).await
            }
        }
    }

    /// Asks whether the client is there.
    async fn ping(&mut self, heartbeat: Duration) -> Result<(), Over> {
        if self.unanswered >= MISSED {
            return Err(Over::Gone);
        }
        // waiting for events begins anew with each ping, and so might never come to its own end
        if self.pump.leaves_unconfirmed() {
            return Err(End::Slow.into());
        }
        self.unanswered += 1;
        self.ping_at = Instant::now() + heartbeat;
        let slow = self.pump.gateway().streams.slow;
        written(timeout(slow, self.session.ping(b"")).await)
    }

    async fn write(&mut self, frame: Bytes) -> Result<(), Over> {
        let Ok(text) = String::from_utf8(frame.into()) else {
            // JSON is UTF-8 (RFC 8259, 8.1): only a foreign publisher could have written this
            return Ok(());
        };
        let slow = self.pump.gateway().streams.slow;
        written(timeout(slow, self.session.text(text)).await)
    }
}

/// Says why, and closes.
async fn farewell(mut session: Session, end: End) -> Result<(), actix_ws::Closed> {
    session.text(end.json()).await?;
    let (name, _) = end.told();
    let reason = CloseReason { code: CloseCode::from(end.close_code()), description: Some(name.to_owned()) };
    session.close(Some(reason)).await
}

fn closed(code: CloseCode, why: &str) -> Over {
    Over::Closed(Some(CloseReason { code, description: Some(why.to_owned()) }))
}

fn written(outcome: Result<Result<(), actix_ws::Closed>, tokio::time::error::Elapsed>) -> Result<(), Over> {
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_closed)) => Err(Over::Gone),
        Err(_elapsed) => Err(End::Slow.into()),
    }
}

/// The end of the operation under way; never, when there is none.
async fn done(operation: &mut Option<Operation>) -> (Option<u64>, Result<Bytes, Problem>) {
    match operation {
        Some(operation) => operation.await,
        None => std::future::pending().await,
    }
}
