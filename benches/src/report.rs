//! What a scenario found: as a table for people, as JSON for machines.

use std::fmt::Write as _;

use serde::Serialize;

use crate::history::{MOST_RATIO, Page};
use crate::latency::Quantiles;
use crate::ledger::Counts;
use crate::process::Usage;

/// One scenario's outcome.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    /// Which scenario.
    pub(crate) scenario: &'static str,
    /// What it was asked to do, in words.
    pub(crate) load: String,
    /// How long was measured, in seconds.
    pub(crate) seconds: f64,
    /// What was counted.
    pub(crate) counts: Counts,
    /// Accepted deliveries a second, while there were senders.
    pub(crate) accepted_per_s: Option<f64>,
    /// Deliveries a second, until the last was in.
    pub(crate) delivered_per_s: Option<f64>,
    /// From due to answered.
    pub(crate) reply: Option<Quantiles>,
    /// From due to the recipient's poll answer.
    pub(crate) delivery: Option<Quantiles>,
    /// How late this program itself was, at a fixed rate.
    pub(crate) lateness: Option<Quantiles>,
    /// Held polls.
    pub(crate) held: Option<Held>,
    /// Fan-out.
    pub(crate) fanout: Option<Fanout>,
    /// Pages of an almost empty database and of a full one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pages: Vec<Page>,
    /// CPU and memory.
    pub(crate) processes: Vec<Usage>,
}

/// What held polls cost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Held {
    /// Polls held at once.
    pub(crate) polls: usize,
    /// Connections made, reconnections included.
    pub(crate) connects: u64,
    /// Share of answers without an event.
    pub(crate) empty_ratio: f64,
    /// The gateway's memory before.
    pub(crate) memory_before_mib: Option<f64>,
    /// The gateway's memory while all polls were held.
    pub(crate) memory_held_mib: Option<f64>,
    /// The difference, for each poll.
    pub(crate) bytes_per_poll: Option<f64>,
}

/// How fast one event reached many.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fanout {
    /// How many each event went to.
    pub(crate) recipients: usize,
    /// How many events.
    pub(crate) rounds: usize,
    /// Until the first recipient had it.
    pub(crate) first: Option<Quantiles>,
    /// Until half of them had it.
    pub(crate) median: Option<Quantiles>,
    /// Until the last had it.
    pub(crate) last: Option<Quantiles>,
}

/// A whole run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Version of this program.
    pub(crate) version: &'static str,
    /// What was measured, when this program started it itself.
    pub(crate) pair: Option<&'static str>,
    /// Cores of the machine, shared by all.
    pub(crate) cores: usize,
    /// One for each scenario.
    pub(crate) outcomes: Vec<Outcome>,
}

impl Outcome {
    /// No promise of the gateway was broken.
    pub(crate) fn kept_promises(&self) -> bool {
        let counts = &self.counts;
        counts.lost == 0
            && counts.doubled == 0
            && counts.out_of_order == 0
            && counts.refused_but_delivered == 0
    }
}

const HEAD: [&str; 11] = [
    "scenario",
    "accepted/s",
    "delivered/s",
    "reply p50",
    "p99",
    "p99.9",
    "delivery p50",
    "p99",
    "p99.9",
    "lost",
    "repeated",
];

fn rate(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.0}"))
}

fn latencies(quantiles: Option<Quantiles>) -> [String; 3] {
    quantiles.map_or_else(
        || ["-".into(), "-".into(), "-".into()],
        |shown| [shown.p50_ms, shown.p99_ms, shown.p999_ms].map(|ms| format!("{ms:.2}")),
    )
}

impl Report {
    /// The table, then a paragraph for each scenario. Latencies in milliseconds.
    pub(crate) fn table(&self) -> String {
        let mut rows = vec![HEAD.map(String::from).to_vec()];
        for outcome in &self.outcomes {
            let mut row = vec![outcome.scenario.to_owned()];
            row.extend([rate(outcome.accepted_per_s), rate(outcome.delivered_per_s)]);
            row.extend(latencies(outcome.reply));
            row.extend(latencies(outcome.delivery));
            row.extend([outcome.counts.lost.to_string(), outcome.counts.repeated.to_string()]);
            rows.push(row);
        }
        let mut text = align(&rows);
        for outcome in &self.outcomes {
            text.push_str(&outcome.paragraph());
        }
        text
    }
}

