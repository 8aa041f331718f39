//! A fixed rate of messages, whatever the gateway does (open loop), over users who poll.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Setting, outcome, per_second};
use crate::bench::{Bench, Crew, PATIENCE};
use crate::latency::Latencies;
use crate::metronome::Metronome;
use crate::report::Outcome;
use crate::sender;

const USERS: usize = 1_000;
/// Most requests under way; a gateway so slow that they do not suffice shows as latency all the same.
const CONNECTIONS: usize = 256;

/// The schedule that all connections work off together.
struct Schedule {
    metronome: Metronome,
    count: usize,
    next: Cell<usize>,
    lateness: RefCell<Latencies>,
}

pub(super) async fn run(setting: &Setting<'_>) -> Result<Outcome, String> {
    let load = setting.load;
    let bench = setting.bench(load.users.unwrap_or(USERS), load.senders)?;
    let pollers = setting.pollers(&bench).await?;
    setting.warm_up(&bench, true).await?;
    let sample = setting.sample();
    let start = Instant::now();
    let schedule = open_loop(setting, &bench).await?;
    let sending = start.elapsed();
    setting.drain(&bench).await;
    let took = start.elapsed();
    let processes = sample.until_now(took);
    drop(pollers);
    let until_last = bench.ledger.borrow().until_last_delivery(start);
    let words = format!("{} messages/s over {} polling users", load.rate, bench.users.len());
    let mut outcome = outcome("latency", words, took, &bench, true);
    outcome.accepted_per_s = Some(per_second(outcome.counts.accepted, sending));
    outcome.delivered_per_s = until_last.map(|took| per_second(outcome.counts.delivered, took));
    outcome.lateness = schedule.lateness.borrow().quantiles();
    outcome.processes = processes;
    Ok(outcome)
}

async fn open_loop(setting: &Setting<'_>, bench: &Rc<Bench>) -> Result<Rc<Schedule>, String> {
    let load = setting.load;
    let count = usize::try_from(u64::from(load.rate) * load.seconds).map_err(|error| error.to_string())?;
    let schedule = Rc::new(Schedule {
        metronome: Metronome::start(load.rate, count),
        count,
        next: Cell::new(0),
        lateness: RefCell::new(Latencies::new()?),
    });
    let mut crew = Crew::default();
    for number in 0..CONNECTIONS {
        crew.add(work_off(Rc::clone(bench), Rc::clone(&schedule), number));
    }
    crew.finish(Duration::from_secs(load.seconds) + PATIENCE * 2).await?;
    Ok(schedule)
}

async fn work_off(bench: Rc<Bench>, schedule: Rc<Schedule>, number: usize) {
    let mut client = bench.client(number);
    let mut request = Vec::new();
    while schedule.metronome.beat().await {
        let n = schedule.next.replace(schedule.next.get() + 1);
        if n + 1 >= schedule.count {
            schedule.metronome.finish();
        }
        let due = schedule.metronome.due(n);
        schedule.lateness.borrow_mut().record(due.elapsed());
        let to = n.checked_rem(bench.users.len()).unwrap_or(0);
        let way = (bench.sender_of(to), to);
        if !sender::send(&bench, &mut client, &mut request, way, due).await {
            return;
        }
    }
}
