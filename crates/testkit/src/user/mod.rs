//! A client: HTTP/1.1 over a connection for each request, so that it lives through restarts and may leave at any point.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::token::sign;

mod answer;
mod form;
mod sse;
mod ws;

pub use answer::Answer;
pub use form::{FORM, FormField, form};
pub use sse::{Came, Frame, Sse};
pub use ws::{Ws, WsCame};

const CONNECTING: Duration = Duration::from_secs(5);
/// Longer than any poll is held.
const ANSWERING: Duration = Duration::from_secs(30);
/// Long enough for any token to outlast its test.
pub(crate) const TOKENS_LAST_S: i64 = 3600;

/// Somebody who calls a gateway. It keeps working while the gateway is killed and started again.
#[derive(Clone, Debug)]
pub struct User {
    address: SocketAddr,
    secret: String,
    authorization: Option<String>,
}

impl User {
    /// Calls `address`, with this `Authorization` or none; `secret` signs for [`Self::operator`].
    #[must_use]
    pub fn new(address: SocketAddr, secret: &str, authorization: Option<String>) -> Self {
        Self { address, secret: secret.to_owned(), authorization }
    }

    /// An operator at the same address.
    #[must_use]
    pub fn operator(&self) -> Self {
        let token = sign(&self.secret, "operator", "operator", TOKENS_LAST_S);
        Self { authorization: Some(format!("Bearer {token}")), ..self.clone() }
    }

    /// Sends a message to a user.
    pub fn send(&self, to: &str, body: &str) -> Answer {
        self.post("/v1/messages", &json!({"to": to, "body": body}))
    }

    /// Polls with a query such as `cursor=&wait=1`.
    pub fn poll(&self, query: &str) -> Answer {
        self.get(&format!("/v1/poll?{query}"))
    }

    /// [`Self::poll`] of a gateway that may be away.
    ///
    /// # Errors
    /// It is, or leaves before all of its answer is here.
    pub fn try_poll(&self, query: &str) -> Result<Answer, String> {
        self.request("GET", &format!("/v1/poll?{query}"), &[], &[])
    }

    /// Gets a path.
    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    /// Gets a path with more headers.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        here(path, self.request("GET", path, headers, &[]))
    }

    /// How long the body of a path's answer is on the wire.
    pub fn raw_length(&self, path: &str, headers: &[(&str, &str)]) -> usize {
        self.get_with(path, headers).body().len()
    }

    /// Posts JSON.
    pub fn post(&self, path: &str, json: &Value) -> Answer {
        here(path, self.try_post(path, json))
    }

    /// [`Self::post`] to a gateway that may be away.
    ///
    /// # Errors
    /// It is, or leaves before all of its answer is here.
    pub fn try_post(&self, path: &str, json: &Value) -> Result<Answer, String> {
        let kind = [("content-type", "application/json")];
        self.request("POST", path, &kind, json.to_string().as_bytes())
    }

    /// Patches with JSON.
    pub fn patch(&self, path: &str, json: &Value) -> Answer {
        let kind = [("content-type", "application/json")];
        here(path, self.request("PATCH", path, &kind, json.to_string().as_bytes()))
    }

    /// Puts, without a body.
    pub fn put(&self, path: &str) -> Answer {
        here(path, self.request("PUT", path, &[], &[]))
    }

    /// Deletes.
    pub fn delete(&self, path: &str) -> Answer {
        here(path, self.request("DELETE", path, &[], &[]))
    }

    /// Posts what may be no JSON.
    pub fn post_raw(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        here(path, self.request("POST", path, &[("content-type", content_type)], body))
    }

    /// Sends the whole request of a poll, waits until its answer is there (2 s at most), and leaves without reading it.
    pub fn poll_and_hang_up(&self, query: &str) {
        self.poll_and_leave(query, Duration::from_secs(2));
    }

    /// Starts a poll and leaves while it is held.
    pub fn start_poll_and_leave(&self, query: &str) {
        self.poll_and_leave(query, Duration::from_millis(100));
    }

    fn poll_and_leave(&self, query: &str, patience: Duration) {
        let mut stream = self.connect().expect("the gateway is there");
        let request = self.bytes("GET", &format!("/v1/poll?{query}"), &[], &[]);
        stream.write_all(&request).expect("the request is sent");
        stream.set_read_timeout(Some(patience)).expect("a time-out is set");
        // no answer within that time is as good: what was not taken off the socket was not read
        drop(stream.peek(&mut [0]));
    }

    /// Connects, sends these bytes as they are, and hands the connection over: for clients that misbehave.
    ///
    /// # Panics
    /// The gateway does not take the connection, or not the bytes.
    #[must_use]
    pub fn begin(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect().expect("the gateway is there");
        stream.set_read_timeout(Some(ANSWERING)).expect("a time-out is set");
        stream.write_all(bytes).expect("the bytes are sent");
        stream
    }

    /// Sends a request and reads all of its answer.
    ///
    /// # Errors
    /// No connection, or it ended before all of the answer was here.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, String> {
        let gone = |error: std::io::Error| format!("{method} {path}: {error}");
        let mut stream = self.connect().map_err(gone)?;
        stream.set_read_timeout(Some(ANSWERING)).map_err(gone)?;
        stream.set_write_timeout(Some(ANSWERING)).map_err(gone)?;
        // a gateway that refuses a long body answers before it has read all of it: the answer is looked for anyway
        let written = stream.write_all(&self.bytes(method, path, headers, body));
        let (mut came, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => {
                    written.map_err(gone)?;
                    return Err(format!("{method} {path}: the connection ended after {} bytes", came.len()));
                }
                Ok(read) => came.extend_from_slice(buffer.get(..read).unwrap_or_default()),
                Err(error) => return Err(gone(error)),
            }
            if let Some(answer) = Answer::parse(method, &came) {
                return Ok(answer);
            }
        }
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect_timeout(&self.address, CONNECTING)
    }

    /// A request as it goes over the wire.
    #[must_use]
    pub fn bytes(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        let own = self.authorization.as_deref().map(|value| ("authorization", value));
        for (name, value) in headers.iter().copied().chain(own) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method != "GET" || !body.is_empty() {
            request.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        request
    }
}

#[track_caller]
fn here(path: &str, answer: Result<Answer, String>) -> Answer {
    answer.unwrap_or_else(|error| panic!("{path} was not answered: {error}"))
}
