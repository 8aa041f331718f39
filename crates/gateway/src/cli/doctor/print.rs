//! Telling what was found: to a person at a terminal, or as JSON.

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

use super::finding::{Finding, Level};

/// A line is broken there.
const WIDTH: usize = 110;
const INDENT: &str = "           ";

#[derive(Serialize)]
struct Summary {
    problems: usize,
    warnings: usize,
    notes: usize,
    ok: usize,
}

#[derive(Serialize)]
struct Report<'a> {
    version: &'static str,
    status: Level,
    summary: Summary,
    findings: &'a [Finding],
}

fn summary(findings: &[Finding]) -> Summary {
    let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    Summary {
        problems: count(Level::Problem),
        warnings: count(Level::Warning),
        notes: count(Level::Note),
        ok: count(Level::Ok),
    }
}

/// All findings as one JSON document.
pub(super) fn json(findings: &[Finding]) -> io::Result<()> {
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        status: findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok),
        summary: summary(findings),
        findings,
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &report)?;
    writeln!(out)?;
    out.flush()
}

/// All findings in words; in colours only on a terminal that wants them.
pub(super) fn text(findings: &[Finding]) -> io::Result<()> {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = io::stdout().is_terminal() && !unwanted;
    let mut out = io::stdout().lock();
    write(&mut out, findings, colours)?;
    out.flush()
}

fn write(out: &mut impl Write, findings: &[Finding], colours: bool) -> io::Result<()> {
    let mut family = "";
    for finding in findings {
        let of = finding.check.split('.').next().unwrap_or_default();
        if of != family {
            let gap = if family.is_empty() { "" } else { "\n" };
            writeln!(out, "{gap}{of}")?;
            family = of;
        }
        one(out, finding, colours)?;
    }
    let Summary { problems, warnings, notes, ok } = summary(findings);
    writeln!(
        out,
        "\n{}, {}, {}, {ok} ok",
        counted(problems, "problem"),
        counted(warnings, "warning"),
        counted(notes, "note")
    )
}

fn one(out: &mut impl Write, finding: &Finding, colours: bool) -> io::Result<()> {
    let word = format!("{:<8}", finding.level.word());
    let word = if colours { format!("\x1b[{}m{word}\x1b[0m", colour(finding.level)) } else { word };
    let subject = finding.subject.as_ref().map(|subject| format!(" [{subject}]")).unwrap_or_default();
    let said = format!("{}{subject}: {}", finding.check, finding.seen);
    writeln!(out, "  {word} {}", broken(&said))?;
    for (mark, text) in [("", &finding.means), ("change: ", &finding.change)] {
        if !text.is_empty() {
            writeln!(out, "{INDENT}{}", broken(&format!("{mark}{text}")))?;
        }
    }
    Ok(())
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::Ok => "32",
        Level::Note => "36",
        Level::Warning => "33",
        Level::Problem => "1;31",
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Breaks a text into lines, and takes out what a terminal would obey.
fn broken(text: &str) -> String {
    let mut lines = String::new();
    let mut width = INDENT.len();
    let tame: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for word in tame.split_whitespace() {
        let length = word.chars().count();
        if width > INDENT.len() && width + 1 + length > WIDTH {
            lines.push('\n');
            lines.push_str(INDENT);
            width = INDENT.len();
        } else if width > INDENT.len() {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(colours: bool) -> String {
        let findings = [
            Finding::ok("store.version", "PostgreSQL 15"),
            Finding::problem("broker.alarm", "blocked\x1b[31m\nby an alarm")
                .about("mq1:5672/%2f")
                .means("long ".repeat(40))
                .change("end it"),
        ];
        let mut out = Vec::new();
        write(&mut out, &findings, colours).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn findings_are_told_by_family_and_counted() {
        let text = printed(false);
        assert!(text.starts_with("store\n  ok       store.version: PostgreSQL 15\n\nbroker\n"), "{text}");
        assert!(
            text.contains("  problem  broker.alarm [mq1:5672/%2f]: blocked [31m by an alarm\n"),
            "{text}"
        );
        assert!(text.contains("           change: end it\n"), "{text}");
        assert!(text.ends_with("\n1 problem, 0 warnings, 0 notes, 1 ok\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn colours_are_for_the_level_only() {
        let text = printed(true);
        assert_eq!(text.matches("\x1b[").count(), 4, "{text}");
        assert!(text.contains("\x1b[1;31mproblem \x1b[0m broker.alarm"), "{text}");
    }
}
