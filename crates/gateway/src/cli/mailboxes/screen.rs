//! The table, once or again and again.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use pollgate_client::MailboxDepths;

/// The other screen of a terminal: what stood there before comes back at the end.
const OPEN: &str = "\x1b[?1049h\x1b[?25l";
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";
/// To the upper left, and away with what stands there.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Where it is shown.
pub(super) struct Screen {
    redraws: bool,
}

impl Screen {
    /// A terminal that is drawn anew each time, or lines after lines.
    pub(super) fn open(redraws: bool) -> io::Result<Self> {
        let screen = Self { redraws };
        if redraws {
            screen.write(OPEN)?;
        }
        Ok(screen)
    }

    pub(super) fn show(&mut self, text: &str) -> io::Result<()> {
        if self.redraws {
            return self.write(&format!("{CLEAR}{text}"));
        }
        self.write(text)
    }

    /// In one piece, so that nothing flickers.
    fn write(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.redraws {
            // the terminal is gone: then nobody sees what it shows
            drop(self.write(CLOSE));
        }
    }
}

/// A name as it may stand in a terminal: it is whatever somebody chose to be called.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A line for each mailbox, and the sum.
pub(super) fn table(rows: &MailboxDepths) -> String {
    let mut text = format!(
        "{:<24}  {:<24}  {:>8}  {:>8}  {:>9}  STATE\n",
        "USER", "SESSION", "READY", "UNACKED", "CONSUMERS"
    );
    for row in &rows.mailboxes {
        let (user, session) = (printable(&row.user), row.session.as_deref().map(printable));
        let session = session.as_deref().unwrap_or("(main)");
        let unacked = row.unacked.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let state = if row.alarm { "ALARM" } else { "ok" };
        let (ready, consumers) = (row.ready, row.consumers);
        // writing into a text does not fail
        let _written =
            writeln!(text, "{user:<24}  {session:<24}  {ready:>8}  {unacked:>8}  {consumers:>9}  {state}");
    }
    let alarms = rows.mailboxes.iter().filter(|row| row.alarm).count();
    let _written =
        writeln!(text, "{} ready in {} mailboxes, {alarms} alarms", rows.total_ready, rows.mailboxes.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollgate_client::MailboxDepth;

    #[test]
    fn a_name_cannot_write_elsewhere_on_the_screen() {
        let row = MailboxDepth {
            user: "a\u{1b}[2J".to_owned(),
            session: None,
            ready: 101,
            unacked: None,
            consumers: 0,
            alarm: true,
            looked_at: String::new(),
        };
        let text = table(&MailboxDepths { mailboxes: vec![row], total_ready: 101 });
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("ALARM") && text.ends_with("101 ready in 1 mailboxes, 1 alarms\n"), "{text}");
    }
}
