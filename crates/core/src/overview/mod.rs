//! How this gateway and those beside it are, now and over the last hour, for the people who run them.
//!
//! One service looks at the figures every two seconds, whoever watches, and keeps an hour of them in memory. What it finds is
//! written as JSON once, for all who watch. Gateways know of each other through what each leaves in its row of the
//! database when it renews its lease.
//!
//! | module | holds |
//! | --- | --- |
//! | `sample`, `quantile`, `record` | lines of figures, and which of them are kept |
//! | `report`, `roster` | what a gateway says of itself; who is here, late, gone |
//! | `findings`, `words`, `limits` | what is wrong, and what to do about it |

mod findings;
#[cfg(test)]
mod findings_tests;
mod limits;
mod quantile;
mod record;
mod report;
mod roster;
#[cfg(test)]
mod roster_tests;
mod sample;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use pollgate_model::{InstanceId, Timestamp};
use pollgate_store::{SeenInstance, Store, StoreError};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval};

use crate::task::Stop;
use crate::{Core, Limit, Snapshot};
use findings::{ClusterNow, DepthNow, Finding, LimitNow, Situation, findings};
use record::{FINE, News, Record};
pub use report::Identity;
use report::Report;
use roster::{Instance, Roster};
use sample::{FIELDS, Line, Others, value};

/// Frames that wait for one who watches and is slow; one more, and it has missed some.
const BEHIND: usize = 8;

/// See the module's text.
#[derive(Debug)]
pub struct Overview {
    instance: InstanceId,
    identity: Identity,
    started_ms: i64,
    /// A std lock: held for work in memory, never over an await.
    board: Mutex<Board>,
    frames: broadcast::Sender<Bytes>,
}

#[derive(Debug)]
struct Board {
    record: Record,
    roster: Roster,
    state: Option<State>,
}

/// Everything but the record, as it was at the last look.
#[derive(Clone, Debug, Serialize)]
struct State {
    at_ms: i64,
    draining: bool,
    store_up: bool,
    embedded_broker: bool,
    clusters: Vec<ClusterNow>,
    limits: Vec<LimitNow>,
    depth: Option<DepthNow>,
    instances: Vec<Instance>,
    findings: Vec<Finding>,
}

/// The first frame: who this is, and the last hour.
#[derive(Serialize)]
struct Hello<'a> {
    instance: String,
    name: &'a str,
    version: &'static str,
    started_ms: i64,
    fine_ms: u64,
    fields: [&'static str; FIELDS.len()],
    fine: Vec<&'a Line>,
    coarse: Vec<&'a Line>,
    state: Option<&'a State>,
}

/// Every other frame.
#[derive(Serialize)]
struct Look<'a> {
    fine: Option<Line>,
    coarse: Option<Line>,
    state: &'a State,
}

/// What somebody who watches gets: everything so far, then each look.
#[derive(Debug)]
pub struct Looks {
    /// As JSON.
    pub hello: Bytes,
    frames: broadcast::Receiver<Bytes>,
}

impl Looks {
    /// The next look, as JSON; `None`: frames were missed, or there are no more.
    ///
    /// Cancel safe: dropped while it waits, it has taken nothing.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.frames.recv().await.ok()
    }
}

impl Overview {
    pub(crate) fn new(instance: InstanceId, identity: Identity) -> Arc<Self> {
        let (frames, _) = broadcast::channel(BEHIND);
        let board = Board { record: Record::new(), roster: Roster::new(instance), state: None };
        let started_ms = Timestamp::now().as_ms();
        Arc::new(Self { instance, identity, started_ms, board: Mutex::new(board), frames })
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything so far, and then each look.
    ///
    /// # Errors
    /// It cannot be written as JSON: a mistake in this program.
    pub fn watch(&self) -> Result<Looks, serde_json::Error> {
        // under the lock, so that no look falls between the two
        let board = self.board();
        let frames = self.frames.subscribe();
        let hello = Hello {
            instance: self.instance.to_string(),
            name: &self.identity.name,
            version: env!("CARGO_PKG_VERSION"),
            started_ms: self.started_ms,
            fine_ms: u64::try_from(FINE.as_millis()).unwrap_or(u64::MAX),
            fields: FIELDS,
            fine: board.record.fine(),
            coarse: board.record.coarse(),
            state: board.state.as_ref(),
        };
        Ok(Looks { hello: serde_json::to_vec(&hello)?.into(), frames })
    }

    /// What this gateway says of itself to the others.
    fn report(&self) -> Option<String> {
        let board = self.board();
        let mut report = Report::of(&self.identity, self.started_ms);
        report.at_ms = Timestamp::now().as_ms();
        if let Some(line) = board.record.newest() {
            let figure = |name| value(line, name).unwrap_or_default();
            report.held = figure("held");
            report.streams = figure("streams");
            report.sends = figure("sends");
            report.deliveries = figure("deliveries");
            report.send_p99_ms = value(line, "send_p99_ms");
            report.delivery_p99_ms = value(line, "delivery_p99_ms");
            report.outbox_rows = figure("outbox_rows");
            report.outbox_oldest_s = value(line, "outbox_oldest_s");
        }
        if let Some(state) = &board.state {
            report.draining = state.draining;
            report.broker = in_a_word(&state.clusters).to_owned();
            report = report.with_findings(state.findings.iter().map(|finding| finding.words.code));
        }
        report.json()
    }

    /// Renews the lease with a word about this gateway.
    pub(crate) async fn heartbeat(&self, store: &Store) -> Result<(), StoreError> {
        store.heartbeat(self.report()).await
    }

    /// Looks who else is here.
    pub(crate) async fn look_around(&self, store: &Store) -> Result<(), StoreError> {
        let seen: Vec<SeenInstance> = store.instances(roster::MOST).await?;
        self.board().roster.saw(Instant::now(), &seen);
        Ok(())
    }

    /// The service that looks every two seconds; `outer` are bounds that others keep. Ends with the stop signal.
    pub(crate) async fn run(self: Arc<Self>, core: Core, outer: impl Fn() -> Vec<Limit>, mut stop: Stop) {
        let mut beat = interval(FINE);
        // after a database that did not answer there is nothing to catch up with
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let look = async {
                beat.tick().await;
                core.snapshot().await
            };
            tokio::select! {
                () = stop.wait() => return,
                snapshot = look => {
                    let limits = [snapshot.limits.clone(), outer()].concat();
                    self.looked(&core, &snapshot, &limits);
                }
            }
        }
    }

