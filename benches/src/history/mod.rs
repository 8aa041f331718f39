//! Pages of rooms and of history, from two databases side by side: one that is almost empty, one that is full.
//!
//! Rule: both have the same reader, in as many rooms, whose pages are as long. What differs is everything else that
//! stands in the database, so the ratio of the two says what that costs. The two are asked in turn, in short slices, so
//! that whatever else the machine does meets both.

mod pages;
mod seed;

use std::time::Instant;

use crate::cli::Run;
use crate::gateway::Gateways;
use crate::ledger::Counts;
use crate::process::Sample;
use crate::report::Outcome;
use crate::token::Signer;

use pages::Asked;
pub(crate) use pages::Page;
use seed::Size;

/// A page from the full database may take so many times what it takes from the almost empty one.
pub(crate) const MOST_RATIO: f64 = 3.0;

/// Starts two gateways, fills their databases, and measures the pages of both.
///
/// # Errors
/// When one of them does not start, cannot be filled, or answers a page wrongly.
pub(crate) async fn run(run: &Run) -> Result<Outcome, String> {
    let one = Run { gateways: 1, ..run.clone() };
    let empty = Gateways::start(&one).await?;
    // one broker for both: it has no part in this
    let beside = Run { rabbitmq: empty.broker_url(), ..one.clone() };
    let full = match Gateways::start(&beside).await {
        Ok(full) => full,
        Err(why) => {
            empty.stop().await;
            return Err(why);
        }
    };
    let outcome = tokio::select! {
        outcome = measure(run, &empty, &full) => outcome,
        stopped = crate::told_to_stop() => Err(stopped),
    };
    full.stop().await;
    empty.stop().await;
    outcome
}

async fn measure(run: &Run, empty: &Gateways, full: &Gateways) -> Result<Outcome, String> {
    for (gateways, size) in [(empty, Size::EMPTY), (full, Size::FULL)] {
        let started = Instant::now();
        seed::fill(&gateways.database(), size).await?;
        let (rooms, messages) = (size.rooms, size.messages());
        println!("{messages} messages in {rooms} rooms: {:.1} s", started.elapsed().as_secs_f64());
    }
    let asked = [
        Asked::new(empty, Size::EMPTY, &Signer::new(&empty.secret)?)?,
        Asked::new(full, Size::FULL, &Signer::new(&full.secret)?)?,
    ];
    let mut watched = full.processes();
    watched.push(crate::itself());
    let (sample, start) = (Sample::take(&watched), Instant::now());
    let pages = pages::measure(asked, run.load.seconds).await?;
    let took = start.elapsed();
    Ok(Outcome {
        scenario: "history",
        load: format!(
            "pages of a user with {} rooms, {} at once: {} messages in {} rooms against {} in {}",
            Size::FULL.own,
            pages::CONNECTIONS,
            Size::FULL.messages(),
            Size::FULL.rooms,
            Size::EMPTY.messages(),
            Size::EMPTY.rooms,
        ),
        seconds: took.as_secs_f64(),
        counts: Counts::default(),
        accepted_per_s: None,
        delivered_per_s: None,
        reply: None,
        delivery: None,
        lateness: None,
        held: None,
        fanout: None,
        pages,
        processes: sample.until_now(took),
    })
}
