//! Requests that two readers may read differently, each with another request hidden where only one of them would look.
//!
//! The hidden one sends a message to somebody whose name begins with [`HIDDEN`], so that it can be seen whether anybody
//! took it for a request.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Recipients of messages that must never be sent.
pub const HIDDEN: &str = "hidden-";

const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than any answer takes that comes at all.
const QUIET: Duration = Duration::from_secs(5);
/// More headers than any request needs.
const MANY_HEADERS: usize = 500;
/// A longer head than any request needs.
const LONG: usize = 300 << 10;

/// One such request.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is odd about it.
    pub name: &'static str,
    /// As it goes over the wire.
    pub bytes: Vec<u8>,
    /// The first status that a careful server answers: one of these.
    pub answered: &'static [u16],
}

const BAD: &[u16] = &[400];
/// A body in which the other request is just text.
const TEXT: &[u16] = &[400, 415];

struct Cases {
    token: String,
    all: Vec<Case>,
}

impl Cases {
    /// What must not be done.
    fn hidden(&self) -> String {
        let body = format!(r#"{{"to":"{HIDDEN}{}","body":"x"}}"#, self.all.len());
        format!(
            "POST /v1/messages HTTP/1.1\r\nhost: x\r\n{}content-length: {}\r\n\r\n{body}",
            self.own(),
            body.len()
        )
    }

    fn own(&self) -> String {
        format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", self.token)
    }

    /// A request to send, with these header lines and this after the head; `{hidden}` and `{length}` are filled in.
    fn send(&mut self, name: &'static str, answered: &'static [u16], lines: &str, rest: &str) {
        let head = format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\n{}", self.own());
        self.raw(name, answered, &format!("{head}{lines}\r\n{rest}"));
    }

    fn raw(&mut self, name: &'static str, answered: &'static [u16], text: &str) {
        let hidden = self.hidden();
        let text = text.replace("{length}", &hidden.len().to_string());
        let text = text.replace("{hex}", &format!("{:x}", hidden.len())).replace("{hidden}", &hidden);
        self.all.push(Case { name, bytes: text.into_bytes(), answered });
    }

    fn lengths(&mut self) {
        for (name, lines) in [
            ("two lengths", "content-length: 2\r\ncontent-length: {length}\r\n"),
            ("the same length twice", "content-length: 2\r\ncontent-length: 2\r\n"),
            ("a list of lengths", "content-length: 2, 2\r\n"),
            ("a length with a sign", "content-length: +2\r\n"),
            ("a negative length", "content-length: -2\r\n"),
            ("a length in hexadecimal", "content-length: 0x2\r\n"),
            ("a length of two numbers", "content-length: 2 2\r\n"),
            ("an empty length", "content-length:\r\n"),
            ("a length that overflows", "content-length: 18446744073709551618\r\n"),
            ("a length with a vertical tab", "content-length: \x0b2\r\n"),
        ] {
            self.send(name, BAD, lines, "{}{hidden}");
        }
        self.send("a length that holds all of it", TEXT, "content-length: {length}\r\n", "{hidden}");
    }

    fn encodings(&mut self) {
        let chunks = "0\r\n\r\n{hidden}";
        for (name, lines) in [
            ("a length, then chunks", "content-length: 5\r\ntransfer-encoding: chunked\r\n"),
            ("chunks, then a length", "transfer-encoding: chunked\r\ncontent-length: 5\r\n"),
            ("chunks and no length at all", "transfer-encoding: chunked\r\ncontent-length: 0\r\n"),
            ("an encoding that is none", "transfer-encoding: xchunked\r\n"),
            ("chunks that are not last", "transfer-encoding: chunked, identity\r\n"),
            ("identity alone", "transfer-encoding: identity\r\n"),
            ("identity and a length", "transfer-encoding: identity\r\ncontent-length: 5\r\n"),
            ("chunks twice", "transfer-encoding: chunked, chunked\r\n"),
            ("two encodings", "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n"),
            ("an encoding in quotes", "transfer-encoding: \"chunked\"\r\n"),
            ("an encoding with a vertical tab", "transfer-encoding: \x0bchunked\r\n"),
            ("an encoding with NUL", "transfer-encoding: chunked\0\r\n"),
            ("a space before the colon", "transfer-encoding : chunked\r\n"),
            ("a tab before the colon", "transfer-encoding\t: chunked\r\n"),
            ("a line that begins with a space", " transfer-encoding: chunked\r\n"),
            ("a folded line", "x: a\r\n transfer-encoding: chunked\r\n"),
            ("an encoding in a folded line", "transfer-encoding:\r\n chunked\r\n"),
            ("a lone CR before the encoding", "x: a\rtransfer-encoding: chunked\r\n"),
            ("gzip", "transfer-encoding: gzip, chunked\r\n"),
        ] {
            self.send(name, BAD, lines, chunks);
        }
        let under = "transfer_encoding: chunked\r\ncontent-length: {length}\r\n";
        self.send("an encoding with an underscore", TEXT, under, "{hidden}");
        let old =
            format!("POST /v1/messages HTTP/1.0\r\n{}transfer-encoding: chunked\r\n\r\n{chunks}", self.own());
        self.raw("chunks in HTTP/1.0", BAD, &old);
    }

    fn chunks(&mut self) {
        let chunked = "transfer-encoding: chunked\r\n";
        for (name, rest) in [
            ("a chunk without a size", "\r\n{hidden}"),
            ("a chunk of negative size", "-1\r\n{hidden}"),
            ("a size with 0x", "0x2\r\n{}\r\n0\r\n\r\n{hidden}"),
            ("a size that overflows", "10000000000000002\r\n{}\r\n0\r\n\r\n{hidden}"),
            ("a size that ends in LF alone", "2\n{}\r\n0\r\n\r\n{hidden}"),
            ("a chunk that is longer than it says", "1\r\n{}\r\n0\r\n\r\n{hidden}"),
            ("a chunk without its end", "2\r\n{}0\r\n\r\n{hidden}"),
            ("an extension that holds a line", "2;x\n{}\r\n0\r\n\r\n{hidden}"),
            ("a size in words", "two\r\n{}\r\n0\r\n\r\n{hidden}"),
            ("a space before the size", " 2\r\n{}\r\n0\r\n\r\n{hidden}"),
        ] {
            self.send(name, BAD, chunked, rest);
        }
        self.send("a chunk that holds all of it", TEXT, chunked, "{hex};x=\"y\"\r\n{hidden}\r\n0\r\n\r\n");
    }

    fn heads(&mut self) {
        for (name, text) in [
            ("NUL in a value", "GET / HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n{hidden}"),
            ("NUL in a name", "GET / HTTP/1.1\r\nhost: x\r\na\0b: c\r\n\r\n{hidden}"),
            ("a space in a name", "GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n{hidden}"),
            ("a name that is none", "GET / HTTP/1.1\r\nhost: x\r\n: c\r\n\r\n{hidden}"),
            ("a line without a colon", "GET / HTTP/1.1\r\nhost: x\r\nabc\r\n\r\n{hidden}"),
            ("no host", "GET / HTTP/1.1\r\n\r\n{hidden}"),
            ("two hosts", "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n{hidden}"),
            ("a path with a space", "GET /a b HTTP/1.1\r\nhost: x\r\n\r\n{hidden}"),
            ("a path with NUL", "GET /a\0b HTTP/1.1\r\nhost: x\r\n\r\n{hidden}"),
            ("a version that is none", "GET / HTTP/1.7\r\nhost: x\r\n\r\n{hidden}"),
            ("HTTP/0.9", "GET /\r\n\r\n{hidden}"),
            ("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{hidden}"),
            ("a lone CR in a value", "GET / HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n{hidden}"),
            ("a method that is none", "GE(T / HTTP/1.1\r\nhost: x\r\n\r\n{hidden}"),
        ] {
            self.raw(name, BAD, text);
        }
        let many = "a: b\r\n".repeat(MANY_HEADERS);
        self.raw(
            "too many headers",
            &[400, 431],
            &format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n{{hidden}}"),
        );
        let long = "a".repeat(LONG);
        let text = format!("GET / HTTP/1.1\r\nhost: x\r\na: {long}\r\n\r\n{{hidden}}");
        self.raw("a header that is too long", &[400, 431], &text);
        self.raw(
            "a path that is too long",
            &[400, 414, 431],
            &format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n{{hidden}}"),
        );
    }

    /// What is no mistake, and yet not a reason to go on with what comes after.
    fn refused(&mut self) {
        let body = "content-length: {length}\r\n\r\n{hidden}";
        for (name, answered, head) in [
            (
                "the body of a request without a token",
                &[401][..],
                "POST /v1/messages HTTP/1.1\r\nhost: x\r\n",
            ),
            ("the body of a request to nowhere", &[404], "POST /v1/nowhere HTTP/1.1\r\nhost: x\r\n"),
            ("the body of a wrong method", &[405], "DELETE /v1/messages HTTP/1.1\r\nhost: x\r\n"),
            ("the body of a poll", &[200, 400, 401], "GET /v1/poll?wait=0 HTTP/1.1\r\nhost: x\r\n"),
            (
                "a body after 100-continue",
                &[401],
                "POST /v1/messages HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n",
            ),
            (
                "the body of an upgrade",
                &[400, 401, 404],
                "GET /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
            ),
        ] {
            self.raw(name, answered, &format!("{head}{body}"));
        }
        let socket = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                      sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
        for (name, answered, head) in [
            (
                "after an upgrade that is refused",
                &[401][..],
                format!("GET /v1/ws HTTP/1.1\r\nhost: x\r\n{socket}"),
            ),
            (
                "after an upgrade of something else",
                &[401],
                format!("GET /v1/poll HTTP/1.1\r\nhost: x\r\n{socket}"),
            ),
            ("after an upgrade of a wrong version", &[400, 401], {
                format!("GET /v1/ws HTTP/1.1\r\nhost: x\r\n{}", socket.replace("13", "99"))
            }),
            ("after CONNECT", &[400, 404, 405], "CONNECT x:80 HTTP/1.1\r\nhost: x\r\n".to_owned()),
        ] {
            self.raw(name, answered, &format!("{head}\r\n{{hidden}}"));
        }
    }
}

/// All of them, sent by who has this token.
#[must_use]
pub fn cases(token: &str) -> Vec<Case> {
    let mut cases = Cases { token: token.to_owned(), all: Vec::new() };
    cases.lengths();
    cases.encodings();
    cases.chunks();
    cases.heads();
    cases.refused();
    cases.all
}

/// Two requests in one write, both of them good: what [`cases`] must not look like to anybody.
#[must_use]
pub fn open_pipeline(token: &str) -> Vec<u8> {
    let cases = Cases { token: token.to_owned(), all: Vec::new() };
    format!("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n{}", cases.hidden()).into_bytes()
}

/// Writes all of it and reads until the other side ends the connection; the statuses of the answers, without those that
/// only tell to go on.
///
/// # Panics
/// Nobody listens, or the connection does not end.
#[must_use]
pub fn answers(address: SocketAddr, bytes: &[u8]) -> Vec<u16> {
    let (came, ended) = read(address, bytes, PATIENCE);
    assert!(ended, "the connection stays open after {:?}", String::from_utf8_lossy(&came));
    statuses(&came)
}

/// The same with somebody who keeps connections open: until nothing has come for a while.
///
/// # Panics
/// Nobody listens.
#[must_use]
pub fn some_answers(address: SocketAddr, bytes: &[u8]) -> Vec<u16> {
    statuses(&read(address, bytes, QUIET).0)
}

/// All that comes until the connection ends (`true`), or is silent for so long.
fn read(address: SocketAddr, bytes: &[u8], silence: Duration) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(silence)).expect("a time-out is set");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time-out is set");
    let mut reader = stream.try_clone().expect("a second handle");
    let reading = std::thread::spawn(move || {
        let mut came = Vec::new();
        // whoever refuses a head does not read all of it
        let ended = match reader.read_to_end(&mut came) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        (came, ended)
    });
    drop(stream.write_all(bytes));
    let read = reading.join().expect("it is read");
    drop(stream.shutdown(Shutdown::Both));
    read
}

fn statuses(came: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(came);
    let lines = text.match_indices("HTTP/1.").filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok());
    lines.filter(|status| *status != 100).collect()
}
