//! Between an attended mailbox and the broker: attaching, taking over the main mailbox, letting go.
//!
//! All of it runs as jobs of the gateway, never inside a request: a client that leaves in the middle must not
//! leave a consumer behind that nobody owns.

use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::{BrokerError, Standing, TakeOut, Taken as TakenOut};
use pollgate_model::Mailbox;
use tokio::time::Instant;
use tracing::debug;

use super::Mailboxes;
use super::attended::{Attended, BURST, Entrance, Link, Main, MainLink, Phase, ResyncReason, SHARED, State};
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
            self.claimed = None;
            for reader in &mut self.readers {
                reader.from = 0;
                reader.answered = None;
            }
        }
        self.notice_restart(mailboxes);
        self.burst_until = None;
        self.doubles.clear(); // tags of a consumer that is gone
        self.main = Main::Gone;
        (self.expected, self.arrived) = (0, 0);
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
    fn note_taken(&mut self, taken: Taken) -> bool {
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

    /// Puts what was taken out of the main mailbox before everything else.
    fn take_over(&mut self, taken: TakenOut) {
        for delivery in taken.deliveries {
            // had by the client elsewhere: acked with the next of its kind
            self.doubles.extend(self.window.arrive(delivery, Source::Main));
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
    // the client has read elsewhere since: what is here goes back before the rest comes
    give_back(&attended, before).await;
    let mailbox = &attended.mailbox;
    let (taken, standing) = match take(&mailboxes, mailbox, cursor).await? {
        (Taken::Occupied, _) => return Ok(Attach::Occupied),
        found => found,
    };
    let handed_over = attended.lock().note_taken(taken);
    let main_is_gone = mailbox.session.is_none() || (standing.existed && handed_over);
    if !main_is_gone && !begin_take_over(&mailboxes, &attended).await? {
        attended.lock().made = !standing.existed;
        attended.changed.notify_waiters();
        return Ok(Attach::Done);
    }
    let consumed = consume(&mailboxes, &attended, epoch, standing).await;
    if consumed.is_err() {
        abandon(&attended);
    }
    consumed.map(|()| Attach::Done)
}

/// Takes out what waits in the main mailbox; `false`: there is more, to be taken when this is confirmed.
async fn begin_take_over(mailboxes: &Mailboxes, attended: &Attended) -> Result<bool, BrokerError> {
    let main = Mailbox::main(attended.mailbox.user.clone());
    let most = usize::from(mailboxes.settings.prefetch);
    let found = mailboxes.broker.take_waiting(&main, most).await?;
    let mut drained = true;
    let mut state = attended.lock();
    state.main = match found {
        TakeOut::Missing => Main::Gone,
        TakeOut::InUse => Main::look_again(Duration::ZERO),
        TakeOut::Taken(taken) => {
            drained = taken.drained;
            state.take_over(taken);
            Main::InHand
        }
    };
    Ok(drained)
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
    let taken = taken.inspect_err(|_away| abandon(&attended))?.taken();
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
pub(super) async fn finish_take_over(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>, main: MainLink) {
    // the release also makes sure that the acks have taken effect, so that nothing unacked is deleted
    if let Err(error) = main.consumer.release().await {
        debug!(mailbox = %attended.mailbox, %error, "release ended with the way to the broker");
    }
    see_to_main(mailboxes, attended, Duration::ZERO).await;
}

/// Removes the main mailbox, or takes over what is in it, or notes that it is to be looked at again.
pub(super) async fn see_to_main(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>, pause: Duration) {
    let epoch = attended.lock().epoch;
    let after = remove_main(&mailboxes, &attended, epoch).await.unwrap_or_else(|error| {
        let user = &attended.mailbox.user;
        debug!(%user, %error, "main mailbox of {user} was not removed after its take-over");
        Some(Main::look_again(pause))
    });
    let mut state = attended.lock();
    if let (Some(after), true) = (after, state.epoch == epoch) {
        state.main = match after {
            Main::LookAgain { .. } => Main::look_again(pause),
            other => other,
        };
    }
}

/// How often events that came meanwhile are cleared out of a main mailbox that is to be removed.
const CLEARINGS: usize = 8;

/// Removes a main mailbox that was drained after the session's own was bound; `None`: it is taken over again.
///
/// What stands in it by now and was never handed out came after that, and so stands in the session's mailbox too.
/// What was handed out before is another session's that has given it back: it is nobody's else, so it is taken over.
async fn remove_main(
    mailboxes: &Mailboxes,
    attended: &Attended,
    epoch: u64,
) -> Result<Option<Main>, BrokerError> {
    let main = Mailbox::main(attended.mailbox.user.clone());
    let most = usize::from(mailboxes.settings.prefetch);
    for _ in 0..CLEARINGS {
        if mailboxes.broker.delete_if_idle(&main).await? {
            return Ok(Some(Main::Gone));
        }
        let mut taken = match mailboxes.broker.take_waiting(&main, most).await? {
            TakeOut::Missing => return Ok(Some(Main::Gone)),
            TakeOut::InUse => break,
            TakeOut::Taken(taken) => taken,
        };
        let known = taken.deliveries.extract_if(.., |delivery| !delivery.redelivered);
        let tags: Vec<u64> = known.map(|delivery| delivery.tag).collect();
        taken.consumer.ack(&tags);
        if !taken.deliveries.is_empty() {
            // not, when the mailbox was let go meanwhile: then its drop gives it back
            let is_taken = attended.take_over_late(taken, epoch);
            return Ok(if is_taken { None } else { Some(Main::look_again(Duration::ZERO)) });
        }
        taken.consumer.release().await?;
    }
    Ok(Some(Main::look_again(Duration::ZERO)))
}

impl Attended {
    /// Adds what another session gave back to what this one reads; `false`: it was let go meanwhile.
    fn take_over_late(&self, taken: TakenOut, epoch: u64) -> bool {
        let mut state = self.lock();
        let fits = state.phase == Phase::Open && state.epoch == epoch && state.link.main.is_none();
        if !fits {
            drop(state);
            drop(taken);
            return false;
        }
        // the rest of it, if there is any, when this part is confirmed
        state.take_over(TakenOut { drained: true, ..taken });
        state.main = Main::InHand;
        drop(state);
        self.changed.notify_waiters();
        true
    }
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
