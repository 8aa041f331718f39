//! Senders one after the other; nobody polls.

use super::{Setting, outcome, per_second};
use crate::report::Outcome;

const USERS: usize = 100;

pub(super) async fn run(setting: &Setting<'_>) -> Result<Outcome, String> {
    let load = setting.load;
    let bench = setting.bench(load.users.unwrap_or(USERS), load.senders)?;
    setting.warm_up(&bench, false).await?;
    let sample = setting.sample();
    let took = setting.closed_loop(&bench).await?;
    let words = format!("{} senders, {} recipients who do not poll", load.senders, bench.users.len());
    let mut outcome = outcome("send", words, took, &bench, false);
    outcome.accepted_per_s = Some(per_second(outcome.counts.accepted, took));
    outcome.processes = sample.until_now(took);
    Ok(outcome)
}
