//! One event, one line: names that users chose write neither lines nor directions of writing into the log.
//!
//! The subscriber escapes what colours a terminal, and leaves line breaks in texts as they are. It writes each event at once,
//! with a line break at its end, so here is where the others are found.

use std::io::{self, Write};

/// Standard error, an event a line.
pub(crate) fn stderr() -> Lines<io::Stderr> {
    Lines(io::stderr())
}

/// See the module's text.
pub(crate) struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let body = event.strip_suffix(b"\n").unwrap_or(event);
        match std::str::from_utf8(body) {
            Ok(text) if text.contains(breaks) => {
                let mut line = on_one_line(text);
                if body.len() < event.len() {
                    line.push('\n');
                }
                self.0.write_all(line.as_bytes())?;
            }
            _as_it_is => self.0.write_all(event)?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Ends a line, or turns the direction of writing; colours (ESC) are the subscriber's own.
const fn breaks(c: char) -> bool {
    matches!(c, '\0'..='\x1a' | '\x1c'..='\x1f' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            // as JSON writes it, which is one of the two formats
            other if breaks(other) => line.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => line.push(other),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: &str) -> String {
        let mut lines = Lines(Vec::new());
        lines.write_all(event.as_bytes()).unwrap();
        String::from_utf8(lines.0).unwrap()
    }

    #[test]
    fn an_event_is_one_line() {
        assert_eq!(written("a user=ann\n"), "a user=ann\n");
        assert_eq!(written("a user=x\nFORGED\r\n\n"), "a user=x\\nFORGED\\r\\n\n");
        assert_eq!(written("fdp\u{202e}exe\u{2028}\n"), "fdp\\u202eexe\\u2028\n");
        assert_eq!(written("no end\n\t"), "no end\\n\\t");
        assert_eq!(written("\u{1b}[32mINFO\u{1b}[0m grüße\n"), "\u{1b}[32mINFO\u{1b}[0m grüße\n");
        assert_eq!(written(""), "");
    }
}
