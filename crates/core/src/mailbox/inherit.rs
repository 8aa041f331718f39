//! A session inherits what waits in the user's main mailbox, and sees that it goes.
//!
//! The main mailbox is there for a user without sessions. What was published before the first session's mailbox was
//! bound stands only in it; what came since stands in both, until the main one is removed. A session whose mailbox
//! is new takes all of the main one first, because all of it is older. Later looks, when somebody else held the main
//! mailbox or gave something back to it, come when the own mailbox is empty, and take only what never came through
//! that. While somebody takes out, the mailbox is in use, and nobody else takes or deletes.

use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::{BrokerError, Standing, TakeOut, Taken};
use pollgate_model::Mailbox;
use tokio::time::Instant;
use tracing::debug;

use super::attended::{Attended, MainLink, Phase, State};
use super::window::Source;
use super::{Mailboxes, attach};

/// A session's care for the user's main mailbox: what waits in it is for the user's sessions, and it is removed when
/// they have it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Main {
    /// There is none, or this mailbox is the main one.
    #[default]
    Gone,
    /// It may hold something: it is in use elsewhere, or too busy. Looked at again then; the pause grows.
    LookAgain { at: Instant, pause: Duration },
    /// Somebody looks, or takes it over.
    InHand,
}

impl Main {
    /// The first pause.
    const PAUSE: Duration = Duration::from_millis(250);
    /// The longest.
    const MOST: Duration = Duration::from_secs(60);

    /// To be looked at as soon as there is time.
    pub(super) fn look_now() -> Self {
        Self::LookAgain { at: Instant::now(), pause: Duration::ZERO }
    }

    /// To be looked at again after a while.
    pub(super) fn look_again(before: Duration) -> Self {
        let pause = (before * 2).clamp(Self::PAUSE, Self::MOST);
        Self::LookAgain { at: Instant::now() + pause, pause }
    }

    /// The pause before this look, when it is time for one.
    pub(super) fn due(self, now: Instant) -> Option<Duration> {
        match self {
            Self::LookAgain { at, pause } if now >= at => Some(pause),
            _ => None,
        }
    }

    /// When the next look is due.
    pub(super) fn at(self) -> Option<Instant> {
        match self {
            Self::LookAgain { at, .. } => Some(at),
            Self::Gone | Self::InHand => None,
        }
    }

    pub(super) fn is_gone(self) -> bool {
        matches!(self, Self::Gone)
    }
}

impl State {
    /// Notes how the main mailbox is. While there is one, what comes through the own mailbox is remembered.
    pub(super) fn note_main(&mut self, main: Main) {
        self.main = main;
        if main.is_gone() {
            self.window.remember_no_more();
        } else {
            self.window.remember();
        }
    }

    /// Puts what was taken out of the main mailbox before everything else.
    fn take_over(&mut self, taken: Taken, older: bool) {
        for delivery in taken.deliveries {
            self.take_in(delivery, Source::Main);
        }
        self.link.main = Some(MainLink { consumer: taken.consumer.into(), drained: taken.drained, older });
        self.note_main(Main::InHand);
    }
}

/// Takes out what waits in the main mailbox; `false`: there is more, to be taken when this is confirmed.
pub(super) async fn begin(mailboxes: &Mailboxes, attended: &Attended) -> Result<bool, BrokerError> {
    let main = Mailbox::main(attended.mailbox.user.clone());
    let most = usize::from(mailboxes.settings.prefetch);
    let found = mailboxes.broker_of(&attended.mailbox.user).take_waiting(&main, most).await?;
    let mut drained = true;
    let mut state = attended.lock();
    let main = match found {
        TakeOut::Missing => Main::Gone,
        TakeOut::InUse => Main::look_again(Duration::ZERO),
        TakeOut::Taken(taken) => {
            drained = taken.drained;
            state.take_over(taken, true);
            Main::InHand
        }
    };
    state.note_main(main);
    Ok(drained)
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
        had.consumer.release().await.inspect_err(|_away| attach::abandon(&attended))?;
    }
    let main = Mailbox::main(attended.mailbox.user.clone());
    let taken = mailboxes
        .broker_of(&attended.mailbox.user)
        .take_waiting(&main, usize::from(mailboxes.settings.prefetch))
        .await;
    let taken = taken.inspect_err(|_away| attach::abandon(&attended))?;
    let drained = {
        let mut state = attended.lock();
        let (drained, main) = match taken {
            TakeOut::Missing => (true, Main::Gone),
            TakeOut::InUse => (true, Main::look_again(Duration::ZERO)),
            TakeOut::Taken(taken) => {
                let drained = taken.drained;
                state.take_over(taken, true);
                (drained, Main::InHand)
            }
        };
        state.note_main(main);
        drained
    };
    attended.changed.notify_waiters();
    if !drained {
        return Ok(());
    }
    let consumed = consume_after_main(&mailboxes, &attended, epoch, made).await;
    if consumed.is_err() {
        attach::abandon(&attended);
    }
    consumed
}

