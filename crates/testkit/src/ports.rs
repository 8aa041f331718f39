//! Ports that stay free while their server is down.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{SocketAddr, TcpListener};
use std::ops::Range;

/// Below what the system gives to outgoing connections: one of those could hold the port of a server that is just
/// starting again.
const PORTS: Range<u16> = 15_000..31_000;

/// A port of 127.0.0.1 that nobody listens on.
pub fn free() -> u16 {
    let random = RandomState::new();
    let span = u64::from(PORTS.end - PORTS.start);
    let candidates = (0..1000_u32).filter_map(|n| u16::try_from(random.hash_one(n) % span).ok());
    let mut ports = candidates.map(|offset| PORTS.start + offset);
    ports.find(|port| TcpListener::bind(local(*port)).is_ok()).expect("a free port")
}

/// `port` on this machine.
pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
