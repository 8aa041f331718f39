//! Senders one after the other; every recipient polls.

use std::time::Instant;

use super::{Setting, outcome, per_second};
use crate::report::Outcome;

const USERS: usize = 1_000;

pub(super) async fn run(setting: &Setting<'_>) -> Result<Outcome, String> {
    let load = setting.load;
    let bench = setting.bench(load.users.unwrap_or(USERS), load.senders)?;
    let pollers = setting.pollers(&bench).await?;
    setting.warm_up(&bench, true).await?;
    let sample = setting.sample();
    let start = Instant::now();
    let sending = setting.closed_loop(&bench).await?;
    setting.drain(&bench).await;
    let took = start.elapsed();
    let processes = sample.until_now(took);
    drop(pollers);
    let until_last = bench.ledger.borrow().until_last_delivery(start);
    let words = format!("{} senders to {} polling users", load.senders, bench.users.len());
    let mut outcome = outcome("throughput", words, took, &bench, true);
    outcome.accepted_per_s = Some(per_second(outcome.counts.accepted, sending));
    outcome.delivered_per_s = until_last.map(|took| per_second(outcome.counts.delivered, took));
    outcome.processes = processes;
    Ok(outcome)
}
