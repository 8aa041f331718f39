//! Between an attended mailbox and the broker: attaching and letting go.
//!
//! All of it runs as jobs of the gateway, never inside a request: a client that leaves in the middle must not
//! leave a consumer behind that nobody owns.

use std::sync::Arc;

use pollgate_broker::{BrokerError, Standing};
use pollgate_model::{Mailbox, UserId};
use tokio::time::Instant;
use tracing::debug;

use super::Mailboxes;
use super::attended::{Attended, BURST, Entrance, Link, Phase, ResyncReason, SHARED, State};
use super::handover::{LetGo, Taken};
use super::inherit::{self, Main};
use super::poll::PollCursor;

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
            (self.written, self.shown) = (0, 0);
            self.claimed = None;
            for reader in &mut self.readers {
                reader.from = 0;
                reader.answered = None;
            }
        }
        self.notice_restart(mailboxes, user);
        self.burst_until = None;
        self.doubles.clear(); // tags of a consumer that is gone
        self.main = Main::Gone;
        (self.expected, self.arrived) = (0, 0);
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

    /// Notes how the mailbox was found; `true` when its owner has handed it over with nothing else to see to.
    fn note_taken(&mut self, taken: Taken, standing: Standing) -> bool {
        self.sole = standing.consumers == 0;
        match taken {
            Taken::HandedOver(let_go) => {
                self.resync = self.resync.or(let_go.resync);
                !let_go.main
            }
            Taken::Shared => {
                self.shared_until = Some(Instant::now() + SHARED);
                false
            }
            Taken::NotThere | Taken::Unknown | Taken::Occupied => false,
        }
    }

    /// A poll with this cursor must ask for the mailbox although it is attended here.
    pub(super) fn must_claim(&self, cursor: PollCursor, instance: u64) -> bool {
        matches!(cursor, PollCursor::At(cursor) if self.is_from_elsewhere(&cursor, instance))
    }
}

/// What became of an attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attach {
    /// Look again.
    Done,
    /// A cursor loop at another gateway has the mailbox: nothing comes to a poll without a cursor here.
    Occupied,
}

/// Attaches a mailbox to the broker unless it is; with a cursor of elsewhere that has not been seen to, again.
pub(super) async fn attach(
    mailboxes: Arc<Mailboxes>,
    attended: Arc<Attended>,
    cursor: PollCursor,
) -> Result<Attach, BrokerError> {
    let _one_at_a_time = attended.attaching.lock().await;
    let (epoch, before) = {
        let mut state = attended.lock();
        let elsewhere = state.must_claim(cursor, mailboxes.instance);
        if state.phase != Phase::Open || (state.link.is_up() && !elsewhere) {
            return Ok(Attach::Done);
        }
        let before = std::mem::take(&mut state.link);
        let epoch = state.begin(&mailboxes, &attended.mailbox.user);
        if let PollCursor::At(cursor) = cursor {
            state.claimed = Some((cursor.instance, cursor.incarnation));
        }
        (epoch, before)
    };
    // the client has read elsewhere since: what is here goes back before the rest comes
    let _is_back = give_back(&attended, before).await;
    let mailbox = &attended.mailbox;
    let (taken, standing) = match take(&mailboxes, mailbox, cursor).await? {
        (Taken::Occupied, _) => return Ok(Attach::Occupied),
        found => found,
    };
    let handed_over = attended.lock().note_taken(taken, standing);
    if mailbox.session.is_some() {
        if standing.existed {
            // what it holds comes first: of the main mailbox's events only those that it does not hold are its own
            attended.lock().note_main(if handed_over { Main::Gone } else { Main::look_now() });
        } else if !inherit::begin(&mailboxes, &attended).await? {
            attended.lock().made = true;
            attended.changed.notify_waiters();
            return Ok(Attach::Done);
        }
    }
    let consumed = consume(&mailboxes, &attended, epoch, standing).await;
    if consumed.is_err() {
        abandon(&attended);
    }
    consumed.map(|()| Attach::Done)
}

