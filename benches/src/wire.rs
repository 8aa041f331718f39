//! The requests as bytes, and the few fields of the answers that a measurement needs.

use std::io::Write as _;

use serde::Deserialize;

/// What a poll was answered.
#[derive(Debug, Deserialize)]
pub(crate) struct Polled<'a> {
    /// The events.
    #[serde(borrow)]
    pub(crate) events: Vec<Event<'a>>,
    /// What confirms them.
    pub(crate) cursor: &'a str,
    /// Events may be missing.
    #[serde(default)]
    pub(crate) resync: bool,
    /// How long to wait before the next poll.
    #[serde(default)]
    pub(crate) pause_ms: u64,
}

/// An event, as far as it is looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Event<'a> {
    /// Its id.
    pub(crate) id: uuid::Uuid,
    /// What it carries.
    #[serde(borrow, default)]
    pub(crate) data: Data<'a>,
}

/// A message, or the data of an event that this program published.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Data<'a> {
    /// Names the message it belongs to.
    #[serde(borrow, default)]
    pub(crate) client_id: Option<&'a str>,
    /// Names the first of as many deliveries as there are users, in their order.
    #[serde(borrow, default)]
    pub(crate) broadcast: Option<&'a str>,
    /// Its place in the room.
    #[serde(default)]
    pub(crate) seq: Option<u64>,
}

/// The id of the `n`-th message of a run: every one as long as the others, so that lengths are constant.
pub(crate) struct ClientIds {
    prefix: String,
}

const DIGITS: usize = 10;

impl ClientIds {
    pub(crate) fn new(run: &str) -> Self {
        Self { prefix: format!("{run}-") }
    }

    fn write(&self, n: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix.as_bytes());
        write!(out, "{n:0DIGITS$}").unwrap_or_default(); // writing into memory does not fail
    }

    fn len(&self) -> usize {
        self.prefix.len() + DIGITS
    }

    /// Which message an id names; `None` for one of a warm-up or of another run.
    pub(crate) fn read(&self, client_id: &str) -> Option<usize> {
        client_id.strip_prefix(&self.prefix)?.parse().ok()
    }
}

/// Puts together requests that differ in a few bytes only.
pub(crate) struct Requests {
    host: String,
    ids: ClientIds,
    text: String,
}

impl Requests {
    pub(crate) fn new(host: String, run: &str, body_bytes: usize) -> Self {
        Self { host, ids: ClientIds::new(run), text: "x".repeat(body_bytes) }
    }

    pub(crate) fn ids(&self) -> &ClientIds {
        &self.ids
    }

    /// `GET /v1/poll`; `wait` only when it is given.
    pub(crate) fn poll(&self, token: &str, cursor: &str, wait: Option<u32>, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(b"GET /v1/poll?session=bench&cursor=");
        out.extend_from_slice(cursor.as_bytes());
        if let Some(wait) = wait {
            write!(out, "&wait={wait}").unwrap_or_default();
        }
        out.extend_from_slice(b" HTTP/1.1\r\nHost: ");
        out.extend_from_slice(self.host.as_bytes());
        out.extend_from_slice(b"\r\nAuthorization: Bearer ");
        out.extend_from_slice(token.as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// `POST /v1/messages` of message `n`.
    pub(crate) fn message(&self, token: &str, to: &str, n: usize, out: &mut Vec<u8>) {
        const FIXED: usize = r#"{"to":"","body":"","client_id":""}"#.len();
        let length = FIXED + to.len() + self.text.len() + self.ids.len();
        self.post_head("/v1/messages", token, length, out);
        out.extend_from_slice(b"{\"to\":\"");
        out.extend_from_slice(to.as_bytes());
        out.extend_from_slice(b"\",\"body\":\"");
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(b"\",\"client_id\":\"");
        self.ids.write(n, out);
        out.extend_from_slice(b"\"}");
    }

    /// `POST /v1/events` to many users; stands for deliveries from number `n` on, one for each.
    pub(crate) fn event(&self, token: &str, to: &[String], n: usize, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(to.len() * 32 + self.text.len() + 128);
        body.extend_from_slice(b"{\"to\":[\"");
        body.extend_from_slice(to.join("\",\"").as_bytes());
        body.extend_from_slice(b"\"],\"type\":\"bench.fanout\",\"data\":{\"broadcast\":\"");
        self.ids.write(n, &mut body);
        body.extend_from_slice(b"\",\"text\":\"");
        body.extend_from_slice(self.text.as_bytes());
        body.extend_from_slice(b"\"}}");
        self.post_head("/v1/events", token, body.len(), out);
        out.extend_from_slice(&body);
    }

    fn post_head(&self, path: &str, token: &str, length: usize, out: &mut Vec<u8>) {
        out.clear();
        write!(out, "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n", self.host)
            .unwrap_or_default();
        write!(out, "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n").unwrap_or_default();
    }
}

/// `GET` of a path.
pub(crate) fn get(path: &str, host: &str, token: &str, out: &mut Vec<u8>) {
    out.clear();
    write!(out, "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n")
        .unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(request: &[u8]) -> serde_json::Value {
        let text = std::str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = format!("Content-Length: {}", body.len());
        assert!(head.lines().any(|line| line == length), "{head} for {} bytes", body.len());
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn requests_announce_their_length() {
        let requests = Requests::new("127.0.0.1:1".into(), "run", 5);
        let mut out = Vec::new();
        requests.message("t", "bob", 42, &mut out);
        assert_eq!(body_of(&out)["body"], "xxxxx");
        let client_id = body_of(&out)["client_id"].as_str().unwrap().to_owned();
        assert_eq!(requests.ids().read(&client_id), Some(42));
        requests.event("t", &["u1".into(), "u2".into()], 7, &mut out);
        assert_eq!(body_of(&out)["to"][1], "u2");
        assert_eq!(requests.ids().read(body_of(&out)["data"]["broadcast"].as_str().unwrap()), Some(7));
    }

    #[test]
    fn a_poll_answer_gives_ids_and_cursor() {
        let polled: Polled<'_> = serde_json::from_str(
            r#"{"events":[{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"message.created","at":"x",
                "data":{"id":"1","seq":3,"client_id":"run-0000000042","body":"a\"b"}},
               {"id":"01890a5d-ac96-774b-bcce-b302099a8058","type":"other","data":{"client_id":null}}],
               "cursor":"abc","resync":false,"more":false,"pause_ms":0}"#,
        )
        .unwrap();
        let [first, second] = &polled.events[..] else { panic!("two events") };
        assert_eq!(ClientIds::new("run").read(first.data.client_id.unwrap()), Some(42));
        assert_eq!((first.data.seq, second.data.client_id), (Some(3), None));
        assert_eq!((polled.cursor, polled.pause_ms), ("abc", 0));
    }

    #[test]
    fn ids_of_other_runs_are_none_of_ours() {
        assert_eq!(ClientIds::new("run").read("other-0000000042"), None);
    }
}
