//! A server that says what it is told to, for what no gateway does on demand.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use pollgate_client::Client;

/// What is answered to one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Status and body, as JSON.
    Json(u16, &'static str),
    /// The head of a stream and this much of it; then the connection ends.
    Stream(&'static str),
    /// The same, and then it stays open.
    OpenStream(&'static str),
    /// Nothing at all, on an open connection.
    Silence,
}

/// Answers one request after the other as its script says, and then holds all others.
pub(crate) struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn start(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = Arc::clone(&asked);
        thread::spawn(move || {
            let mut script = script.into_iter();
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(line) = request_line(&stream) else { continue };
                notes.lock().unwrap().push(line);
                if answer(&mut stream, script.next().unwrap_or(Reply::Silence)) {
                    open.push(stream);
                }
            }
        });
        Self { address, asked }
    }

    pub(crate) fn client(&self) -> Client {
        Client::builder(format!("http://{}", self.address)).token("t").build().unwrap()
    }

    /// Paths and queries so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn request_line(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next()?.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    lines.map_while(Result::ok).find(String::is_empty)?;
    Some(path)
}

/// Whether the connection stays open.
fn answer(stream: &mut TcpStream, reply: Reply) -> bool {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n";
    let (text, stays) = match reply {
        Reply::Json(status, body) => {
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            (head + body, false)
        }
        Reply::Stream(body) => (format!("{head}{body}"), false),
        Reply::OpenStream(body) => (format!("{head}{body}"), true),
        Reply::Silence => (String::new(), true),
    };
    drop(stream.write_all(text.as_bytes()));
    stays
}
