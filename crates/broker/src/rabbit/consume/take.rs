//! Taking events out of a mailbox that nobody consumes: a consumer whose first deliveries count.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_model::Mailbox;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Consuming;
use super::lane::Lane;
use crate::rabbit::link::within;
use crate::{BrokerError, Delivery, Detached, Inbox, TakeOut, Taken};

/// How long deliveries may stay away before the mailbox is looked at again: the broker also counts expired ones,
/// which never come.
const QUIET: Duration = Duration::from_millis(50);

impl Consuming {
    /// Takes up to `most` events. What comes beyond is not handed on, and goes back with the release.
    pub(in crate::rabbit) async fn take(
        self: &Arc<Self>,
        mailbox: &Mailbox,
        most: usize,
    ) -> Result<TakeOut, BrokerError> {
        let (this, mailbox) = (Arc::clone(self), mailbox.clone());
        let taking = self.tasks.run(async move { this.take_out(&mailbox, most).await });
        taking.await.map_err(|_stopped| BrokerError::Closed)?
    }

    async fn take_out(&self, mailbox: &Mailbox, most: usize) -> Result<TakeOut, BrokerError> {
        let Some(found) = self.management.look(mailbox).await? else { return Ok(TakeOut::Missing) };
        if found.consumers > 0 {
            return Ok(TakeOut::InUse);
        }
        let most = most.min(usize::from(self.limits.prefetch));
        let bag = Arc::new(Bag { state: Mutex::default(), changed: Notify::new(), most });
        // a channel of its own: should the mailbox vanish now, that costs nobody else's
        let lane = self.taking_lane().await?;
        // from here on its drop gives back what was taken
        let consumer = match self.attach_to(&lane, mailbox, Arc::clone(&bag) as Arc<dyn Inbox>).await {
            Ok(consumer) => consumer,
            Err(BrokerError::Refused(why)) if why.contains("no queue") => return Ok(TakeOut::Missing),
            Err(error) => return Err(error),
        };
        let mut expected = usize::try_from(found.ready).unwrap_or(usize::MAX);
        let mut drained = expected <= most;
        while !bag.has(expected.min(most)).await? {
            let left = self.management.look(mailbox).await?.map_or(0, |found| found.ready);
            if left == 0 {
                // what is still counted as missing had expired, or is on its way and will go back
                (expected, drained) = (0, false);
            }
        }
        Ok(TakeOut::Taken(Taken { deliveries: bag.close(), drained, consumer }))
    }
}

impl Consuming {
    async fn taking_lane(&self) -> Result<Arc<Lane>, BrokerError> {
        let limit = self.settings.timeout;
        let seat = match timeout(limit, Arc::clone(&self.takers).acquire_owned()).await {
            Ok(seat) => seat.map_err(|_closed| BrokerError::Closed)?,
            Err(_elapsed) => return Err(BrokerError::Full("room for take-overs")),
        };
        let link = {
            let mut links = self.lock().await?;
            match links.first() {
                Some(link) => Arc::clone(link),
                None => self.connect(&mut links).await?,
            }
        };
        let channel = within(limit, link.connection.create_channel()).await?;
        let lane = self.lane(channel, Some(seat)).await?;
        if lane.reserve(1) {
            Ok(lane)
        } else {
            Err(BrokerError::Unreachable("the channel is lost".to_owned()))
        }
    }
}

/// Keeps the first deliveries.
struct Bag {
    state: Mutex<State>,
    changed: Notify,
    most: usize,
}

#[derive(Default)]
struct State {
    deliveries: Vec<Delivery>,
    closed: bool,
    ended: bool,
}

impl Bag {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until so many are in; `false`: nothing has come for a while.
    async fn has(&self, count: usize) -> Result<bool, BrokerError> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            {
                let state = self.state();
                if state.ended {
                    return Err(BrokerError::Unreachable("the mailbox or the way to it is gone".to_owned()));
                }
                if state.deliveries.len() >= count {
                    return Ok(true);
                }
            }
            if timeout(QUIET, changed).await.is_err() {
                return Ok(false);
            }
        }
    }

    fn close(&self) -> Vec<Delivery> {
        let mut state = self.state();
        state.closed = true;
        std::mem::take(&mut state.deliveries)
    }
}

impl Inbox for Bag {
    fn deliver(&self, delivery: Delivery) {
        let mut state = self.state();
        if !state.closed && state.deliveries.len() < self.most {
            state.deliveries.push(delivery);
            drop(state);
            self.changed.notify_waiters();
        }
    }

    fn detached(&self, _why: Detached) {
        self.state().ended = true;
        self.changed.notify_waiters();
    }
}
