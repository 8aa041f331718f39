//! One event to many users who poll.

use std::time::{Duration, Instant};

use super::{Setting, outcome};
use crate::bench::{Bench, WARM_UP};
use crate::http::Client;
use crate::latency::Latencies;
use crate::report::{Fanout, Outcome};
use crate::sender;

const USERS: usize = 1_000;
/// Between rounds, so that everybody's next poll is held again.
const REST: Duration = Duration::from_millis(300);

pub(super) async fn run(setting: &Setting<'_>) -> Result<Outcome, String> {
    let load = setting.load;
    let bench = setting.bench(load.users.unwrap_or(USERS), 1)?;
    let pollers = setting.pollers(&bench).await?;
    setting.warm_up(&bench, true).await?;
    let mut client = bench.client(0);
    round(setting, &bench, &mut client, true).await?; // the first event of its kind pays for what is lazy
    let sample = setting.sample();
    let start = Instant::now();
    let [mut first, mut median, mut last] = [Latencies::new()?, Latencies::new()?, Latencies::new()?];
    for _ in 0..load.rounds {
        tokio::time::sleep(REST).await;
        let ways = round(setting, &bench, &mut client, false).await?;
        ways.first().into_iter().for_each(|way| first.record(*way));
        ways.get(ways.len() / 2).into_iter().for_each(|way| median.record(*way));
        // Only a round that is complete has a last one.
        ways.get(bench.users.len() - 1).into_iter().for_each(|way| last.record(*way));
    }
    let took = start.elapsed();
    let processes = sample.until_now(took);
    drop(pollers);
    let words = format!("{} events to {} polling users each", load.rounds, bench.users.len());
    let mut outcome = outcome("fanout", words, took, &bench, true);
    outcome.fanout = Some(Fanout {
        recipients: bench.users.len(),
        rounds: load.rounds,
        first: first.quantiles(),
        median: median.quantiles(),
        last: last.quantiles(),
    });
    outcome.processes = processes;
    Ok(outcome)
}

/// One event to everybody; how long it took to each, shortest first.
async fn round(
    setting: &Setting<'_>,
    bench: &Bench,
    client: &mut Client,
    warm_up: bool,
) -> Result<Vec<Duration>, String> {
    let users = bench.users.len();
    let mut request = Vec::new();
    let patience = Duration::from_secs(setting.load.drain_seconds);
    if warm_up {
        let before = bench.warmed.get();
        bench.requests.event(bench.sender_of(0), &bench.users, WARM_UP + users, &mut request);
        sender::exchange(bench, client, &request, 0, 0).await;
        bench.wait_until(patience, |bench| bench.warmed.get() >= before + users).await;
        return Ok(Vec::new());
    }
    let due = Instant::now();
    let opened: Vec<usize> = {
        let mut ledger = bench.ledger.borrow_mut();
        (0..users).map_while(|user| ledger.open(user, due)).collect()
    };
    let Some(first) = opened.first().copied().filter(|_| opened.len() == users) else {
        return Err("too many deliveries for one run: fewer --rounds or --users".into());
    };
    bench.requests.event(bench.sender_of(0), &bench.users, first, &mut request);
    sender::exchange(bench, client, &request, first, users).await;
    bench.wait_until(patience, |bench| bench.ledger.borrow().ways(first, users).len() == users).await;
    let ways = bench.ledger.borrow().ways(first, users);
    Ok(ways)
}