    fn looked(&self, core: &Core, snapshot: &Snapshot, limits: &[Limit]) {
        let mut board = self.board();
        let instances = board.roster.all(Instant::now());
        let News { fine, coarse } = board.record.take(snapshot, limits, others(&instances));
        let now = situation(core, snapshot, limits, &board.record, instances);
        let findings = findings(&now);
        let state = State {
            at_ms: Timestamp::now().as_ms(),
            draining: now.draining,
            store_up: now.store_up,
            embedded_broker: now.embedded_broker,
            clusters: now.clusters,
            limits: now.limits,
            depth: now.depth,
            instances: now.instances,
            findings,
        };
        match serde_json::to_vec(&Look { fine, coarse, state: &state }) {
            // nobody watching is no error
            Ok(frame) => drop(self.frames.send(frame.into())),
            Err(error) => tracing::error!(%error, "a look at the figures cannot be written"),
        }
        board.state = Some(state);
    }
}

impl Core {
    /// Begins to take figures down for operators; `outer` are the bounds that others keep.
    pub fn take_figures(&self, outer: impl Fn() -> Vec<Limit> + Send + 'static) {
        let stop = self.tasks.stop_signal();
        self.tasks.service("figures", self.overview.clone().run(self.clone(), outer, stop));
    }

    /// How this gateway and those beside it are.
    #[must_use]
    pub fn overview(&self) -> &Overview {
        &self.overview
    }
}

fn situation(
    core: &Core,
    snapshot: &Snapshot,
    limits: &[Limit],
    record: &Record,
    instances: Vec<Instance>,
) -> Situation {
    let cluster = |(name, state): &(pollgate_broker::ClusterName, pollgate_broker::BrokerState)| ClusterNow {
        name: name.to_string(),
        up: state.up,
        blocked: state.blocked,
    };
    let limit = |limit: &Limit| LimitNow {
        name: limit.name,
        most: limit.most,
        used: limit.used,
        lasting: record.lasting(limit.name),
        met: record.met(limit.name),
    };
    Situation {
        draining: core.is_draining(),
        store_up: snapshot.store_up,
        clusters: snapshot.brokers.iter().map(cluster).collect(),
        // it is asked for nothing over a network
        embedded_broker: snapshot.operations.is_empty(),
        outbox_rows: snapshot.outbox_rows as u64,
        outbox_oldest: snapshot.outbox_oldest,
        limits: limits.iter().map(limit).collect(),
        lately: record.lately(),
        slow: core.settings().slow,
        depth: depth(core, snapshot),
        instances,
    }
}

/// Mailboxes in which much waits; `None`: nobody looks, or the database is away.
fn depth(core: &Core, snapshot: &Snapshot) -> Option<DepthNow> {
    let totals = snapshot.depths.totals?;
    Some(DepthNow {
        alarming: totals.alarms,
        deepest: snapshot.depths.deepest.first().map_or(0, |one| one.size.ready),
        alarm_depth: core.settings().alarm_depth,
    })
}

/// All clusters as one.
fn in_a_word(clusters: &[ClusterNow]) -> &'static str {
    let (up, blocked) =
        (clusters.iter().filter(|c| c.up).count(), clusters.iter().any(|c| c.up && c.blocked));
    match (up, blocked) {
        (0, _) => "away",
        (some, _) if some < clusters.len() => "partly",
        (_, true) => "blocked",
        (_, false) => "up",
    }
}

/// What the gateways beside this one have said of themselves.
fn others(instances: &[Instance]) -> Others {
    let here = instances.iter().filter(|one| !one.own && one.is_here());
    here.filter_map(|one| one.report.as_ref()).fold(Others::default(), |sum, report| Others {
        held: sum.held + report.held,
        sends: sum.sends + report.sends,
        deliveries: sum.deliveries + report.deliveries,
        outbox_rows: sum.outbox_rows + report.outbox_rows,
    })
}