async fn consume_after_main(
    mailboxes: &Mailboxes,
    attended: &Arc<Attended>,
    epoch: u64,
    made: bool,
) -> Result<(), BrokerError> {
    let found = mailboxes.broker_of(&attended.mailbox.user).ensure(&attended.mailbox).await?;
    let standing = Standing { existed: found.existed && !made, ..found };
    attach::consume(mailboxes, attended, epoch, standing).await
}

/// Ends a take-over of which everything is confirmed: the main mailbox goes unless there is more to it.
pub(super) async fn finish(mailboxes: Arc<Mailboxes>, attended: Arc<Attended>, main: MainLink) {
    // the release also makes sure that the acks have taken effect, so that nothing unacked is deleted
    if let Err(error) = main.consumer.release().await {
        debug!(mailbox = %attended.mailbox, %error, "release ended with the way to the broker");
    }
    see_to_main(mailboxes, attended, Duration::ZERO, main.older).await;
}

/// Removes the main mailbox, or takes over what is in it, or notes that it is to be looked at again; the pause
/// before this look makes the next one. `older`: this session has drained it.
pub(super) async fn see_to_main(
    mailboxes: Arc<Mailboxes>,
    attended: Arc<Attended>,
    pause: Duration,
    older: bool,
) {
    let epoch = attended.lock().epoch;
    let seen_to = look(&mailboxes, &attended, epoch, older).await;
    let seen_to = seen_to.unwrap_or_else(|error| {
        let user = &attended.mailbox.user;
        debug!(%user, %error, "main mailbox of {user} was not removed after its take-over");
        SeenTo::NotYet
    });
    let mut state = attended.lock();
    if state.epoch != epoch {
        return;
    }
    match seen_to {
        SeenTo::Gone => {
            state.note_main(Main::Gone);
        }
        SeenTo::Taken => {}
        SeenTo::NotYet => state.note_main(Main::look_again(pause)),
    }
}

/// What came of a look at the main mailbox.
enum SeenTo {
    /// There is none.
    Gone,
    /// What it held is among the window's events.
    Taken,
    /// It is in use, or the own mailbox is not empty.
    NotYet,
}

/// How often events that came meanwhile are cleared out of a main mailbox that is to be removed.
const CLEARINGS: usize = 8;

async fn look(
    mailboxes: &Mailboxes,
    attended: &Attended,
    epoch: u64,
    older: bool,
) -> Result<SeenTo, BrokerError> {
    let broker = mailboxes.broker_of(&attended.mailbox.user);
    let main = Mailbox::main(attended.mailbox.user.clone());
    for _ in 0..CLEARINGS {
        if broker.delete_if_idle(&main).await? {
            return Ok(SeenTo::Gone);
        }
        if !older && !is_empty(mailboxes, attended).await? {
            return Ok(SeenTo::NotYet);
        }
        let mut taken = match broker.take_waiting(&main, usize::from(mailboxes.settings.prefetch)).await? {
            TakeOut::Missing => return Ok(SeenTo::Gone),
            TakeOut::InUse => return Ok(SeenTo::NotYet),
            TakeOut::Taken(taken) => taken,
        };
        if older {
            // drained by this session, and never handed out since: it stands in both
            let in_both = taken.deliveries.extract_if(.., |delivery| !delivery.redelivered);
            let tags: Vec<u64> = in_both.map(|delivery| delivery.tag).collect();
            taken.consumer.ack(&tags);
        }
        if !taken.deliveries.is_empty() {
            // handed out before, and given back by another session. Its drop gives it back once more, when this
            // mailbox is not empty yet or was let go meanwhile
            let inherits = is_empty(mailboxes, attended).await? && attended.inherit_late(taken, epoch);
            return Ok(if inherits { SeenTo::Taken } else { SeenTo::NotYet });
        }
        taken.consumer.release().await?;
    }
    Ok(SeenTo::NotYet)
}

/// Nothing waits in the own mailbox, here or at the broker.
async fn is_empty(mailboxes: &Mailboxes, attended: &Attended) -> Result<bool, BrokerError> {
    if attended.lock().window.len() > 0 {
        return Ok(false);
    }
    let broker = mailboxes.broker_of(&attended.mailbox.user);
    Ok(broker.depth(&attended.mailbox).await?.is_none_or(|own| own.ready == 0))
}

impl Attended {
    /// Adds what never came through the own mailbox; `false`: that was let go meanwhile.
    fn inherit_late(&self, mut taken: Taken, epoch: u64) -> bool {
        let mut state = self.lock();
        if state.phase != Phase::Open || state.epoch != epoch || state.link.main.is_some() {
            drop(state);
            drop(taken);
            return false;
        }
        // the rest of it, if there is any, when this part is confirmed
        taken.drained = true;
        state.take_over(taken, false);
        drop(state);
        self.changed.notify_waiters();
        true
    }
}
