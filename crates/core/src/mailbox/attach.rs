//! Between an attended mailbox and the broker: attaching, taking over the main mailbox, letting go.
//!
//! All of it runs as jobs of the gateway, never inside a request: a client that leaves in the middle must not
//! leave a consumer behind that nobody owns.

use std::sync::Arc;

use pollgate_broker::{BrokerError, Taken};
use pollgate_model::{Mailbox, UserId};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::Mailboxes;
use super::attended::{Attended, BURST, Entrance, MainLink, Phase, ResyncReason, State};
use super::window::Source;

impl State {
    /// Readies the state for a new consumer and says which epoch it belongs to.
    fn begin(&mut self, mailboxes: &Mailboxes, user: &UserId) -> u64 {
        self.epoch += 1;
        if self.gone {
            // nothing of the vanished mailbox comes again, so what is here stays and keeps its positions
            self.gone = false;
        } else {
            self.window.reset();
            self.incarnation = mailboxes.next_incarnation();
            self.written = 0;
            self.seen = None;
            for reader in &mut self.readers {
                reader.from = 0;
                reader.answered = None;
            }
        }
        self.notice_restart(mailboxes, user);
        self.burst_until = None;
        self.expected = 0;
        self.epoch
    }

    /// Compares the broker's transient state with the one this mailbox stood on. Looked at by every poll: after an
    /// outage the consumer may be back before it is known which state it came back to.
    pub(super) fn notice_restart(&mut self, mailboxes: &Mailboxes, user: &UserId) {
        let now = mailboxes.cluster_of(user).incarnation();
        if now == 0 || now == self.broker {
            return;
        }
        if self.broker != 0 && mailboxes.settings.unstored {
            self.resync = Some(ResyncReason::BrokerRestarted);
        }
        self.broker = now;
    }

    /// Puts what was taken out of the main mailbox before everything else.
    fn take_over(&mut self, taken: Taken) {
        self.expected += taken.deliveries.len() as u64;
        for delivery in taken.deliveries {
            // never a double: nothing of the own mailbox came yet
            let _new = self.window.arrive(delivery, Source::Main);
        }
        self.link.main = Some(MainLink { consumer: taken.consumer.into(), drained: taken.drained });
    }
}

/// Attaches a mailbox to the broker unless it is.
pub(super) async fn attach(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>) -> Result<(), BrokerError> {
    let _one_at_a_time = attended.attaching.lock().await;
    let epoch = {
        let mut state = attended.lock();
        if state.link.is_up() || state.phase != Phase::Open {
            return Ok(());
        }
        state.begin(&mailboxes, &attended.mailbox.user)
    };
    let mut existed = true;
    if attended.mailbox.session.is_some() {
        // the session's mailbox first: from here on nothing published misses it
        existed = mailboxes.broker_of(&attended.mailbox.user).ensure(&attended.mailbox).await?;
        let main = Mailbox::main(attended.mailbox.user.clone());
        let taken = mailboxes
            .broker_of(&main.user)
            .take_waiting(&main, usize::from(mailboxes.settings.prefetch))
            .await?;
        if let Some(taken) = taken {
            let drained = taken.drained;
            attended.lock().take_over(taken);
            if !drained {
                attended.lock().made = !existed;
                attended.changed.notify_waiters();
                return Ok(());
            }
        }
    }
    let consumed = consume(&mailboxes, &attended, epoch, existed).await;
    if consumed.is_err() {
        abandon(&attended);
    }
    consumed
}

/// Gives back what a failed attach had got hold of.
fn abandon(attended: &Attended) {
    let mut state = attended.lock();
    state.epoch += 1;
    state.window.reset();
    state.incarnation = 0;
    let link = std::mem::take(&mut state.link);
    drop(state);
    drop(link); // dropping a consumer gives back what it holds
}

/// Starts the mailbox's own consumer.
async fn consume(
    mailboxes: &Mailboxes,
    attended: &Arc<Attended>,
    epoch: u64,
    existed: bool,
) -> Result<(), BrokerError> {
    let entrance = Arc::new(Entrance { attended: attended.clone(), epoch });
    let found = mailboxes.broker_of(&attended.mailbox.user).consume(&attended.mailbox, entrance).await?;
    let mut state = attended.lock();
    if state.epoch != epoch {
        // it ended while it began; dropping it gives everything back
        return Err(BrokerError::Unreachable("the consumer ended at once".into()));
    }
    state.made = !(found.existed && existed);
    state.expected += found.ready.min(u64::from(mailboxes.settings.prefetch));
    if found.ready >= mailboxes.settings.mailbox_length {
        state.resync = Some(ResyncReason::Overflowed);
    }
    state.burst_until = Some(Instant::now() + BURST);
    state.link.own = Some(found.consumer.into());
    debug!(mailbox = %attended.mailbox, made = state.made, ready = found.ready, "mailbox attended");
    drop(state);
    attended.changed.notify_waiters();
    Ok(())
}

