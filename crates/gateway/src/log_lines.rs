//! One event, one line: names that users chose write neither lines nor directions of writing into the log.
//!
//! The subscriber leaves control characters in fields as they are. It writes each event at once, with a line break at its
//! end, so here is where the others are found. On a terminal it colours, by escapes of its own: those that only colour stay.

use std::io::{self, Write};

/// Standard error, an event a line, in colours or not.
pub(crate) fn stderr(colours: bool) -> Lines<io::Stderr> {
    Lines { to: io::stderr(), colours }
}

/// See the module's text.
pub(crate) struct Lines<W> {
    to: W,
    colours: bool,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let body = event.strip_suffix(b"\n").unwrap_or(event);
        match std::str::from_utf8(body) {
            Ok(text) if text.contains(means_something) => {
                let mut line = on_one_line(text, self.colours);
                if body.len() < event.len() {
                    line.push('\n');
                }
                self.to.write_all(line.as_bytes())?;
            }
            _as_it_is => self.to.write_all(event)?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Ends a line, commands a terminal, or turns the direction of writing.
fn means_something(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn on_one_line(text: &str, colours: bool) -> String {
    let mut line = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\x1b' if colours && text.get(at..).is_some_and(only_colours) => line.push(c),
            // as JSON writes it, which is one of the two formats
            other if means_something(other) => line.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => line.push(other),
        }
    }
    line
}

/// A command for colours (ECMA-48, SGR) begins here, which moves nothing and asks for nothing.
fn only_colours(text: &str) -> bool {
    let digits = text.strip_prefix("\x1b[");
    digits.is_some_and(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(colours: bool, event: &str) -> String {
        let mut lines = Lines { to: Vec::new(), colours };
        lines.write_all(event.as_bytes()).unwrap();
        String::from_utf8(lines.to).unwrap()
    }

    fn written(event: &str) -> String {
        with(false, event)
    }

    #[test]
    fn an_event_is_one_line() {
        assert_eq!(written("a user=ann\n"), "a user=ann\n");
        assert_eq!(written("a user=x\nFORGED\r\n\n"), "a user=x\\nFORGED\\r\\n\n");
        assert_eq!(written("fdp\u{202e}exe\u{2028}\n"), "fdp\\u202eexe\\u2028\n");
        assert_eq!(written("no end\n\t"), "no end\\n\\t");
        assert_eq!(written("\u{1b}[32mgrüße\u{9b}\n"), "\\u001b[32mgrüße\\u009b\n");
        assert_eq!(written(""), "");
    }

    #[test]
    fn on_a_terminal_colours_stay_and_nothing_else_does() {
        let coloured = "\u{1b}[1;32mINFO\u{1b}[0m grüße\n";
        assert_eq!(with(true, coloured), coloured);
        assert_eq!(
            with(true, "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}\n"),
            "\\u001b[2J\\u001b]0;title\\u0007\\u001b\n"
        );
    }
}
