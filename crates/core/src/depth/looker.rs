//! The service that looks at mailboxes: a bounded number in each second, whatever there is to look at.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use pollgate_broker::clusters::MOST_CLUSTERS;
use pollgate_broker::{BrokerError, Clusters, Depth};
use pollgate_model::{Mailbox, UserId};
use pollgate_store::{AlarmChanges, DepthNotes, DepthSize, Revisits, Store};
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, info, warn};

use super::watch::{Watch, size};
use super::{DepthFigures, MOST_NOTED};
use crate::task::Stop;

/// How often there is a turn.
const TURN: Duration = Duration::from_secs(1);
/// How often what is noted is counted.
const COUNT: Duration = Duration::from_secs(5);
/// How often a noted mailbox is looked at.
const EVERY: Duration = Duration::from_secs(5);
/// A claim on a noted mailbox: longer than a turn may take, in which the broker does not answer.
const CLAIM: Duration = Duration::from_secs(30);
/// Looks under way at once: the broker's management has few channels, and polls need them too.
const AT_ONCE: usize = 2;
/// Users of whom one turn finds out whether they are here.
const ASKED: usize = 500;
/// Mailboxes shown by name.
const SHOWN: usize = 20;
/// A queue that nobody uses is gone so long after its time, at the latest.
const SLACK: Duration = Duration::from_secs(30);

/// What the service works with.
pub(crate) struct Looker {
    pub(crate) store: Store,
    pub(crate) clusters: Arc<Clusters>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) looks_per_second: usize,
    pub(crate) session_expires: Duration,
}

/// Where a mailbox to be looked at comes from.
enum From {
    Noted,
    Left,
    /// A user with so many events.
    Counted(u32),
}

/// Clusters that did not answer in this turn: they are not waited for again, so that others have their looks.
#[derive(Default)]
struct Silent(AtomicU32);

const _: () = assert!(MOST_CLUSTERS <= u32::BITS as usize);

impl Silent {
    fn bit(lane: usize) -> u32 {
        u32::try_from(lane).ok().and_then(|lane| 1_u32.checked_shl(lane)).unwrap_or(0)
    }

    fn has(&self, lane: usize) -> bool {
        self.0.load(Ordering::Relaxed) & Self::bit(lane) != 0
    }

    fn add(&self, lane: usize) {
        self.0.fetch_or(Self::bit(lane), Ordering::Relaxed);
    }
}

