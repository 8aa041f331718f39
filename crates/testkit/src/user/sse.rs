//! A reader of Server-Sent Events, apart from the gateway's own code and from any client library.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Answer, User};

/// One frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// `id:`
    pub id: Option<String>,
    /// `event:`
    pub event: Option<String>,
    /// `retry:`
    pub retry: Option<u64>,
    /// All lines of `data:`, as JSON when it is some.
    pub data: Value,
    /// A line that begins with a colon.
    pub comment: Option<String>,
}

/// What came next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// A frame.
    Frame(Frame),
    /// The stream ended as it should.
    End,
    /// The connection broke.
    Broken,
    /// Nothing, for that long.
    Nothing,
}

/// A stream that was begun.
#[derive(Debug)]
pub struct Sse {
    stream: TcpStream,
    /// The head of the answer; its body too, when it is no stream.
    pub answer: Answer,
    raw: Vec<u8>,
    text: Vec<u8>,
    frames: VecDeque<Frame>,
    ended: bool,
}

impl User {
    /// Begins a stream with a query such as `session=phone`.
    pub fn stream(&self, query: &str) -> Sse {
        self.stream_with(query, &[])
    }

    /// Begins a stream with more headers.
    ///
    /// # Panics
    /// The gateway does not answer.
    pub fn stream_with(&self, query: &str, headers: &[(&str, &str)]) -> Sse {
        self.try_stream(query, headers).expect("the gateway answers")
    }

    /// [`Self::stream_with`] to a gateway that may be away.
    ///
    /// # Errors
    /// It is.
    pub fn try_stream(&self, query: &str, headers: &[(&str, &str)]) -> std::io::Result<Sse> {
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(super::ANSWERING))?;
        stream.write_all(&self.bytes("GET", &format!("/v1/stream?{query}"), headers, &[]))?;
        let mut raw = Vec::new();
        let head = loop {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer)?;
            raw.extend_from_slice(buffer.get(..read).unwrap_or_default());
            if let Some(at) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        };
        let rest = raw.split_off(head);
        let streams = String::from_utf8_lossy(&raw).contains("text/event-stream");
        let mut sse = Sse {
            stream,
            answer: Answer::parse("HEAD", &raw).ok_or(ErrorKind::InvalidData)?,
            raw: rest,
            text: Vec::new(),
            frames: VecDeque::new(),
            ended: false,
        };
        if !streams {
            let mut whole = raw;
            whole.append(&mut sse.raw);
            while Answer::parse("GET", &whole).is_none() && sse.stream.read_to_end(&mut whole)? > 0 {}
            sse.answer = Answer::parse("GET", &whole).ok_or(ErrorKind::UnexpectedEof)?;
        }
        Ok(sse)
    }
}

impl Sse {
    /// The next frame, which must come within this time.
    ///
    /// # Panics
    /// The system refuses a time-out.
    pub fn next(&mut self, limit: Duration) -> Came {
        let until = Instant::now() + limit;
        loop {
            self.take_chunks();
            if let Some(frame) = self.frames.pop_front() {
                return Came::Frame(frame);
            }
            if self.ended {
                return Came::End;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Came::Nothing;
            }
            self.stream.set_read_timeout(Some(left)).expect("a time-out is set");
            let mut buffer = vec![0; 64 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Came::Broken,
                Ok(read) => self.raw.extend_from_slice(buffer.get(..read).unwrap_or_default()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_broken) => return Came::Broken,
            }
        }
    }

    /// The next frame that is no comment and no bare `retry`.
    pub fn next_event(&mut self, limit: Duration) -> Came {
        let until = Instant::now() + limit;
        loop {
            match self.next(until.saturating_duration_since(Instant::now())) {
                Came::Frame(frame) if frame.data.is_null() => {}
                other => return other,
            }
        }
    }

    /// The connection, for clients that misbehave.
    #[must_use]
    pub fn connection(&self) -> &TcpStream {
        &self.stream
    }

    /// Takes whole chunks (RFC 9112, 7.1) out of what came.
    fn take_chunks(&mut self) {
        while let Some(line) = self.raw.windows(2).position(|two| two == b"\r\n") {
            let size = self.raw.get(..line).map(String::from_utf8_lossy).unwrap_or_default();
            let size = usize::from_str_radix(size.trim(), 16).expect("the size of a chunk");
            if self.raw.len() < line + 2 + size + 2 {
                break;
            }
            let chunk: Vec<u8> = self.raw.drain(..line + 2 + size + 2).collect();
            self.text.extend_from_slice(chunk.get(line + 2..line + 2 + size).unwrap_or_default());
            self.ended |= size == 0;
        }
        while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            self.frames.push_back(Frame::parse(&String::from_utf8_lossy(&block)));
        }
    }
}

impl Frame {
    fn parse(block: &str) -> Self {
        let mut frame = Self::default();
        let mut data: Vec<&str> = Vec::new();
        for line in block.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "" => frame.comment = Some(value.to_owned()),
                "id" => frame.id = Some(value.to_owned()),
                "event" => frame.event = Some(value.to_owned()),
                "retry" => frame.retry = value.parse().ok(),
                "data" => data.push(value),
                other => panic!("no field of an event stream: {other:?}"),
            }
        }
        let data = data.join("\n");
        frame.data =
            serde_json::from_str(&data).unwrap_or(if data.is_empty() { Value::Null } else { data.into() });
        frame
    }
}
