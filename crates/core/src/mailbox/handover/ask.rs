//! The asking side: whoever is polled for a mailbox that may be elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use pollgate_broker::{Asked, Broker};
use pollgate_model::Mailbox;
use tokio::time::Instant;
use tracing::debug;

use super::{Answer, Claim, LetGo, Request};
use crate::figures::HandoverFigures;
use crate::mailbox::poll::PollCursor;

/// How long an answer is waited for: some round trips to the broker, and far below what a reader notices as broken.
const PATIENCE: Duration = Duration::from_millis(250);
/// A gateway that kept quiet is not asked again for this long, so that not every poll waits in vain.
const DEAF: Duration = Duration::from_secs(1);
/// Quiet gateways that are remembered; of more, each is asked every time.
const MOST_DEAF: usize = 64;

/// How a mailbox was found after asking for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mailbox) enum Taken {
    /// Its owner has let go.
    HandedOver(LetGo),
    /// The one that was asked does not have it.
    NotThere,
    /// No answer: somebody may hold some of its events, and give them back later.
    Unknown,
    /// Somebody keeps it, and both read it from now on.
    Shared,
    /// A cursor loop elsewhere keeps it.
    Occupied,
}

/// Asks for mailboxes.
pub(in crate::mailbox) struct Handovers {
    instance: u64,
    deaf: DashMap<u64, Instant>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    handed_over: AtomicU64,
    not_there: AtomicU64,
    unanswered: AtomicU64,
    given: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Handovers {
    pub(in crate::mailbox) fn new(instance: u64) -> Self {
        Self { instance, deaf: DashMap::new(), counts: Counts::default() }
    }

    /// What happened so far.
    pub(in crate::mailbox) fn figures(&self) -> HandoverFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HandoverFigures {
            handed_over: read(&self.counts.handed_over),
            not_there: read(&self.counts.not_there),
            unanswered: read(&self.counts.unanswered),
            given: read(&self.counts.given),
        }
    }

    /// A mailbox was let go for another gateway.
    pub(super) fn gave(&self) {
        count(&self.counts.given);
    }

    fn request(&self, mailbox: &Mailbox, cursor: PollCursor, all: bool) -> Bytes {
        let request = Request {
            from: self.instance,
            user: mailbox.user.clone(),
            session: mailbox.session.clone(),
            claim: Claim::from(cursor),
            all,
        };
        // ids and a cursor as text: there is no way for that to fail, and an empty request is answered by nobody
        serde_json::to_vec(&request).unwrap_or_default().into()
    }

    /// Asks the gateway that a cursor names; without a cursor of elsewhere, nobody.
    pub(in crate::mailbox) async fn ask_owner(
        &self,
        broker: &dyn Broker,
        mailbox: &Mailbox,
        cursor: PollCursor,
    ) -> Taken {
        let PollCursor::At(at) = cursor else { return Taken::NotThere };
        if at.instance == self.instance {
            return Taken::NotThere;
        }
        let request = self.request(mailbox, cursor, false);
        if self.is_deaf(at.instance) {
            // told, and not waited for: if it hears, it lets go, only later
            let _late = broker.ask(at.instance, request, Duration::ZERO).await;
            return Taken::Unknown;
        }
        match broker.ask(at.instance, request, PATIENCE).await {
            Asked::Answered(text) => {
                self.deaf.remove(&at.instance);
                self.understood(mailbox, &[text])
            }
            Asked::Nobody => {
                count(&self.counts.not_there);
                Taken::NotThere
            }
            Asked::Silent => {
                debug!(%mailbox, owner = at.instance, "no answer to the request for {mailbox}");
                count(&self.counts.unanswered);
                self.note_deaf(at.instance);
                Taken::Unknown
            }
        }
    }

    /// Asks all gateways for a mailbox that has so many consumers.
    pub(in crate::mailbox) async fn ask_all(
        &self,
        broker: &dyn Broker,
        mailbox: &Mailbox,
        cursor: PollCursor,
        consumers: u64,
    ) -> Taken {
        let enough = usize::try_from(consumers).unwrap_or(usize::MAX);
        let request = self.request(mailbox, cursor, true);
        let answers = broker.ask_all(request, enough, PATIENCE).await;
        if answers.len() < enough {
            debug!(%mailbox, consumers, answers = answers.len(), "not all who consume {mailbox} have answered");
            count(&self.counts.unanswered);
        }
        self.understood(mailbox, &answers)
    }

    /// What several answers come to: the one that binds most.
    fn understood(&self, mailbox: &Mailbox, answers: &[Bytes]) -> Taken {
        let mut taken = Taken::NotThere;
        for text in answers {
            let Ok(answer) = serde_json::from_slice::<Answer>(text) else {
                debug!(%mailbox, "another gateway gave an answer that is not understood here");
                taken = Taken::Unknown;
                continue;
            };
            taken = match (answer, taken) {
                (Answer::Occupied, _) | (_, Taken::Occupied) => return Taken::Occupied,
                (Answer::Kept, _) | (_, Taken::Shared) => Taken::Shared,
                (Answer::LetGo(let_go), Taken::HandedOver(other)) => Taken::HandedOver(let_go.and(other)),
                (Answer::LetGo(let_go), _) => Taken::HandedOver(let_go),
                (Answer::NotHere, before) => before,
            };
        }
        count(match taken {
            Taken::HandedOver(_) => &self.counts.handed_over,
            _ => &self.counts.not_there,
        });
        taken
    }

    fn is_deaf(&self, instance: u64) -> bool {
        self.deaf.get(&instance).is_some_and(|since| since.elapsed() < DEAF)
    }

    fn note_deaf(&self, instance: u64) {
        if self.deaf.len() >= MOST_DEAF {
            self.deaf.retain(|_instance, since| since.elapsed() < DEAF);
        }
        if self.deaf.len() < MOST_DEAF {
            self.deaf.insert(instance, Instant::now());
        }
    }
}
