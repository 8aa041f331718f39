//! Reads `GET /operator/live` of a gateway, frame by frame.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::Instant;

use pollgate_testkit::Gateway;
use serde_json::Value;

use crate::scrape::LIMIT;

/// Somebody who watches the operator page.
pub(crate) struct Watcher {
    stream: TcpStream,
    /// What came and is no whole frame yet, out of its chunks.
    text: String,
    raw: Vec<u8>,
    pub(crate) head: String,
}

impl Watcher {
    pub(crate) fn of(gateway: &Gateway) -> Self {
        let operator = gateway.at_operator_address();
        let stream = operator.begin(&operator.bytes("GET", "/operator/live", &[], b""));
        let mut watcher = Self { stream, text: String::new(), raw: Vec::new(), head: String::new() };
        while watcher.head.is_empty() {
            assert!(watcher.read(), "no head");
            if let Some(end) = watcher.raw.windows(4).position(|four| four == b"\r\n\r\n") {
                watcher.head = String::from_utf8(watcher.raw.drain(..end + 4).collect()).unwrap();
            }
        }
        watcher
    }

    fn read(&mut self) -> bool {
        let mut buffer = vec![0; 64 << 10];
        let count = self.stream.read(&mut buffer).unwrap();
        self.raw.extend_from_slice(&buffer[..count]);
        count > 0
    }

    /// Takes whole chunks out of what came.
    fn unpack(&mut self) {
        while let Some(line) = self.raw.windows(2).position(|two| two == b"\r\n") {
            let size = std::str::from_utf8(&self.raw[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            if self.raw.len() < line + 2 + size + 2 {
                return;
            }
            self.text.push_str(std::str::from_utf8(&self.raw[line + 2..line + 2 + size]).unwrap());
            self.raw.drain(..line + 2 + size + 2);
        }
    }

    /// The next event and its data; `None`: the stream has ended.
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        loop {
            self.unpack();
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(event), Some(data)) = (field("event: "), field("data: ")) {
                    return Some((event.to_owned(), serde_json::from_str(data).unwrap()));
                }
                continue;
            }
            if !self.read() {
                return None;
            }
        }
    }

    /// Waits for a state of which this is true.
    pub(crate) fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (_, data) = self.next().unwrap_or_else(|| panic!("it ended before {what}"));
            if data["state"].is_object() && is(&data["state"]) {
                return data["state"].clone();
            }
            assert!(begun.elapsed() < 2 * LIMIT, "not before its time is up: {what}; {data}");
        }
    }
}

/// The codes of what is wrong.
pub(crate) fn codes(state: &Value) -> Vec<String> {
    let findings = state["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}
