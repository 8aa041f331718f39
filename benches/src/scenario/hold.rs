//! Many polls held at once, with nothing to deliver.

use std::time::{Duration, Instant};

use super::{Setting, outcome};
use crate::bench::Bench;
use crate::process::resident_bytes;
use crate::report::{Held, Outcome};

/// Two holds at the usual length: less would not see every poll answered.
const LEAST: Duration = Duration::from_secs(12);
const MIB: f64 = 1024.0 * 1024.0;

pub(super) async fn run(setting: &Setting<'_>) -> Result<Outcome, String> {
    let load = setting.load;
    let bench = setting.bench(load.held, 0)?;
    let before = setting.gateway.and_then(resident_bytes);
    let pollers = setting.pollers(&bench).await?;
    let signing_in = bench.ledger.borrow().counts.clone();
    let sample = setting.sample();
    let start = Instant::now();
    let length = LEAST.max(Duration::from_secs(load.seconds));
    // Memory is read in the middle: at the end the first of the pollers may be on their way out.
    tokio::time::sleep(length / 2).await;
    let held = setting.gateway.and_then(resident_bytes);
    tokio::time::sleep(length / 2).await;
    let took = start.elapsed();
    let processes = sample.until_now(took);
    drop(pollers);
    let words = format!("{} polls held, nothing sent", load.held);
    let mut outcome = outcome("hold", words, took, &bench, true);
    outcome.counts.polls -= signing_in.polls;
    outcome.counts.empty_polls -= signing_in.empty_polls;
    outcome.held = Some(cost(&bench, &outcome, before, held));
    outcome.processes = processes;
    Ok(outcome)
}

fn cost(bench: &Bench, outcome: &Outcome, before: Option<u64>, held: Option<u64>) -> Held {
    let mib = |bytes: u64| bytes as f64 / MIB;
    let polls = bench.users.len();
    Held {
        polls,
        connects: bench.connects.get(),
        empty_ratio: outcome.counts.empty_polls as f64 / outcome.counts.polls.max(1) as f64,
        memory_before_mib: before.map(mib),
        memory_held_mib: held.map(mib),
        bytes_per_poll: before
            .zip(held)
            .map(|(before, held)| held.saturating_sub(before) as f64 / polls.max(1) as f64),
    }
}
