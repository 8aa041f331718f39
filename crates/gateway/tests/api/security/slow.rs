//! Clients that take their time (slowloris), and connections that are held for nothing.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::scrape::{Scrape, until_used};
use crate::wire::Wire;
use crate::world::Pair::Embedded;
use crate::world::{World, world_with};

const MANY: usize = 200;

fn hasty() -> World {
    world_with(Embedded, |builder| {
        let builder = builder.env("POLLGATE_HTTP__KEEP_ALIVE_MS", "1000");
        builder.env("POLLGATE_HTTP__HEADER_TIMEOUT_MS", "1000").env("POLLGATE_HTTP__BODY_TIMEOUT_MS", "1000")
    })
}

/// Writes a piece again and again until the gateway has had enough.
fn dribble(wire: &mut Wire, piece: &[u8]) {
    while wire.is_silent_for(Duration::from_millis(30)) {
        if wire.stream.write_all(piece).is_err() {
            return;
        }
    }
}

#[test]
fn many_that_never_end_their_heads_hold_nobody_up() {
    let gateway = hasty();
    let mut slow: Vec<Wire> = (0..MANY).map(|_| Wire::to(&gateway)).collect();
    for wire in &mut slow {
        wire.stream.write_all(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
    }
    for n in 0..20 {
        assert_eq!(gateway.user("ann").send("bob", &n.to_string()).status, 201);
        for wire in &mut slow {
            // some have been given up by now
            drop(wire.stream.write_all(b"x"));
        }
    }
    for wire in &mut slow {
        dribble(wire, b"x");
    }
    until_used(&gateway, "most_connections", 0.0);
}

#[test]
fn a_connection_on_which_nothing_is_asked_ends() {
    let gateway = hasty();
    let mut silent = Wire::to(&gateway);
    assert!(silent.reply_or_end().is_none_or(|status| status == 408));
    let mut idle = Wire::to(&gateway);
    idle.ask("GET", "/v1/poll?wait=0", &gateway.token("bob"), b"");
    assert_eq!(idle.reply().status, 200);
    assert!(idle.is_closed());
    until_used(&gateway, "most_connections", 0.0);
}

#[test]
fn chunks_that_never_end_are_given_up() {
    let gateway = hasty();
    let token = gateway.token("ann");
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    for (begin, piece) in [
        // each piece is well-formed, and together they say nothing
        ("2;x=", "y"),
        ("2\r\n{}\r\n0\r\nx: ", "y"),
        ("2\r\n{}\r\n0\r\n", "x: y\r\n"),
        ("", "1\r\n \r\n"),
    ] {
        let mut wire = Wire::to(&gateway);
        wire.stream.write_all(format!("{head}{begin}").as_bytes()).unwrap();
        dribble(&mut wire, piece.as_bytes());
        assert!(wire.reply_or_end().is_none_or(|status| status == 408), "{begin:?} {piece:?}");
    }
    assert_eq!(gateway.user("ann").send("bob", "hi").status, 201);
    until_used(&gateway, "most_connections", 0.0);
}

#[test]
fn the_operator_address_waits_for_nobody_either() {
    let gateway = hasty();
    let address: SocketAddr = gateway.operator_url().trim_start_matches("http://").parse().unwrap();
    let mut slow: Vec<Wire> = (0..MANY).map(|_| Wire::over(TcpStream::connect(address).unwrap())).collect();
    for wire in &mut slow {
        wire.stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ").unwrap();
    }
    drop(Scrape::of(&gateway));
    for wire in &mut slow {
        dribble(wire, b"x");
        assert!(wire.reply_or_end().is_none_or(|status| status == 408));
    }
}
