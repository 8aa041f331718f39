//! The service that keeps the database's picture of who is here, and sees to what dead gateways left behind.

use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::Clusters;
use pollgate_store::{PresenceChange, Store};
use tokio::time::{Instant, timeout};
use tracing::{debug, info};

use super::tell::{MOST_NOTICES, notices};
use super::{Roll, SLACK, TICK};
use crate::figures::Figures;
use crate::publish;
use crate::relay::DEAD_AFTER;
use crate::task::Stop;

/// Most users in one statement: large enough that a crowd costs little, small enough that nobody waits for it.
const BATCH: usize = 1000;
/// Most changes for which those who are to hear are looked up at once: so many rooms are a fraction of a second's work.
const LOOKED_UP: usize = 250;
/// How often a gateway says that it is alive, and looks whether others are.
const BEAT: Duration = Duration::from_secs(3);
/// How often users who were not seen for long are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// Who was not seen for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 86_400);
/// Most users who are forgotten at once.
const FORGET: usize = 1000;
/// How long the goodbye may take; without it the lease runs out.
const GOODBYE: Duration = Duration::from_secs(2);

/// What the service works with.
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) clusters: Arc<Clusters>,
    pub(crate) roll: Arc<Roll>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) offline_after: Duration,
    pub(crate) signal_members: usize,
}

impl Keeper {
    /// The service; ends with the stop signal, and says then that this gateway is gone.
    pub(crate) async fn keep(self, mut stop: Stop) {
        let (mut beat, mut sweep) = (Instant::now(), Instant::now());
        loop {
            let now = Instant::now();
            let mut left = MOST_NOTICES;
            self.write(now >= beat, &mut left).await;
            if now >= beat {
                beat = now + BEAT;
                self.clear(&mut left).await;
            }
            if now >= sweep {
                sweep = now + SWEEP;
                self.forget().await;
            }
            tokio::select! {
                () = stop.wait() => break,
                () = tokio::time::sleep(TICK) => {}
            }
        }
        match timeout(GOODBYE, self.store.retire_presence()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "no goodbye: the lease says it later"),
            Err(_elapsed) => debug!("no goodbye in time: the lease says it later"),
        }
    }

    /// Writes what changed, and tells of it; `must`: also when nothing did.
    async fn write(&self, mut must: bool, left: &mut usize) {
        loop {
            let batch = self.roll.take(Instant::now(), BATCH);
            if batch.is_empty() && !must {
                return;
            }
            must = false;
            let full = batch.len() >= BATCH;
            let batch = Arc::new(batch);
            match self.store.write_presence(batch.clone()).await {
                Ok(written) => {
                    let now = Instant::now();
                    self.roll.wrote(&batch, now);
                    if written.anew {
                        self.roll.say_again(now);
                    }
                    self.tell(written.changes, left).await;
                }
                Err(error) => {
                    debug!(%error, "who is here was not written, trying again");
                    return self.roll.failed(&batch, Instant::now());
                }
            }
            if !full {
                return;
            }
        }
    }

    /// Users of gateways that ended go offline, unless they are at another one by now.
    async fn clear(&self, left: &mut usize) {
        loop {
            match self.store.clear_presence(DEAD_AFTER, BEAT, self.offline_after + SLACK).await {
                Ok(Some(changes)) => {
                    info!(offline = changes.len(), "saw to users of a gateway that is gone");
                    self.tell(changes, left).await;
                }
                Ok(None) => return,
                Err(error) => {
                    return debug!(%error, "users of other gateways were not looked at, trying again");
                }
            }
        }
    }

    async fn forget(&self) {
        loop {
            match self.store.forget_presence(FORGOTTEN_AFTER, FORGET).await {
                Ok(FORGET) => {}
                Ok(_fewer) => return,
                Err(error) => return debug!(%error, "old presence was not removed, trying again"),
            }
        }
    }

    /// Tells those who are to hear of changes, as long as there are notices left in this tick.
    async fn tell(&self, mut changes: Vec<PresenceChange>, left: &mut usize) {
        self.figures.signals.changed(&changes);
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(LOOKED_UP));
            self.tell_some(std::mem::replace(&mut changes, rest), left).await;
        }
    }

    async fn tell_some(&self, changes: Vec<PresenceChange>, left: &mut usize) {
        if *left == 0 {
            return self.figures.signals.presence_dropped(changes.len());
        }
        let users = changes.iter().map(|change| change.user.clone()).collect();
        // one more than may be told shows whether there are more
        let pairs = match self.store.watchers(users, self.signal_members, *left + 1).await {
            Ok(pairs) => pairs,
            Err(error) => {
                debug!(%error, "changes of presence were not told");
                return self.figures.signals.presence_dropped(changes.len());
            }
        };
        let (publications, dropped) = notices(changes, pairs, left);
        self.figures.signals.presence_dropped(dropped);
        for publication in publications {
            match publish::in_passing(&self.clusters, &publication) {
                true => self.figures.signals.presence_told(),
                false => self.figures.signals.presence_dropped(1),
            }
        }
    }
}
