//! Clients that take or say nothing: an answer never read, half a body, half a head.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::Duration;

use pollgate_testkit::{Gateway, User, eventually};
use serde_json::json;

use crate::world::{Crew, LIMIT, gateway, production};

/// Requests in a row whose answers no socket's buffers hold together.
const MANY: usize = 60;

/// A send of which the last byte never comes.
pub(crate) fn half_a_body(sender: &User) -> TcpStream {
    let body = json!({"to": "bob", "body": "half"}).to_string();
    let kind = [("content-type", "application/json")];
    let whole = sender.bytes("POST", "/v1/messages", &kind, body.as_bytes());
    sender.begin(&whole[..whole.len() - 1])
}

/// A send whose head does not end.
pub(crate) fn half_a_head(sender: &User) -> TcpStream {
    sender.begin(b"POST /v1/messages HTTP/1.1\r\nhost: gateway\r\nauthoriz")
}

/// Asks for big answers and takes none of them. There are 15 messages of 60 KB for `reader` before.
pub(crate) fn never_reads(gateway: &Gateway, reader: &str) -> TcpStream {
    let sender = gateway.user(&format!("friend-of-{reader}"));
    let text = "x".repeat(60_000);
    for _ in 0..15 {
        assert_eq!(sender.send(reader, &text).status, 201);
    }
    let reader = gateway.user(reader);
    eventually("all of it is there", LIMIT, || {
        let answer = reader.poll("cursor=&wait=1");
        answer.json["events"].as_array().unwrap().len() >= 15
    });
    let one = reader.bytes("GET", "/v1/poll?cursor=&wait=0", &[], &[]);
    let one = String::from_utf8(one).unwrap().replace("connection: close\r\n", "");
    reader.begin(one.repeat(MANY).as_bytes())
}

/// Waits until the gateway has let the connection go, and says what came before that.
fn until_let_go(mut stream: TcpStream) -> Vec<u8> {
    let mut came = Vec::new();
    if let Err(error) = stream.read_to_end(&mut came) {
        // closed with some of what was sent unread, which is as final; a time-out is not
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "still connected after a long time");
    }
    came
}

/// Connections to the gateway's public address that it holds open, by the system's own list.
fn open_connections(gateway: &Gateway) -> usize {
    let port: u16 = gateway.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let established = format!(":{port:04X} ");
    let listed = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = listed.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.filter(|line| format!("{} ", line[1]).ends_with(&established) && line[3] == "01").count()
}

/// Ten of each at once: the others are served all the time, these are let go, and what was sent is there.
#[test]
fn clients_that_stall_are_let_go_and_nobody_else_notices() {
    let (_schema, backends) = production();
    let gateway = gateway(backends)
        .env("POLLGATE_HTTP__HEADER_TIMEOUT_MS", "1000")
        .env("POLLGATE_HTTP__BODY_TIMEOUT_MS", "2000")
        .env("POLLGATE_HTTP__WRITE_TIMEOUT_MS", "3000")
        .start();
    let deaf: Vec<_> = (0..3).map(|n| never_reads(&gateway, &format!("deaf-{n}"))).collect();
    let eve = gateway.user("eve");
    let bodies: Vec<_> = (0..10).map(|_| half_a_body(&eve)).collect();
    let heads: Vec<_> = (0..10).map(|_| half_a_head(&eve)).collect();
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(100);
    for answer in heads.into_iter().chain(bodies).map(until_let_go) {
        let text = String::from_utf8_lossy(&answer);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 408 "), "{text}");
    }
    crew.until_accepted(100);
    let ledger = crew.ends_well();
    assert_eq!(ledger.most_tries(), 1, "somebody else was refused");
    eventually("those who never read are let go", LIMIT, || open_connections(&gateway) == 0);
    drop(deaf);
    let late = gateway.user("deaf-0").poll("cursor=&wait=5");
    assert!(late.json["events"].as_array().unwrap().len() >= 15, "what was never read is gone");
}

/// A client that reads slowly, and reads, is served to the end.
#[test]
fn a_client_that_reads_slowly_gets_everything() {
    let (_schema, backends) = production();
    let gateway = gateway(backends).env("POLLGATE_HTTP__WRITE_TIMEOUT_MS", "1000").start();
    let mut slow = never_reads(&gateway, "bob");
    let mut came = 0;
    let mut buffer = vec![0; 1 << 20];
    while came < MANY * 900_000 {
        std::thread::sleep(Duration::from_millis(100)); // the client's own slowness
        let read = slow.read(&mut buffer).unwrap();
        assert!(read > 0, "cut off after {came} bytes");
        came += read;
    }
}