impl Looker {
    /// The service; ends with the stop signal.
    pub(crate) async fn run(self, mut stop: Stop) {
        let mut turns = tokio::time::interval(TURN);
        // after a slow turn no quick ones: the bound is on each second
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count_at = Instant::now();
        loop {
            let turn = async {
                turns.tick().await;
                if Instant::now() >= count_at {
                    count_at = Instant::now() + COUNT;
                    self.count().await;
                }
                self.turn().await;
            };
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = turn => {}
            }
        }
    }

    /// Counts what is noted, and keeps it within its bound.
    async fn count(&self) {
        self.watch.noted.store(false, Ordering::Relaxed);
        let totals = self.store.depth_totals().await;
        let deepest = match &totals {
            Ok(totals) if totals.noted > 0 => self.store.noted_depths(None, 0, SHOWN).await,
            Ok(_) => Ok(Vec::new()),
            Err(error) => Err(error.clone()),
        };
        let figures = match (totals, deepest) {
            (Ok(totals), Ok(deepest)) => {
                if totals.noted > MOST_NOTED as u64 {
                    match self.store.forget_depths(MOST_NOTED).await {
                        Ok(forgotten) => self.watch.count_forgotten(forgotten),
                        Err(error) => debug!(%error, "noted mailboxes were not forgotten, trying again"),
                    }
                }
                DepthFigures { totals: Some(totals), deepest, ..DepthFigures::default() }
            }
            (Err(error), _) | (_, Err(error)) => {
                debug!(%error, "noted mailboxes were not counted, trying again");
                DepthFigures::default()
            }
        };
        self.watch.learn(figures);
    }

    async fn turn(&self) {
        let quota = self.looks_per_second;
        let mut wanted: Vec<(Mailbox, From)> = Vec::with_capacity(quota);
        // noted ones may take half, sessions a quarter; candidates what is left, at least a quarter
        for mailbox in self.claimed(quota.div_ceil(2)).await {
            wanted.push((mailbox, From::Noted));
        }
        let (now, sessions) = (Instant::now(), (quota / 4).max(1));
        let left = self.watch.candidates().take_left(sessions.min(quota - wanted.len()), now);
        wanted.extend(left.into_iter().map(|mailbox| (mailbox, From::Left)));
        for (user, events) in self.away(quota - wanted.len()).await {
            wanted.push((Mailbox::main(user), From::Counted(events)));
        }
        let mut notes = self.found();
        let silent = Silent::default();
        let looks = futures::stream::iter(wanted)
            .map(|(mailbox, from)| async { (self.look(&mailbox, &silent).await, mailbox, from) })
            .buffer_unordered(AT_ONCE);
        let mut looks = std::pin::pin!(looks);
        while let Some((outcome, mailbox, from)) = looks.next().await {
            self.settle(outcome, mailbox, &from, &mut notes);
        }
        self.note(notes).await;
    }

    /// Noted mailboxes that are due. Nothing is noted: nobody is asked.
    async fn claimed(&self, most: usize) -> Vec<Mailbox> {
        let known = self.watch.figures().totals.is_none_or(|totals| totals.noted > 0);
        if !known && !self.watch.noted.load(Ordering::Relaxed) {
            return Vec::new();
        }
        self.store.claim_depths(most, CLAIM).await.unwrap_or_else(|error| {
            debug!(%error, "noted mailboxes were not claimed, trying again");
            Vec::new()
        })
    }

    /// Candidates who are nowhere to read what they get, at most `most`. Whoever is here reads it: where a client does
    /// not keep up, its gateway finds that out by itself.
    async fn away(&self, most: usize) -> Vec<(UserId, u32)> {
        let taken = self.watch.candidates().take_users(ASKED, Instant::now());
        if taken.is_empty() {
            return taken;
        }
        let users = taken.iter().map(|(user, _)| user.clone()).collect();
        let online: HashSet<UserId> = match self.store.presence(None, users).await {
            Ok(known) => known.into_iter().filter(|known| known.online).map(|known| known.user).collect(),
            Err(error) => {
                debug!(%error, "presence was not asked for, trying again");
                taken.iter().map(|(user, _)| user.clone()).collect()
            }
        };
        let now = Instant::now();
        let mut candidates = self.watch.candidates();
        let (mut away, mut rest) = (Vec::new(), Vec::new());
        for (user, events) in taken {
            if online.contains(&user) {
                candidates.later(&user, now);
            } else if away.len() < most {
                away.push((user, events));
            } else {
                rest.push(user);
            }
        }
        for user in rest {
            candidates.at_once(user, now);
        }
        away
    }

    /// What others came upon.
    fn found(&self) -> DepthNotes {
        let mut notes = DepthNotes::default();
        for size in self.watch.take_found() {
            let verdict = self.watch.rule.verdict(size.ready);
            notes.deep.push((size, verdict));
        }
        notes
    }

    async fn look(&self, mailbox: &Mailbox, silent: &Silent) -> Result<Option<Depth>, BrokerError> {
        let lane = self.clusters.placement().lane_of(&mailbox.user);
        let cluster = self.clusters.lane(lane);
        if !cluster.state().up || silent.has(lane) {
            return Err(BrokerError::Unreachable("it is known to be away".to_owned()));
        }
        self.watch.count_look();
        let found = cluster.broker.depth(mailbox).await;
        if found.is_err() {
            silent.add(lane);
        }
        found
    }

    fn settle(
        &self,
        outcome: Result<Option<Depth>, BrokerError>,
        mailbox: Mailbox,
        from: &From,
        notes: &mut DepthNotes,
    ) {
        let now = Instant::now();
        let found = match outcome {
            Ok(found) => found,
            Err(error) => {
                debug!(%mailbox, %error, "a mailbox was not looked at");
                if let From::Counted(_) = from {
                    self.watch.candidates().later(&mailbox.user, now);
                }
                return; // sessions have their next time, and claims run out
            }
        };
        let deep = found.filter(|depth| depth.ready >= self.watch.rule.noted());
        match from {
            From::Counted(events) => {
                self.watch.candidates().looked(&mailbox.user, *events, deep.is_some(), now);
            }
            // noted ones are followed there
            From::Left if deep.is_some() || found.is_none_or(|depth| depth.consumers > 0) => {
                self.watch.candidates().seen_to(&mailbox);
            }
            From::Left | From::Noted => {}
        }
        match deep {
            Some(depth) => {
                let verdict = self.watch.rule.verdict(depth.ready);
                notes.deep.push((size(mailbox, depth), verdict));
            }
            None => match from {
                From::Noted => notes.shallow.push(mailbox),
                From::Left | From::Counted(_) => {}
            },
        }
    }

    /// Notes what was found, and says which alarms started and ended.
    async fn note(&self, mut notes: DepthNotes) {
        only_once(&mut notes);
        if notes.deep.is_empty() && notes.shallow.is_empty() {
            return;
        }
        let revisits = Revisits {
            every: EVERY,
            quiet_after: self.session_expires / 2,
            quiet_for: self.session_expires + SLACK,
        };
        if !notes.deep.is_empty() {
            self.watch.noted.store(true, Ordering::Relaxed);
        }
        let notes = Arc::new(notes);
        match self.store.note_depths(notes.clone(), revisits).await {
            Ok(changes) => self.tell(&changes, &notes.deep),
            Err(error) => debug!(%error, "depths were not noted, they are looked at again"),
        }
    }

    fn tell(&self, changes: &AlarmChanges, deep: &[(DepthSize, pollgate_store::NotedAlarm)]) {
        let alarm_depth = self.watch.rule.alarm();
        for mailbox in &changes.started {
            let ready = deep.iter().find(|(size, _)| size.mailbox == *mailbox).map(|(size, _)| size.ready);
            let (user, session) = (mailbox.user.as_str(), mailbox.session.as_ref().map(ToString::to_string));
            warn!(user, session, ready, alarm_depth, "a mailbox is too deep");
        }
        tell_ended(&changes.ended, alarm_depth);
    }
}

/// Says that these alarms ended.
pub(super) fn tell_ended(ended: &[Mailbox], alarm_depth: u64) {
    for mailbox in ended {
        let (user, session) = (mailbox.user.as_str(), mailbox.session.as_ref().map(ToString::to_string));
        info!(user, session, alarm_depth, "a mailbox is no longer too deep");
    }
}

/// Leaves each mailbox in one place: what was looked at last stands last.
fn only_once(notes: &mut DepthNotes) {
    let mut seen = HashSet::new();
    notes.deep.reverse();
    notes.deep.retain(|(size, _)| seen.insert(size.mailbox.clone()));
    notes.shallow.retain(|mailbox| seen.insert(mailbox.clone()));
}