/// Goes on with a take-over: the next part of the main mailbox when the last one is confirmed, the own consumer
/// when there is no more.
pub(super) async fn advance(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>) -> Result<(), BrokerError> {
    let _one_at_a_time = attended.attaching.lock().await;
    let (epoch, had, existed) = {
        let mut state = attended.lock();
        let ready = state.link.main.as_ref().is_some_and(|m| !m.drained) && !state.window.has_main();
        if !ready || state.phase != Phase::Open {
            return Ok(());
        }
        (state.epoch, state.link.main.take(), !state.made)
    };
    if let Some(had) = had {
        had.consumer.release().await.inspect_err(|_away| abandon(&attended))?;
    }
    let main = Mailbox::main(attended.mailbox.user.clone());
    let taken =
        mailboxes.broker_of(&main.user).take_waiting(&main, usize::from(mailboxes.settings.prefetch)).await;
    let taken = taken.inspect_err(|_away| abandon(&attended))?;
    let drained = taken.as_ref().is_none_or(|t| t.drained);
    if let Some(taken) = taken {
        let mut state = attended.lock();
        state.take_over(taken);
        drop(state);
        attended.changed.notify_waiters();
    }
    if !drained {
        return Ok(());
    }
    let consumed = consume(&mailboxes, &attended, epoch, existed).await;
    if consumed.is_err() {
        abandon(&attended);
    }
    consumed
}

/// Ends a take-over of which everything is confirmed: the main mailbox goes unless it is in use again.
pub(super) async fn finish_take_over(mailboxes: Arc<Mailboxes>, mailbox: Mailbox, main: MainLink) {
    let main_mailbox = Mailbox::main(mailbox.user);
    // the release also makes sure that the acks have taken effect, so that nothing unacked is deleted
    let ended = match main.consumer.release().await {
        Ok(()) => remove_main(&mailboxes, &main_mailbox).await,
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        warn!(mailbox = %main_mailbox, %error, "main mailbox {main_mailbox} was not removed after its take-over");
    }
}

/// How often events that came meanwhile are cleared out of a main mailbox that is to be removed.
const CLEARINGS: usize = 8;

/// Removes a main mailbox that was drained after the session's own was bound.
///
/// Whatever stands in it by now came after that, and so stands in the session's mailbox too.
async fn remove_main(mailboxes: &Mailboxes, main: &Mailbox) -> Result<(), BrokerError> {
    let most = usize::from(mailboxes.settings.prefetch);
    for _ in 0..CLEARINGS {
        if mailboxes.broker_of(&main.user).delete_if_idle(main).await? {
            return Ok(());
        }
        // gone already, or somebody polls it: then it is theirs
        let Some(taken) = mailboxes.broker_of(&main.user).take_waiting(main, most).await? else {
            return Ok(());
        };
        let tags: Vec<u64> = taken.deliveries.iter().map(|delivery| delivery.tag).collect();
        taken.consumer.ack(&tags);
        taken.consumer.release().await?;
    }
    debug!(mailbox = %main, "main mailbox is too busy to be removed; the next session tries again");
    Ok(())
}

/// Lets a mailbox go: what is unconfirmed goes back to its place, for whoever comes next.
pub(super) async fn release(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>) {
    let _after_any_attach = attended.attaching.lock().await;
    let link = {
        let mut state = attended.lock();
        state.epoch += 1; // what still arrives is not ours any more
        std::mem::take(&mut state.link)
    };
    // the own mailbox's events are newer: they go back after the main one's
    let consumers = [link.main.map(|m| m.consumer), link.own];
    for consumer in consumers.into_iter().flatten() {
        if let Err(error) = consumer.release().await {
            debug!(mailbox = %attended.mailbox, %error, "release ended with the way to the broker");
        }
    }
    attended.lock().phase = Phase::Closed;
    mailboxes.forget(&attended);
    attended.changed.notify_waiters();
}
