//! Clients that ask and do not read.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use pollgate_testkit::{Gateway, eventually};
use socket2::{Domain, Socket, Type};

use crate::scrape::{LIMIT, until_used};
use crate::wire::Wire;
use crate::world::Pair::Embedded;
use crate::world::{World, world_with};

/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_millis(1500);

/// A gateway with close to 1 MiB for bob, and little patience.
fn gateway_with_much_to_say() -> World {
    let gateway = world_with(Embedded, |builder| {
        builder.env("POLLGATE_HTTP__WRITE_TIMEOUT_MS", &PATIENCE.as_millis().to_string())
    });
    let ann = gateway.user("ann");
    for _ in 0..16 {
        assert_eq!(ann.send("bob", &"x".repeat(60 << 10)).status, 201);
    }
    let operator = gateway.user_with("op", "operator");
    eventually("all of it waits", LIMIT, || {
        operator.get("/v1/mailboxes?user=bob").json["total_ready"].as_u64() == Some(17)
    });
    gateway
}

/// A connection whose system takes a few kilobytes and no more until they are read.
fn narrow(gateway: &Gateway) -> Wire {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address: SocketAddr = gateway.url().trim_start_matches("http://").parse().unwrap();
    socket.connect(&address.into()).unwrap();
    Wire::over(TcpStream::from(socket))
}

/// Its system acknowledges everything, and keeps the window closed: that does not keep it alive.
#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let gateway = gateway_with_much_to_say();
    let mut readers: Vec<Wire> = (0..8).map(|_| narrow(&gateway)).collect();
    for reader in &mut readers {
        // nothing is confirmed, so each gets all of it; one after another, because a second would supersede the first
        reader.ask("GET", "/v1/poll?cursor=&wait=0&limit=1000", &gateway.token("bob"), b"");
        assert!(!reader.is_silent_for(LIMIT), "it was not answered");
    }
    until_used(&gateway, "most_connections", 0.0);
    drop(readers);
    assert_eq!(gateway.user("bob").poll("cursor=&wait=5").status, 200);
}

#[test]
fn a_slow_reader_gets_all_of_its_answer() {
    let gateway = gateway_with_much_to_say();
    let mut reader = narrow(&gateway);
    reader.ask("GET", "/v1/poll?cursor=&wait=0&limit=1000", &gateway.token("bob"), b"");
    let (mut came, mut piece, started) = (0, vec![0; 24 << 10], Instant::now());
    while came < 16 * (60 << 10) {
        let read = reader.stream.read(&mut piece).unwrap();
        assert!(read > 0, "cut off after {came} bytes");
        came += read;
        #[expect(
            clippy::disallowed_methods,
            reason = "a reader's pace: all of it takes longer than the time-out"
        )]
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(started.elapsed() > PATIENCE, "it was not slow at all");
}
