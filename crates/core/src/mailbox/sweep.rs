//! Lets mailboxes go that nobody polls any more.

use std::sync::{Arc, PoisonError};

use futures::StreamExt as _;
use tokio::time::{Instant, sleep_until};

use super::Mailboxes;
use super::attach;
use super::attended::{Attended, Phase, SHARED_LINGER};
use crate::task::Stop;

/// Releases under way at once at the end of the process.
const RELEASES: usize = 64;

impl Mailboxes {
    /// The service that lets idle mailboxes go; ends with the stop signal.
    pub(crate) async fn sweep(self: Arc<Self>, mut stop: Stop) {
        loop {
            let due = self.first_idle().map(|since| since + self.settings.linger);
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = self.idle_came.notified(), if due.is_none() => {}
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.sweep_first(),
            }
        }
    }

    /// The service that lets polls look again when the broker of a cluster is back; ends with the stop signal.
    pub(crate) async fn follow_broker(self: Arc<Self>, lane: usize, mut stop: Stop) {
        let mut state = self.broker.lane(lane).broker.state();
        loop {
            tokio::select! {
                biased;
                () = stop.wait() => return,
                changed = state.changed() => match changed {
                    Ok(()) if state.borrow_and_update().up => self.wake_all(),
                    Ok(()) => {}
                    Err(_broker_dropped) => return stop.wait().await,
                }
            }
        }
    }

    fn first_idle(&self) -> Option<Instant> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).front().map(|(since, _)| *since)
    }

    /// The one idle for longest: away with it, unless somebody polled it meanwhile.
    fn sweep_first(self: &Arc<Self>) {
        let first = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((_, attended)) = first else { return };
        let mut state = attended.lock();
        if state.held > 0 || state.phase != Phase::Open {
            state.queued = false; // its last poll will queue it again
            return;
        }
        let since = state.idle_since;
        if since + self.settings.linger > Instant::now() {
            drop(state);
            self.sweep_later(attended, since);
            return;
        }
        state.phase = Phase::Closing;
        drop(state);
        drop(self.tasks.job(attach::release(self.clone(), attended)));
    }

    /// Lets a mailbox go that another gateway reads too, unless somebody polls it in a moment: it does not linger,
    /// because what comes to it here is missed there.
    pub(super) fn release_soon(self: &Arc<Self>, attended: Arc<Attended>) {
        let mailboxes = self.clone();
        let work = async move {
            tokio::time::sleep(SHARED_LINGER).await;
            if attended.close_if_idle(SHARED_LINGER) {
                let _is_back = attach::release(mailboxes, attended).await;
            }
        };
        drop(self.tasks.job(work));
    }

    /// Lets every mailbox go, held or not; for the end of the process, when no poll is left.
    pub(crate) async fn release_all(self: &Arc<Self>) {
        futures::stream::iter(self.all())
            .for_each_concurrent(RELEASES, |attended| {
                let was = std::mem::replace(&mut attended.lock().phase, Phase::Closing);
                let mailboxes = self.clone();
                async move {
                    match was {
                        Phase::Open => drop(attach::release(mailboxes, attended).await),
                        Phase::Closing => attended.closed().await,
                        Phase::Closed => attended.lock().phase = Phase::Closed,
                    }
                }
            })
            .await;
    }
}
