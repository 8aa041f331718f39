//! One look at a mailbox, by a poll or by a stream: what a reader does again and again, whatever happens to the gateway.

use std::time::{Duration, Instant};

use pollgate_testkit::{Came, User, WsCame};
use serde_json::{Value, json};

/// How long a stream is read before the reader goes on by something else.
const READING: Duration = Duration::from_millis(700);

/// What one look brought: as a poll's answer says it; or that there was nothing to be had, and whether that was for good.
pub(crate) enum Look {
    /// `{"events","cursor","resync"}`
    Had(Value),
    /// Refused, or the connection broke; the code, when there was one.
    Nothing(Option<String>),
}

/// Looks by polls mostly, and by each kind of stream in between.
pub(crate) fn look(way: &User, cursor: &str, turn: usize) -> Look {
    match turn % 4 {
        2 => by_stream(way, cursor),
        3 => by_socket(way, cursor),
        _ => by_poll(way, cursor),
    }
}

fn by_poll(way: &User, cursor: &str) -> Look {
    match way.try_poll(&format!("cursor={cursor}&wait=1")) {
        Ok(answer) if answer.status == 200 => Look::Had(answer.json),
        Ok(answer) => {
            let code = answer.json["code"].as_str().unwrap_or("none").to_owned();
            assert!(answer.status >= 500 || code == "superseded", "refused for good: {answer:?}");
            Look::Nothing(Some(code))
        }
        Err(_gone) => Look::Nothing(None),
    }
}

/// What a stream brought so far.
struct Read {
    events: Vec<Value>,
    cursor: String,
    resync: bool,
    end: Option<String>,
    until: Instant,
}

impl Read {
    fn new(cursor: &str) -> Self {
        let until = Instant::now() + READING;
        Self { events: Vec::new(), cursor: cursor.to_owned(), resync: false, end: None, until }
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn look(self) -> Look {
        let told = self.resync || !self.events.is_empty();
        match self.end {
            Some(code) if !told => Look::Nothing(Some(code)),
            _ => Look::Had(json!({"events": self.events, "cursor": self.cursor, "resync": self.resync})),
        }
    }
}

fn by_stream(way: &User, cursor: &str) -> Look {
    let Ok(mut stream) = way.try_stream("", &[("last-event-id", cursor)]) else { return Look::Nothing(None) };
    if stream.answer.status != 200 {
        assert!(stream.answer.status >= 500, "refused for good: {:?}", stream.answer);
        return Look::Nothing(None);
    }
    let mut read = Read::new(cursor);
    while let Came::Frame(frame) = stream.next_event(read.left()) {
        match frame.event.as_deref() {
            Some("end") => read.end = frame.data["end"].as_str().map(ToOwned::to_owned),
            Some("resync") => read.resync = true,
            _event => read.events.push(frame.data),
        }
        read.cursor = frame.id.unwrap_or(read.cursor);
    }
    read.look()
}

fn by_socket(way: &User, cursor: &str) -> Look {
    let Ok(Ok(mut socket)) = way.try_ws(&format!("cursor={cursor}"), &[]) else { return Look::Nothing(None) };
    let mut read = Read::new(cursor);
    while let WsCame::Json(mut frame) = socket.next_event(read.left()) {
        if let Some(end) = frame["end"].as_str() {
            read.end = Some(end.to_owned());
            continue;
        }
        if let Some(cursor) = frame["cursor"].as_str() {
            cursor.clone_into(&mut read.cursor);
        }
        read.resync |= frame["resync"] == true;
        if frame.get("event").is_some() {
            read.events.push(frame["event"].take());
        }
    }
    read.look()
}
