//! The last hour, in memory: five minutes in fine steps, an hour in coarse ones.

use std::collections::VecDeque;
use std::time::Duration;

use super::findings::Lately;
use super::sample::{Counts, Line, Others};
use crate::{Limit, Snapshot};

/// How often figures are taken down.
pub(super) const FINE: Duration = Duration::from_secs(2);
/// So many of them make a coarse step.
const STEPS: u32 = 5;
/// Lines that are kept: five minutes, and an hour.
const FINE_LINES: usize = 150;
const COARSE_LINES: usize = 360;
/// Counts of the last five minutes, by which "lately" is told.
const LATELY: usize = 30;
/// Looks at bounds in the last half minute.
const LOOKS: usize = 15;

/// A list that forgets its oldest.
#[derive(Debug)]
struct Ring<T> {
    kept: VecDeque<T>,
    most: usize,
}

impl<T> Ring<T> {
    const fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most }
    }

    fn push(&mut self, one: T) {
        if self.kept.len() >= self.most {
            self.kept.pop_front();
        }
        self.kept.push_back(one);
    }
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Record {
    fine: Ring<Line>,
    coarse: Ring<Line>,
    /// The counts of the last fine step.
    last: Option<Counts>,
    /// Of each coarse step, the oldest first.
    counts: Ring<Counts>,
    /// What was used of each bound at the last looks.
    used: Ring<Vec<(&'static str, u64)>>,
    steps: u32,
}

/// The lines that one look has brought.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    pub(super) fine: Option<Line>,
    pub(super) coarse: Option<Line>,
}

impl Record {
    pub(super) const fn new() -> Self {
        Self {
            fine: Ring::new(FINE_LINES),
            coarse: Ring::new(COARSE_LINES),
            last: None,
            counts: Ring::new(LATELY),
            used: Ring::new(LOOKS),
            steps: 0,
        }
    }

    /// Takes down how it is now.
    pub(super) fn take(&mut self, snapshot: &Snapshot, limits: &[Limit], others: Others) -> News {
        let counts = Counts::of(snapshot, limits);
        self.used.push(limits.iter().filter_map(|limit| Some((limit.name, limit.used?))).collect());
        let mut news = News::default();
        if let Some(last) = &self.last {
            let line = counts.line(last, snapshot, others);
            self.fine.push(line);
            news.fine = Some(line);
        }
        if self.steps.is_multiple_of(STEPS) {
            if let Some(last) = self.counts.kept.back() {
                let line = counts.line(last, snapshot, others);
                self.coarse.push(line);
                news.coarse = Some(line);
            }
            self.counts.push(counts.clone());
        }
        self.steps = self.steps.wrapping_add(1);
        self.last = Some(counts);
        news
    }

    /// What happened in the last five minutes.
    pub(super) fn lately(&self) -> Lately {
        let (Some(now), Some(then)) = (&self.last, self.counts.kept.front()) else {
            return Lately::default();
        };
        Lately {
            polls: now.polls_since(then),
            superseded: now.superseded.saturating_sub(then.superseded),
            unanswered: now.unanswered.saturating_sub(then.unanswered),
            settle_failures: now.settle_failures.saturating_sub(then.settle_failures),
            storage_errors: now.storage_errors.saturating_sub(then.storage_errors),
            sends: now.sends_since(then),
            send_p99: now.send_p99_since(then),
        }
    }

    /// The least that was used of a bound in the last half minute; 0 until it was looked at for so long.
    pub(super) fn lasting(&self, name: &str) -> u64 {
        if self.used.kept.len() < LOOKS {
            return 0;
        }
        let of = |used: &Vec<(&'static str, u64)>| {
            used.iter().find(|(one, _)| *one == name).map(|(_, used)| *used)
        };
        self.used.kept.iter().map(|used| of(used).unwrap_or(0)).min().unwrap_or(0)
    }

    /// How often a bound was met in the last five minutes.
    pub(super) fn met(&self, name: &str) -> u64 {
        let (Some(now), Some(then)) = (&self.last, self.counts.kept.front()) else { return 0 };
        let of = |counts: &Counts| counts.met.iter().find(|(one, _)| *one == name).map_or(0, |(_, met)| *met);
        of(now).saturating_sub(of(then))
    }

    pub(super) fn fine(&self) -> Vec<&Line> {
        self.fine.kept.iter().collect()
    }

    pub(super) fn coarse(&self) -> Vec<&Line> {
        self.coarse.kept.iter().collect()
    }

    /// The newest line.
    pub(super) fn newest(&self) -> Option<&Line> {
        self.fine.kept.back()
    }
}