/// Gets the mailbox from whoever has it, and makes it if there is none. A session's mailbox is there and bound
/// before the main one is looked at: nothing published from here on misses it.
async fn take(
    mailboxes: &Mailboxes,
    mailbox: &Mailbox,
    cursor: PollCursor,
) -> Result<(Taken, Standing), BrokerError> {
    let broker = mailboxes.broker_of(&mailbox.user);
    let taken = mailboxes.handovers.ask_owner(broker, mailbox, cursor).await;
    if let Taken::HandedOver(LetGo { only: Some(ready), .. }) = taken {
        return Ok((taken, Standing { existed: true, ready, consumers: 0 }));
    }
    let standing = broker.ensure(mailbox).await?;
    if standing.consumers == 0 || matches!(taken, Taken::Unknown | Taken::Occupied | Taken::Shared) {
        return Ok((taken, standing));
    }
    let of_all = mailboxes.handovers.ask_all(broker, mailbox, cursor, standing.consumers).await;
    let taken = match (taken, of_all) {
        (Taken::HandedOver(one), Taken::HandedOver(other)) => Taken::HandedOver(one.and(other)),
        (Taken::HandedOver(_), Taken::NotThere) => taken,
        _ => of_all,
    };
    Ok((taken, broker.ensure(mailbox).await?))
}

/// A full window may have a full mailbox behind it, which drops its oldest events: then the client is told.
pub(super) async fn look_behind(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>) {
    let epoch = attended.lock().epoch;
    let depth = mailboxes.broker_of(&attended.mailbox.user).depth(&attended.mailbox).await;
    // the broker is away, or the mailbox is gone: both are heard of elsewhere
    let Ok(Some(depth)) = depth else { return };
    mailboxes.watch.found(&attended.mailbox, depth);
    let mut state = attended.lock();
    if depth.ready >= mailboxes.settings.mailbox_length && state.epoch == epoch {
        state.resync = Some(ResyncReason::Overflowed);
        drop(state);
        attended.changed.notify_waiters();
    }
}

/// Gives back what a failed attach had got hold of.
pub(super) fn abandon(attended: &Attended) {
    let mut state = attended.lock();
    state.epoch += 1;
    state.window.reset();
    (state.incarnation, state.gone) = (0, false);
    let link = std::mem::take(&mut state.link);
    drop(state);
    drop(link); // dropping a consumer gives back what it holds
}

/// Starts the mailbox's own consumer.
pub(super) async fn consume(
    mailboxes: &Mailboxes,
    attended: &Arc<Attended>,
    epoch: u64,
    found: Standing,
) -> Result<(), BrokerError> {
    let entrance = Arc::new(Entrance { attended: attended.clone(), epoch });
    let consumer = mailboxes.broker_of(&attended.mailbox.user).consume(&attended.mailbox, entrance).await?;
    let mut state = attended.lock();
    if state.epoch != epoch {
        // it ended while it began; dropping it gives everything back
        return Err(BrokerError::Unreachable("the consumer ended at once".into()));
    }
    state.made = !found.existed;
    state.expected += found.ready.min(u64::from(mailboxes.settings.prefetch));
    if found.ready >= mailboxes.settings.mailbox_length {
        state.resync = Some(ResyncReason::Overflowed);
    }
    state.burst_until = Some(Instant::now() + BURST);
    state.link.own = Some(consumer.into());
    debug!(mailbox = %attended.mailbox, ?found, "mailbox attended");
    drop(state);
    attended.changed.notify_waiters();
    Ok(())
}

/// Lets a mailbox go: what is unconfirmed goes back to its place, for whoever comes next; `false`: not at once.
pub(super) async fn release(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>) -> bool {
    let _after_any_attach = attended.attaching.lock().await;
    let link = {
        let mut state = attended.lock();
        state.epoch += 1; // what still arrives is not ours any more
        std::mem::take(&mut state.link)
    };
    let is_back = give_back(&attended, link).await;
    attended.lock().phase = Phase::Closed;
    mailboxes.forget(&attended);
    attended.changed.notify_waiters();
    is_back
}

/// `false`: the way to the broker was lost, which gives it back as well, but not at once.
async fn give_back(attended: &Attended, link: Link) -> bool {
    let mut is_back = true;
    // the own mailbox's events are newer: they go back after the main one's
    let consumers = [link.main.map(|m| m.consumer), link.own];
    for consumer in consumers.into_iter().flatten() {
        if let Err(error) = consumer.release().await {
            debug!(mailbox = %attended.mailbox, %error, "release ended with the way to the broker");
            is_back = false;
        }
    }
    is_back
}
