//! A client that keeps its connection, and does with it what no good client would.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use pollgate_testkit::Gateway;

const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    came: Vec<u8>,
}

/// An answer, as far as these tests look at it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn to(gateway: &Gateway) -> Self {
        let stream = TcpStream::connect(gateway.url().trim_start_matches("http://")).unwrap();
        Self::over(stream)
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, came: Vec::new() }
    }

    /// Asks, and does not wait for the answer.
    pub(crate) fn ask(&mut self, method: &str, path: &str, token: &str, body: &[u8]) {
        self.ask_long(method, path, token, body.len(), body);
    }

    /// Says that a body has `length` bytes, and sends these of them.
    pub(crate) fn ask_long(&mut self, method: &str, path: &str, token: &str, length: usize, body: &[u8]) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request).unwrap();
    }

    /// The next answer.
    pub(crate) fn reply(&mut self) -> Reply {
        loop {
            if let Some((reply, length)) = parse(&self.came) {
                self.came.drain(..length);
                return reply;
            }
            let mut more = [0; 16 << 10];
            let read = self.stream.read(&mut more).unwrap();
            assert!(read > 0, "ended after {:?}", String::from_utf8_lossy(&self.came));
            self.came.extend_from_slice(&more[..read]);
        }
    }

    /// The status of the next answer; `None`: the connection ended without one.
    pub(crate) fn reply_or_end(&mut self) -> Option<u16> {
        let mut line = [0; 12];
        self.stream.read_exact(&mut line).ok()?;
        std::str::from_utf8(&line).ok()?.rsplit(' ').next()?.parse().ok()
    }

    /// Nothing has come within this time.
    pub(crate) fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let silent = match self.stream.peek(&mut [0]) {
            Ok(_came) => false,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }

    /// The gateway ends the connection, after nothing more than what was asked of it.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

fn parse(came: &[u8]) -> Option<(Reply, usize)> {
    let end = came.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&came[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    let body = came.get(end..end + length)?.to_vec();
    Some((Reply { status, body }, end + length))
}
