//! The scenarios, and what they have in common: signing users in, warming up, draining.

mod fanout;
mod hold;
mod latency;
mod send;
mod throughput;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::bench::{Bench, Crew, PATIENCE, Population, WARM_UP};
use crate::cli::Load;
use crate::process::{Sample, Watched};
use crate::report::Outcome;
use crate::token::Signer;
use crate::{poller, sender};

const WARM_UP_SENDERS: usize = 32;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Senders one after the other, nobody polls: reply latency and accepted/s.
    Send,
    /// A fixed rate of messages over polling users: reply and delivery latency.
    Latency,
    /// Senders one after the other, everybody polls: accepted/s and delivered/s.
    Throughput,
    /// One event to many users: the time until the first, half, and all of them have it.
    Fanout,
    /// Many held polls: errors and memory.
    Hold,
    /// Pages of rooms and of history, from an almost empty database and from a full one.
    History,
}

impl Scenario {
    /// All of them, in the order in which they disturb each other least.
    pub(crate) const ALL: [Self; 6] =
        [Self::Send, Self::Latency, Self::Throughput, Self::Fanout, Self::Hold, Self::History];
    /// Those that do not need databases of their own.
    pub(crate) const ON_ANY_GATEWAY: [Self; 5] =
        [Self::Send, Self::Latency, Self::Throughput, Self::Fanout, Self::Hold];
}

/// What every scenario needs to know.
pub(crate) struct Setting<'a> {
    /// The gateways.
    pub(crate) addresses: &'a [SocketAddr],
    /// Signs tokens.
    pub(crate) signer: &'a Signer,
    /// How much of what.
    pub(crate) load: &'a Load,
    /// The gateway's process, if it is known and the only one.
    pub(crate) gateway: Option<u32>,
    /// Processes whose CPU time and memory are read.
    pub(crate) watched: &'a [Watched],
}

impl Setting<'_> {
    /// Runs one scenario.
    ///
    /// # Errors
    /// When it cannot be run at all; what goes wrong while it runs is counted.
    pub(crate) async fn run(&self, scenario: Scenario) -> Result<Outcome, String> {
        match scenario {
            Scenario::Send => send::run(self).await,
            Scenario::Latency => latency::run(self).await,
            Scenario::Throughput => throughput::run(self).await,
            Scenario::Fanout => fanout::run(self).await,
            Scenario::Hold => hold::run(self).await,
            Scenario::History => Err("the history scenario starts gateways of its own".into()),
        }
    }

    fn bench(&self, users: usize, senders: usize) -> Result<Rc<Bench>, String> {
        // Users of their own for each scenario: mailboxes left by another one would be measured too.
        let run = uuid::Uuid::new_v4().simple().to_string();
        let population = Population {
            addresses: self.addresses,
            route: self.load.route,
            signer: self.signer,
            run: format!("b{}", run.get(..10).unwrap_or(&run)),
            users,
            senders,
            body_bytes: self.load.body_bytes,
        };
        Bench::new(population).map(Rc::new)
    }

    /// Lets every user poll; comes back when all of them have a mailbox.
    async fn pollers(&self, bench: &Rc<Bench>) -> Result<Crew, String> {
        let mut crew = Crew::default();
        let count = bench.users.len();
        for user in 0..count {
            crew.add(poller::poll(Rc::clone(bench), user));
        }
        let patience = Duration::from_secs(self.load.setup_seconds);
        let all = u32::try_from(count).map_err(|error| error.to_string())?;
        let signed_in = tokio::time::timeout(patience, bench.ready.acquire_many(all)).await;
        if signed_in.is_ok() {
            return Ok(crew);
        }
        let there = bench.ready.available_permits();
        let errors = bench.ledger.borrow().counts.first_errors.join("; ");
        Err(format!("{there} of {count} users could poll within {patience:?}: {errors}"))
    }

    /// One message to every user, so that rooms exist; waits for them to come when users poll.
    async fn warm_up(&self, bench: &Rc<Bench>, polled: bool) -> Result<(), String> {
        let mut crew = Crew::default();
        for worker in 0..WARM_UP_SENDERS {
            let bench = Rc::clone(bench);
            crew.add(async move {
                let mut client = bench.client(worker);
                for to in (worker..bench.users.len()).step_by(WARM_UP_SENDERS) {
                    if let Err(why) = sender::warm_up(&bench, &mut client, to, WARM_UP + to).await {
                        bench.ledger.borrow_mut().note(why);
                    }
                }
            });
        }
        let patience = Duration::from_secs(self.load.setup_seconds);
        crew.finish(patience).await?;
        let all_came = |bench: &Bench| bench.warmed.get() >= bench.users.len();
        if !polled || bench.wait_until(patience, all_came).await {
            return Ok(());
        }
        let errors = bench.ledger.borrow().counts.first_errors.join("; ");
        Err(format!("{} of {} warm-up messages came: {errors}", bench.warmed.get(), bench.users.len()))
    }

    /// Senders that each wait for an answer before they send again, for the time that was asked for.
    async fn closed_loop(&self, bench: &Rc<Bench>) -> Result<Duration, String> {
        let mut crew = Crew::default();
        let start = Instant::now();
        let length = Duration::from_secs(self.load.seconds);
        for worker in 0..bench.senders.len() {
            crew.add(keep_sending(Rc::clone(bench), worker, start + length));
        }
        crew.finish(length + PATIENCE * 2).await?;
        Ok(start.elapsed())
    }

    /// Waits for what was accepted and has not come yet.
    async fn drain(&self, bench: &Bench) {
        let complete = |bench: &Bench| {
            let ledger = bench.ledger.borrow();
            ledger.looks_complete() && ledger.missing() == 0
        };
        // What is still missing afterwards is counted as lost.
        bench.wait_until(Duration::from_secs(self.load.drain_seconds), complete).await;
    }

    fn sample(&self) -> Sample {
        Sample::take(self.watched)
    }
}

async fn keep_sending(bench: Rc<Bench>, worker: usize, until: Instant) {
    let Some(token) = bench.senders.get(worker) else { return };
    let mut client = bench.client(worker);
    let mut request = Vec::new();
    let first = worker.checked_rem(bench.users.len()).unwrap_or(0);
    let recipients = (first..bench.users.len()).step_by(bench.senders.len().max(1)).cycle();
    for to in recipients {
        let now = Instant::now();
        if now >= until || !sender::send(&bench, &mut client, &mut request, (token, to), now).await {
            return;
        }
    }
}

/// An outcome with nothing in it but what every scenario has.
fn outcome(scenario: &'static str, load: String, took: Duration, bench: &Bench, delivery: bool) -> Outcome {
    let (counts, reply, delivery) = bench.ledger.borrow_mut().close(delivery);
    Outcome {
        scenario,
        load,
        seconds: took.as_secs_f64(),
        counts,
        accepted_per_s: None,
        delivered_per_s: None,
        reply,
        delivery,
        lateness: None,
        held: None,
        fanout: None,
        pages: Vec::new(),
        processes: Vec::new(),
    }
}

fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(f64::EPSILON)
}
