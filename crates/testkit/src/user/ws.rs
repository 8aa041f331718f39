//! A WebSocket, over a well-known library that is not the gateway's.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::{HeaderName, HeaderValue};
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use super::User;

/// What came next.
#[derive(Clone, Debug, PartialEq)]
pub enum WsCame {
    /// A text frame.
    Json(Value),
    /// A ping; it is answered when the next frame is read or written.
    Ping,
    /// A close frame: its code and its reason.
    Close(u16, String),
    /// The connection broke.
    Broken,
    /// Nothing, for that long.
    Nothing,
}

/// An open WebSocket.
#[derive(Debug)]
pub struct Ws {
    socket: WebSocket<TcpStream>,
    number: u64,
}

impl User {
    /// Opens a WebSocket with a query such as `session=phone`.
    ///
    /// # Panics
    /// The gateway does not open it.
    pub fn ws(&self, query: &str) -> Ws {
        self.ws_with(query, &[]).unwrap_or_else(|status| panic!("the gateway answered {status}"))
    }

    /// Opens a WebSocket with more headers.
    ///
    /// # Errors
    /// The gateway answers something else: the status.
    ///
    /// # Panics
    /// The gateway is away, or breaks the protocol.
    pub fn ws_with(&self, query: &str, headers: &[(&str, &str)]) -> Result<Ws, u16> {
        self.try_ws(query, headers).expect("the gateway answers")
    }

    /// [`Self::ws_with`] to a gateway that may be away.
    ///
    /// # Errors
    /// It is.
    ///
    /// # Panics
    /// The gateway breaks the protocol.
    pub fn try_ws(&self, query: &str, headers: &[(&str, &str)]) -> std::io::Result<Result<Ws, u16>> {
        let url = format!("ws://{}/v1/ws?{query}", self.address);
        let mut request = url.into_client_request().expect("a URL");
        let own = self.authorization.as_deref().map(|value| ("authorization", value));
        for (name, value) in headers.iter().copied().chain(own) {
            let name: HeaderName = name.parse().expect("a header");
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        let stream = self.connect()?;
        stream.set_read_timeout(Some(super::ANSWERING))?;
        stream.set_write_timeout(Some(super::ANSWERING))?;
        match tungstenite::client(request, stream) {
            Ok((socket, _answer)) => Ok(Ok(Ws { socket, number: 0 })),
            Err(HandshakeError::Failure(Error::Http(answer))) => Ok(Err(answer.status().as_u16())),
            Err(HandshakeError::Failure(Error::Io(error))) => Err(error),
            Err(HandshakeError::Failure(Error::Protocol(_cut))) => Err(ErrorKind::ConnectionReset.into()),
            Err(other) => panic!("the gateway breaks the protocol: {other}"),
        }
    }
}

impl Ws {
    /// Writes a text frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn write(&mut self, text: &str) -> Result<(), Error> {
        self.socket.send(Message::text(text))
    }

    /// Writes a frame of bytes.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn write_binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.socket.send(Message::binary(bytes.to_vec()))
    }

    /// Asks for an operation, under a number of its own; `fields` is an object.
    ///
    /// # Panics
    /// The connection is gone.
    pub fn ask(&mut self, op: &str, fields: &Value) -> u64 {
        self.number += 1;
        let mut frame = fields.as_object().expect("an object").clone();
        frame.insert("n".to_owned(), self.number.into());
        frame.insert("op".to_owned(), op.into());
        self.write(&Value::Object(frame).to_string()).expect("it is open");
        self.number
    }

    /// Asks for an operation and waits for its reply: `ok`, or `error`. Events that come meanwhile are dropped.
    ///
    /// # Panics
    /// No reply comes.
    pub fn call(&mut self, op: &str, fields: &Value) -> Result<Value, Value> {
        let number = self.ask(op, fields);
        loop {
            match self.next(super::ANSWERING) {
                WsCame::Json(mut frame) if frame.get("reply_to") == Some(&number.into()) => {
                    return match frame.get_mut("ok") {
                        Some(ok) => Ok(ok.take()),
                        None => Err(frame.get_mut("error").expect("ok or error").take()),
                    };
                }
                WsCame::Json(_) | WsCame::Ping => {}
                other => panic!("{op}: no reply, but {other:?}"),
            }
        }
    }

    /// The next frame, which must come within this time.
    ///
    /// # Panics
    /// The system refuses a time-out, or a frame is no JSON.
    pub fn next(&mut self, limit: Duration) -> WsCame {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.socket.get_ref().set_read_timeout(Some(left)).expect("a time-out is set");
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return WsCame::Json(serde_json::from_str(&text).expect("JSON"));
                }
                Ok(Message::Ping(_)) => return WsCame::Ping,
                Ok(Message::Close(frame)) => {
                    return match frame {
                        Some(frame) => WsCame::Close(frame.code.into(), frame.reason.to_string()),
                        None => WsCame::Close(1005, String::new()),
                    };
                }
                Ok(_other) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if Instant::now() >= until {
                        return WsCame::Nothing;
                    }
                }
                Err(_gone) => return WsCame::Broken,
            }
        }
    }

    /// The next frame that is an event, or one that ends the stream.
    pub fn next_event(&mut self, limit: Duration) -> WsCame {
        let until = Instant::now() + limit;
        loop {
            match self.next(until.saturating_duration_since(Instant::now())) {
                WsCame::Json(frame) if frame.get("reply_to").is_some() => {}
                WsCame::Ping => {}
                other => return other,
            }
        }
    }

    /// The connection, for clients that misbehave.
    #[must_use]
    pub fn connection(&self) -> &TcpStream {
        self.socket.get_ref()
    }
}