/// The table of pages, and which of them take too long; nothing where none were read.
fn pages(pages: &[Page]) -> String {
    if pages.is_empty() {
        return String::new();
    }
    let head = ["page", "almost empty p50", "p99", "full p50", "p99", "p50 ratio", "p99 ratio"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let ratio = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.2}"));
    for page in pages {
        let [empty_p50, empty_p99, _] = latencies(page.empty);
        let [full_p50, full_p99, _] = latencies(page.full);
        let medians = page.empty.zip(page.full).map(|(empty, full)| full.p50_ms / empty.p50_ms);
        let ratios = [ratio(medians), ratio(page.ratio_p99)];
        let [p50, p99] = ratios;
        rows.push(vec![page.page.to_owned(), empty_p50, empty_p99, full_p50, full_p99, p50, p99]);
    }
    let mut text = format!("\n{}", align(&rows));
    let slow: Vec<&str> = pages.iter().filter(|page| !page.constant).map(|page| page.page).collect();
    if slow.is_empty() {
        text.push_str(&format!("  every p99 within {MOST_RATIO} x of the almost empty database\n"));
    } else {
        text.push_str(&format!("  ABOVE {MOST_RATIO} x of the almost empty database: {}\n", slow.join("; ")));
    }
    text
}

fn align(rows: &[Vec<String>]) -> String {
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate();
        let line: Vec<String> = cells
            .map(
                |(column, (cell, &width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        text.push_str(&format!("| {} |\n", line.join(" | ")));
        if at == 0 {
            let rules = widths.iter().enumerate().map(|(column, width)| {
                if column == 0 { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
            });
            text.push_str(&format!("|{}|\n", rules.collect::<Vec<_>>().join("|")));
        }
    }
    text
}

impl Outcome {
    fn paragraph(&self) -> String {
        let mut lines = format!("\n{}: {}, {:.1} s\n", self.scenario, self.load, self.seconds);
        self.write_counts(&mut lines).unwrap_or_default(); // writing into memory does not fail
        self.write_details(&mut lines).unwrap_or_default();
        lines.push_str(&pages(&self.pages));
        lines
    }

    fn write_counts(&self, out: &mut String) -> std::fmt::Result {
        let counts = &self.counts;
        writeln!(
            out,
            "  accepted {}, failed {}, delivered {}, lost {}, repeated {}, doubled {}, out of order {}",
            counts.accepted,
            counts.failed,
            counts.delivered,
            counts.lost,
            counts.repeated,
            counts.doubled,
            counts.out_of_order
        )?;
        if counts.polls + counts.poll_errors > 0 {
            writeln!(
                out,
                "  polls {}, empty {}, failed {}, resync {}",
                counts.polls, counts.empty_polls, counts.poll_errors, counts.resyncs
            )?;
        }
        counts.first_errors.iter().try_for_each(|error| writeln!(out, "  error: {error}"))
    }

    fn write_details(&self, out: &mut String) -> std::fmt::Result {
        if let Some(late) = self.lateness {
            writeln!(
                out,
                "  generator's own lateness: p50 {:.2} ms, p99 {:.2} ms",
                late.p50_ms, late.p99_ms
            )?;
        }
        if let Some(held) = &self.held {
            write!(out, "  held {} polls on {} connections made", held.polls, held.connects)?;
            write!(out, ", {:.1} % of answers empty", held.empty_ratio * 100.0)?;
            match held.bytes_per_poll {
                Some(bytes) => writeln!(out, ", {bytes:.0} bytes of gateway memory each")?,
                None => writeln!(out, " (name the gateway's --pid to see its memory)")?,
            }
        }
        if let Some(fanout) = &self.fanout {
            let ms = |quantiles: Option<Quantiles>| quantiles.map_or(f64::NAN, |shown| shown.p50_ms);
            let (first, median, last) = (ms(fanout.first), ms(fanout.median), ms(fanout.last));
            writeln!(
                out,
                "  {} events to {} users: first {first:.1} ms, median {median:.1} ms, last {last:.1} ms (p50 of rounds)",
                fanout.rounds, fanout.recipients
            )?;
        }
        self.processes.iter().try_for_each(|used| {
            writeln!(
                out,
                "  {}: {:.1} s CPU ({:.2} cores), {:.0} MiB",
                used.name, used.cpu_seconds, used.cores, used.memory_mib
            )
        })
    }
}
