//! Rows divided among the lanes: each lane gets what its own users are to have.

use std::collections::HashMap;
use std::sync::Arc;

use pollgate_broker::Placement;
use pollgate_model::Recipient;
use pollgate_store::Outgoing;

/// A set of lanes. There are at most as many as there are bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaneSet(u32);

const _: () = assert!(pollgate_broker::clusters::MOST_CLUSTERS <= u32::BITS as usize);

impl LaneSet {
    pub(crate) fn insert(&mut self, lane: usize) {
        self.0 |= Self::bit(lane);
    }

    pub(crate) fn remove(&mut self, lane: usize) {
        self.0 &= !Self::bit(lane);
    }

    pub(crate) fn contains(self, lane: usize) -> bool {
        self.0 & Self::bit(lane) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn len(self) -> u32 {
        self.0.count_ones()
    }

    fn bit(lane: usize) -> u32 {
        u32::try_from(lane).ok().and_then(|lane| 1_u32.checked_shl(lane)).unwrap_or(0)
    }
}

/// What each lane has to publish of some rows, in their order.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    pub(crate) of: Vec<Vec<Outgoing>>,
    /// The rows that several lanes have a share of.
    pub(crate) joint: HashMap<i64, LaneSet>,
}

impl Shares {
    /// Divides rows; a lane's recipients of a row are put together here, once.
    pub(crate) fn new(placement: &Placement, rows: Vec<Outgoing>) -> Self {
        let lanes = placement.lanes();
        if lanes == 1 {
            return Self { of: vec![rows], joint: HashMap::new() };
        }
        let mut shares = Self { of: (0..lanes).map(|_| Vec::new()).collect(), joint: HashMap::new() };
        for row in rows {
            shares.divide(placement, row);
        }
        shares
    }

    fn divide(&mut self, placement: &Placement, row: Outgoing) {
        let divided = divide(placement, &row.recipients);
        let (ticket, mut set) = (row.ticket, LaneSet::default());
        for (lane, recipients) in divided {
            set.insert(lane);
            if let Some(share) = self.of.get_mut(lane) {
                share.push(Outgoing { recipients, ..row.clone() });
            }
        }
        if set.len() > 1 {
            self.joint.insert(ticket, set);
        }
    }

    /// The lanes that have one.
    pub(crate) fn lanes(&self) -> LaneSet {
        let mut set = LaneSet::default();
        for (lane, _) in self.of.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            set.insert(lane);
        }
        set
    }

    /// The share of one lane.
    pub(crate) fn take(&mut self, lane: usize) -> Vec<Outgoing> {
        self.of.get_mut(lane).map(std::mem::take).unwrap_or_default()
    }
}

/// Recipients by the lanes that have them, ascending. Nobody at all: the first lane, which answers for that too.
pub(crate) fn divide(placement: &Placement, recipients: &Arc<[Recipient]>) -> Vec<(usize, Arc<[Recipient]>)> {
    let lanes: Vec<usize> = recipients.iter().map(|to| placement.lane_of(&to.user)).collect();
    let first = lanes.first().copied().unwrap_or(0);
    if lanes.iter().all(|lane| *lane == first) {
        return vec![(first, recipients.clone())];
    }
    let share = |lane: usize| -> Arc<[Recipient]> {
        recipients.iter().zip(&lanes).filter(|(_, of)| **of == lane).map(|(to, _)| to.clone()).collect()
    };
    let shares = (0..placement.lanes()).map(|lane| (lane, share(lane)));
    shares.filter(|(_, recipients)| !recipients.is_empty()).collect()
}
