//! An upstream that does as it is told, to see what the balancer makes of it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What it does with a connection when a request has come.
pub(crate) type Conduct = fn(&mut TcpStream);

/// Listens until the test's process ends.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    pub(crate) fn start(conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self { address: listener.local_addr().unwrap(), heard: Arc::default() };
        let heard = upstream.heard.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let heard = heard.clone();
                thread::spawn(move || {
                    while let Some(request) = request(&mut stream) {
                        heard.lock().unwrap().push(request);
                        conduct(&mut stream);
                    }
                });
            }
        });
        upstream
    }

    /// The heads of all requests so far, in small letters.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Answers, and keeps the connection.
pub(crate) fn answer(stream: &mut TcpStream) {
    drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
}

/// Ends the connection without an answer, as a gateway that is killed.
pub(crate) fn break_off(stream: &mut TcpStream) {
    drop(stream.shutdown(std::net::Shutdown::Both));
}

/// A stream of Server-Sent Events: `data: 1`, `data: 2`, and so on, for as long as somebody listens.
pub(crate) fn stream_events(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let mut next = head.to_owned();
    for number in 1.. {
        next.push_str(&format!("data: {number}\n\n"));
        if stream.write_all(next.as_bytes()).is_err() {
            return;
        }
        next.clear();
        #[expect(clippy::disallowed_methods, reason = "events come apart from each other")]
        thread::sleep(Duration::from_millis(100));
    }
}

/// Goes over to WebSocket, and says one thing.
pub(crate) fn switch_protocols(stream: &mut TcpStream) {
    let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    drop(stream.write_all(format!("{head}a frame").as_bytes()));
}

/// The next request on a connection, read to the end of its body.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(head)
}
