//! The gateways beside this one: who is here, who left, and who is gone without a word.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use pollgate_model::InstanceId;
use pollgate_store::SeenInstance;
use serde::Serialize;

use super::report::Report;
use crate::relay::DEAD_AFTER;

/// Most gateways that are looked at; more are not shown.
pub(super) const MOST: u32 = 100;
/// One that was not heard of for so long is late: it should have renewed its lease several times.
const LATE_AFTER: Duration = Duration::from_secs(8);
/// One that is not here any more is shown for so long.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How long a look may take, by which a lease seems to have lasted shorter than it did.
const LOOKING: Duration = Duration::from_secs(1);
/// Of so many of its reports the least difference of clocks counts: a report that was written late says less.
const OFFSETS: usize = 3;

/// How a gateway is, as far as its lease tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Standing {
    /// It renews its lease.
    Here,
    /// It should have renewed it.
    Late,
    /// It gave its lease back.
    Stopped,
    /// Its lease ran out.
    Gone,
}

/// One gateway.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Instance {
    #[serde(serialize_with = "as_text")]
    pub(super) id: InstanceId,
    pub(super) own: bool,
    pub(super) standing: Standing,
    /// Seconds since it renewed its lease.
    pub(super) heard_s: f64,
    /// Milliseconds by which its clock is ahead of the database's.
    pub(super) clock_ms: Option<i64>,
    /// `None`: it is of a version that says nothing.
    pub(super) report: Option<Report>,
}

fn as_text<S: serde::Serializer>(id: &InstanceId, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(id)
}

impl Instance {
    /// What to call it.
    pub(super) fn name(&self) -> String {
        match &self.report {
            Some(report) if !report.name.is_empty() => format!("{} ({})", report.name, report.public),
            _ => self.id.to_string(),
        }
    }

    /// It is at work.
    pub(super) const fn is_here(&self) -> bool {
        matches!(self.standing, Standing::Here | Standing::Late)
    }
}

#[derive(Debug)]
struct Known {
    id: InstanceId,
    /// When its lease was renewed, by our clock, as well as it can be told.
    heard: Instant,
    /// Its last renewal by the database's clock: the same one is counted once.
    heartbeat_ms: i64,
    left: Option<(Standing, Instant)>,
    offsets: VecDeque<i64>,
    report: Option<Report>,
}

/// Everybody, as of the last look. Bounded by [`MOST`] of those here, and as many of those who are not any more.
#[derive(Debug)]
pub(super) struct Roster {
    own: InstanceId,
    known: Vec<Known>,
}

impl Roster {
    pub(super) const fn new(own: InstanceId) -> Self {
        Self { own, known: Vec::new() }
    }

    /// These have a lease now.
    pub(super) fn saw(&mut self, now: Instant, seen: &[SeenInstance]) {
        for one in seen {
            self.note(now, one);
        }
        let here: Vec<InstanceId> = seen.iter().map(|one| one.id).collect();
        for known in self.known.iter_mut().filter(|known| known.left.is_none() && !here.contains(&known.id)) {
            // leases are taken away when they have run out, and only then; before that it gave its own back
            let ran_out = now.saturating_duration_since(known.heard) >= DEAD_AFTER.saturating_sub(LOOKING);
            let standing = if ran_out { Standing::Gone } else { Standing::Stopped };
            known.left = Some((standing, now));
        }
        let remembered = |(_, since): (Standing, Instant)| now.saturating_duration_since(since) < REMEMBERED;
        self.known.retain(|known| known.left.is_none_or(remembered));
        let most = MOST as usize * 2;
        if self.known.len() > most {
            // those who left first go first
            self.known.sort_by_key(|known| std::cmp::Reverse(known.left.map_or(now, |(_, since)| since)));
            self.known.truncate(most);
        }
    }

    fn note(&mut self, now: Instant, seen: &SeenInstance) {
        let heard = now.checked_sub(seen.heartbeat_at.age_at(seen.seen_at)).unwrap_or(now);
        let heartbeat_ms = seen.heartbeat_at.as_ms();
        let report = seen.report.as_deref().and_then(Report::read);
        let offset = report.as_ref().map(|report| report.at_ms.saturating_sub(heartbeat_ms));
        let place = self.known.iter().position(|known| known.id == seen.id);
        let known = match place.and_then(|place| self.known.get_mut(place)) {
            Some(known) => known,
            None => {
                let offsets = VecDeque::new();
                let new = Known { id: seen.id, heard, heartbeat_ms: 0, left: None, offsets, report: None };
                self.known.push(new);
                let Some(last) = self.known.last_mut() else { return };
                last
            }
        };
        known.left = None;
        known.heard = heard;
        if known.heartbeat_ms != heartbeat_ms {
            known.heartbeat_ms = heartbeat_ms;
            known.offsets.extend(offset);
            while known.offsets.len() > OFFSETS {
                known.offsets.pop_front();
            }
        }
        known.report = report;
    }

    /// Everybody, this gateway first, then by name, those who left last.
    pub(super) fn all(&self, now: Instant) -> Vec<Instance> {
        let mut all: Vec<Instance> = self.known.iter().map(|known| self.instance(known, now)).collect();
        all.sort_by_cached_key(|one| (!one.own, !one.is_here(), one.name()));
        all
    }

    fn instance(&self, known: &Known, now: Instant) -> Instance {
        let silent = now.saturating_duration_since(known.heard);
        let standing = match known.left {
            Some((standing, _)) => standing,
            None if silent >= LATE_AFTER => Standing::Late,
            None => Standing::Here,
        };
        Instance {
            id: known.id,
            own: known.id == self.own,
            standing,
            heard_s: (silent.as_secs_f64() * 10.0).round() / 10.0,
            clock_ms: known.offsets.iter().copied().min_by_key(|ms| ms.unsigned_abs()),
            report: known.report.clone(),
        }
    }
}
