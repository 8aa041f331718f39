//! The format of Server-Sent Events, as the WHATWG's HTML standard has it.

use crate::error::Error;

/// More than a frame with the largest event.
const LARGEST: usize = 8 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands between two empty lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) event: String,
    pub(super) id: Option<String>,
    pub(super) data: String,
}

/// Reads frames from bytes that come in any pieces.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// What came and is no whole line yet.
    bytes: Vec<u8>,
    /// The last line ended with CR: an LF at the beginning belongs to it.
    after_cr: bool,
    begun: bool,
    frame: Frame,
    has_data: bool,
}

impl Parser {
    /// Takes what came.
    ///
    /// # Errors
    /// A frame without an end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.bytes.len() + self.frame.data.len() + bytes.len() > LARGEST {
            return Err(Error::answer(format!("a frame has more than {LARGEST} bytes")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next frame that is all there and has data.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                let frame = std::mem::take(&mut self.frame);
                if std::mem::take(&mut self.has_data) {
                    return Some(frame);
                }
            } else {
                self.field(&String::from_utf8_lossy(&line));
            }
        }
        None
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        if self.after_cr && !self.bytes.is_empty() {
            self.after_cr = false;
            if self.bytes.first() == Some(&b'\n') {
                self.bytes.remove(0);
            }
        }
        let end = self.bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let rest = self.bytes.split_off(end);
        let mut line = std::mem::replace(&mut self.bytes, rest);
        self.after_cr = self.bytes.remove(0) == b'\r';
        if !std::mem::replace(&mut self.begun, true) && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        Some(line)
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.frame.event),
            "id" if !value.contains('\0') => self.frame.id = Some(value.to_owned()),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.frame.data.push('\n');
                }
                self.frame.data.push_str(value);
            }
            // "" is a comment, such as the heartbeat; `retry` stands in the data of `end` as well
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut parser = Parser::default();
        let mut frames = Vec::new();
        for piece in pieces {
            parser.push(piece).unwrap();
            while let Some(frame) = parser.frame() {
                frames.push(frame);
            }
        }
        frames
    }

    fn frame(event: &str, id: Option<&str>, data: &str) -> Frame {
        Frame { event: event.to_owned(), id: id.map(str::to_owned), data: data.to_owned() }
    }

    const STREAM: &[u8] = b"\xef\xbb\xbfretry: 812\n\nid: c1\nevent: message.created\ndata: {\"a\":\"\xc3\xa4\"}\n\n: heartbeat\n\nid\r\nevent:end\r\ndata:1\r\ndata:  2\r\rdata\n\ndata: cut";

    #[test]
    fn frames_are_read_with_every_kind_of_line_end() {
        let expected = [
            frame("message.created", Some("c1"), "{\"a\":\"ä\"}"),
            frame("end", Some(""), "1\n 2"),
            frame("", None, ""),
        ];
        assert_eq!(frames(&[STREAM]), expected);
    }

    #[test]
    fn the_pieces_they_come_in_make_no_difference() {
        let whole = frames(&[STREAM]);
        for at in 0..STREAM.len() {
            let (left, right) = STREAM.split_at(at);
            assert_eq!(frames(&[left, right]), whole, "split at {at}");
        }
        let single: Vec<_> = STREAM.chunks(1).collect();
        assert_eq!(frames(&single), whole);
    }

    #[test]
    fn a_frame_without_an_end_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'a'; LARGEST / 2 + 1];
        assert!(parser.push(&piece).is_ok());
        assert!(parser.frame().is_none() && parser.push(&piece).is_err());
    }
}
