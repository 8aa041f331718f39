//! Publishing: one task owns the publishing connection and keeps a window of publishes on their way.

mod held;
mod link;
mod parcel;
mod run;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};

use self::parcel::Parcel;
use self::run::Publishing;
use super::health::Health;
use super::link::pool;
use super::manage::Management;
use super::name::Names;
use super::settings::RabbitSettings;
use super::stats::Counters;
use crate::task::Tasks;
use crate::{BrokerError, BrokerState, Outcomes, PoolUse, Publication};

/// Publications without promise that wait to be written, beyond the window's size.
const MOST_EPHEMERAL: usize = 1024;

/// Hands publications to the task that publishes.
pub(super) struct Publisher {
    /// A permit for each publish on its way; waiting for one is the window being full.
    room: Arc<Semaphore>,
    window: usize,
    limit: Duration,
    /// Bounded by `room`: each parcel holds permits.
    parcels: mpsc::UnboundedSender<Arc<Parcel>>,
    ephemeral: mpsc::Sender<Publication>,
    outcomes: Outcomes,
    state: watch::Receiver<BrokerState>,
    closed: AtomicBool,
    pool: deadpool_lapin::Pool,
}

/// What publishing needs.
pub(super) struct Needs {
    pub(super) settings: Arc<RabbitSettings>,
    pub(super) names: Names,
    pub(super) management: Arc<Management>,
    pub(super) health: Arc<Health>,
    pub(super) counters: Arc<Counters>,
    pub(super) outcomes: Outcomes,
    pub(super) stop: watch::Receiver<bool>,
}

impl Publisher {
    /// Starts the task that publishes; its handle ends when it was told to stop.
    pub(super) fn start(
        needs: Needs,
        tasks: &Tasks,
    ) -> Result<(Self, tokio::task::JoinHandle<()>), BrokerError> {
        let (parcels, parcels_in) = mpsc::unbounded_channel();
        let (ephemeral, ephemeral_in) = mpsc::channel(MOST_EPHEMERAL);
        let window = needs.settings.publish_window;
        let pool = pool(&needs.settings, "publishing")?;
        let publisher = Self {
            room: Arc::new(Semaphore::new(window)),
            window,
            limit: needs.settings.timeout,
            parcels,
            ephemeral,
            outcomes: needs.outcomes.clone(),
            state: needs.health.watch(),
            closed: AtomicBool::new(false),
            pool: pool.clone(),
        };
        let running = tasks.run(Publishing::new(needs, pool, parcels_in, ephemeral_in).run());
        Ok((publisher, running))
    }

    /// The pool's connection: in use while it publishes.
    pub(super) fn pool_use(&self) -> PoolUse {
        let status = self.pool.status();
        let idle = status.available.min(status.size);
        PoolUse { in_use: (status.size - idle) as u64, idle: idle as u64 }
    }

    fn ready(&self) -> Result<(), BrokerError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(BrokerError::Closed);
        }
        let state = self.state.borrow();
        if !state.up {
            return Err(BrokerError::Unreachable("no connection".to_owned()));
        }
        if state.blocked {
            return Err(BrokerError::Unreachable(
                "it has blocked publishers (memory or disk alarm)".to_owned(),
            ));
        }
        Ok(())
    }

    pub(super) async fn publish(&self, publication: Publication) -> Result<(), BrokerError> {
        self.ready()?;
        let copies = publication.recipients.len().min(self.window);
        let permits = u32::try_from(copies).unwrap_or(u32::MAX);
        let room = tokio::time::timeout(self.limit, Arc::clone(&self.room).acquire_many_owned(permits)).await;
        let room = match room {
            Ok(room) => room.map_err(|_closed| BrokerError::Closed)?,
            Err(_elapsed) => return Err(BrokerError::Full("publishing window")),
        };
        // taken from here on: however it ends, the parcel tells
        self.parcels.send(Parcel::new(publication, self.outcomes.clone(), room)).map_err(|unsent| {
            unsent.0.fail(&BrokerError::Closed);
            BrokerError::Closed
        })
    }

    pub(super) fn publish_ephemeral(&self, publication: Publication) -> bool {
        self.ready().is_ok() && self.ephemeral.try_send(publication).is_ok()
    }

    /// Takes nothing more, and waits for what is on its way.
    pub(super) async fn drain(&self, grace: Duration) {
        self.closed.store(true, Ordering::SeqCst);
        let all = u32::try_from(self.window).unwrap_or(u32::MAX);
        // over the grace time: what is left is told as unknown when the task ends
        let _drained = tokio::time::timeout(grace, self.room.acquire_many(all)).await;
    }
}
