//! Between an attended mailbox and the broker: attaching, taking over the main mailbox, letting go.
//!
//! All of it runs as jobs of the gateway, never inside a request: a client that leaves in the middle must not
//! leave a consumer behind that nobody owns.

use std::sync::Arc;

use pollgate_broker::{BrokerError, Standing, Taken as TakenOut};
use pollgate_model::Mailbox;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::Mailboxes;
use super::attended::{Attended, BURST, Entrance, Link, MainLink, Phase, ResyncReason, SHARED, State};
use super::handover::Taken;
use super::poll::PollCursor;
use super::window::Source;

impl State {
    /// Readies the state for a new consumer and says which epoch it belongs to.
    fn begin(&mut self, mailboxes: &Mailboxes) -> u64 {
        self.epoch += 1;
        if self.gone {
            // nothing of the vanished mailbox comes again, so what is here stays and keeps its positions
            self.gone = false;
        } else {
            self.window.reset();
            self.incarnation = mailboxes.next_incarnation();
            self.written = 0;
            self.seen = None;
            self.claimed = None;
            for reader in &mut self.readers {
                reader.from = 0;
                reader.answered = None;
            }
        }
        self.notice_restart(mailboxes);
        self.burst_until = None;
        self.expected = 0;
        self.epoch
    }

    /// Compares the broker's transient state with the one this mailbox stood on. Looked at by every poll: after an
    /// outage the consumer may be back before it is known which state it came back to.
    pub(super) fn notice_restart(&mut self, mailboxes: &Mailboxes) {
        let now = mailboxes.broker_state.borrow().incarnation;
        if now == 0 || now == self.broker {
            return;
        }
        if self.broker != 0 && mailboxes.settings.unstored {
            self.resync = Some(ResyncReason::BrokerRestarted);
        }
        self.broker = now;
    }

    /// Notes how the mailbox was found; `true` when its owner has handed it over with nothing else to see to.
    fn note_taken(&mut self, taken: Taken, cursor: PollCursor) -> bool {
        match taken {
            Taken::HandedOver(let_go) => {
                self.resync = self.resync.or(let_go.resync);
                if let (PollCursor::At(cursor), true) = (cursor, let_go.confirmed) {
                    // acked there, so it will not come again and need not be waited for
                    self.seen = cursor.last;
                    self.last = cursor.last;
                }
                let_go.confirmed && !let_go.main
            }
            Taken::Shared => {
                self.shared_until = Some(Instant::now() + SHARED);
                false
            }
            Taken::NotThere | Taken::Unknown | Taken::Occupied => false,
        }
    }

    /// Others may have read beside the one that answered this cursor: what stands before its last event need not be
    /// what the client has had, so all of it comes again.
    fn doubt(&mut self, cursor: PollCursor) {
        if let PollCursor::At(cursor) = cursor {
            self.seen = cursor.last;
            self.last = cursor.last;
        }
    }

    /// A poll with this cursor must ask for the mailbox although it is attended here.
    pub(super) fn must_claim(&self, cursor: PollCursor, instance: u64) -> bool {
        matches!(cursor, PollCursor::At(cursor) if self.is_from_elsewhere(&cursor, instance))
    }

    /// Puts what was taken out of the main mailbox before everything else.
    fn take_over(&mut self, taken: TakenOut) {
        self.expected += taken.deliveries.len() as u64;
        for delivery in taken.deliveries {
            // never a double: nothing of the own mailbox came yet
            let _new = self.window.arrive(delivery, Source::Main);
        }
        self.link.main = Some(MainLink { consumer: taken.consumer.into(), drained: taken.drained });
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
        let epoch = state.begin(&mailboxes);
        if let PollCursor::At(cursor) = cursor {
            state.claimed = Some((cursor.instance, cursor.incarnation));
        }
        (epoch, before)
    };
    let beside = before.is_up();
    // the client has read elsewhere since: what is here goes back before the rest comes
    give_back(&attended, before).await;
    let mailbox = &attended.mailbox;
    let (taken, standing) = match take(&mailboxes, mailbox, cursor).await? {
        (Taken::Occupied, _) => return Ok(Attach::Occupied),
        found => found,
    };
    let handed_over = {
        let mut state = attended.lock();
        if beside || matches!(taken, Taken::Unknown | Taken::Shared) {
            state.doubt(cursor);
        }
        state.note_taken(taken, cursor)
    };
    if mailbox.session.is_some() && !(standing.existed && handed_over) {
        let main = Mailbox::main(mailbox.user.clone());
        let waiting = mailboxes.broker.take_waiting(&main, usize::from(mailboxes.settings.prefetch)).await?;
        if let Some(waiting) = waiting {
            let drained = waiting.drained;
            attended.lock().take_over(waiting);
            if !drained {
                attended.lock().made = !standing.existed;
                attended.changed.notify_waiters();
                return Ok(Attach::Done);
            }
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
    let broker = &mailboxes.broker;
    let taken = mailboxes.handovers.ask_owner(broker, mailbox, cursor).await;
    let standing = broker.ensure(mailbox).await?;
    if standing.consumers == 0 || matches!(taken, Taken::Unknown | Taken::Occupied | Taken::Shared) {
        return Ok((taken, standing));
    }
    let of_all = mailboxes.handovers.ask_all(broker, mailbox, cursor, standing.consumers).await;
    let taken = match (taken, of_all) {
        // what the first one said about the cursor still holds
        (Taken::HandedOver(_), Taken::HandedOver(_) | Taken::NotThere) => taken,
        _ => of_all,
    };
    Ok((taken, broker.ensure(mailbox).await?))
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
    found: Standing,
) -> Result<(), BrokerError> {
    let entrance = Arc::new(Entrance { attended: attended.clone(), epoch });
    let consumer = mailboxes.broker.consume(&attended.mailbox, entrance).await?;
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

/// Goes on with a take-over: the next part of the main mailbox when the last one is confirmed, the own consumer
/// when there is no more.
pub(super) async fn advance(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>) -> Result<(), BrokerError> {
    let _one_at_a_time = attended.attaching.lock().await;
    let (epoch, had, made) = {
        let mut state = attended.lock();
        let ready = state.link.main.as_ref().is_some_and(|m| !m.drained) && !state.window.has_main();
        if !ready || state.phase != Phase::Open {
            return Ok(());
        }
        (state.epoch, state.link.main.take(), state.made)
    };
    if let Some(had) = had {
        had.consumer.release().await.inspect_err(|_away| abandon(&attended))?;
    }
    let main = Mailbox::main(attended.mailbox.user.clone());
    let taken = mailboxes.broker.take_waiting(&main, usize::from(mailboxes.settings.prefetch)).await;
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
    let consumed = consume_after_main(&mailboxes, &attended, epoch, made).await;
    if consumed.is_err() {
        abandon(&attended);
    }
    consumed
}

async fn consume_after_main(
    mailboxes: &Mailboxes,
    attended: &Arc<Attended>,
    epoch: u64,
    made: bool,
) -> Result<(), BrokerError> {
    let found = mailboxes.broker.ensure(&attended.mailbox).await?;
    let standing = Standing { existed: found.existed && !made, ..found };
    consume(mailboxes, attended, epoch, standing).await
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
        if mailboxes.broker.delete_if_idle(main).await? {
            return Ok(());
        }
        // gone already, or somebody polls it: then it is theirs
        let Some(taken) = mailboxes.broker.take_waiting(main, most).await? else { return Ok(()) };
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
    give_back(&attended, link).await;
    attended.lock().phase = Phase::Closed;
    mailboxes.forget(&attended);
    attended.changed.notify_waiters();
}

async fn give_back(attended: &Attended, link: Link) {
    // the own mailbox's events are newer: they go back after the main one's
    let consumers = [link.main.map(|m| m.consumer), link.own];
    for consumer in consumers.into_iter().flatten() {
        if let Err(error) = consumer.release().await {
            debug!(mailbox = %attended.mailbox, %error, "release ended with the way to the broker");
        }
    }
}
