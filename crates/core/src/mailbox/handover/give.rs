//! The giving side: another gateway asks for a mailbox.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use pollgate_broker::{Reply, Responder};
use pollgate_model::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::debug;

use super::{Answer, Claim, LetGo, Request};
use crate::mailbox::answer::Asked;
use crate::mailbox::attended::{Acks, Attended, Phase, SHARED};
use crate::mailbox::{Mailboxes, attach, inherit};

/// Requests worked on at once; one more is not answered.
const MOST_REQUESTS: usize = 1024;

/// Answers the requests of other gateways.
pub(in crate::mailbox) struct Giver {
    mailboxes: Weak<Mailboxes>,
    seats: Arc<Semaphore>,
}

impl Giver {
    pub(in crate::mailbox) fn new(mailboxes: &Arc<Mailboxes>) -> Arc<Self> {
        Arc::new(Self {
            mailboxes: Arc::downgrade(mailboxes),
            seats: Arc::new(Semaphore::new(MOST_REQUESTS)),
        })
    }
}

impl Responder for Giver {
    fn asked(&self, request: Bytes, reply: Reply) {
        let Some(mailboxes) = self.mailboxes.upgrade() else { return };
        let Ok(request) = serde_json::from_slice::<Request>(&request) else { return };
        if request.from == mailboxes.instance {
            return;
        }
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else { return };
        let tasks = mailboxes.tasks.clone();
        let work = async move {
            let answer = mailboxes.give(&request).await;
            if answer != Answer::NotHere || !request.all {
                // as in `request`: there is no way for that to fail
                reply.answer(serde_json::to_vec(&answer).unwrap_or_default().into());
            }
            drop(seat);
        };
        drop(tasks.job(work));
    }
}

/// What to do about a request, decided under the lock.
enum Decision {
    Refuse(Answer),
    /// It is being let go already.
    Wait,
    Release(LetGo, Acks),
}

impl Mailboxes {
    async fn give(self: &Arc<Self>, request: &Request) -> Answer {
        let mailbox = request.mailbox();
        let Some(attended) = self.attended.get(&mailbox).map(|there| there.value().clone()) else {
            return Answer::NotHere;
        };
        let (let_go, acks) = match self.decide(&attended, &request.claim) {
            Decision::Refuse(answer) => return answer,
            Decision::Wait => {
                attended.closed().await;
                let resync = attended.lock().resync;
                return Answer::LetGo(LetGo { main: true, resync, only: None });
            }
            Decision::Release(let_go, acks) => (let_go, acks),
        };
        debug!(%mailbox, to = request.from, "mailbox {mailbox} moves to another gateway");
        acks.send();
        attended.changed.notify_waiters(); // polls held here end
        let let_go = self.settled(&attended, let_go).await;
        let is_back = attach::release(self.clone(), attended).await;
        self.handovers.gave();
        Answer::LetGo(LetGo { only: let_go.only.filter(|_| is_back), ..let_go })
    }

    /// Ends a take-over of the main mailbox of which all is confirmed: the next owner would have to begin again.
    async fn settled(self: &Arc<Self>, attended: &Arc<Attended>, let_go: LetGo) -> LetGo {
        let ended = attended.lock().ended_take_over();
        let Some(main) = ended else { return let_go };
        inherit::finish(self.clone(), attended.clone(), main).await;
        LetGo { main: !attended.lock().main.is_gone(), ..let_go }
    }

    fn decide(&self, attended: &Attended, claim: &Claim) -> Decision {
        let now = Instant::now();
        let mut state = attended.lock();
        match state.phase {
            Phase::Closed => return Decision::Refuse(Answer::NotHere),
            Phase::Closing => return Decision::Wait,
            Phase::Open => {}
        }
        if *claim == Claim::Simple && state.is_cursors(now) {
            return Decision::Refuse(Answer::Occupied);
        }
        if *claim == Claim::Simple && state.held > 0 {
            state.shared_until = Some(now + SHARED);
            state.sole = false;
            return Decision::Refuse(Answer::Kept);
        }
        let ours =
            claim.cursor().filter(|c| c.instance == self.instance && c.incarnation == state.incarnation);
        let asked = Asked { mailbox: &attended.mailbox, at: Timestamp::now() };
        let mut acked = std::mem::take(&mut state.doubles);
        acked.extend(ours.map(|cursor| state.apply(&cursor, self, &asked)).unwrap_or_default());
        let acks = state.acks(&acked);
        let left = state.window.len();
        let all = state.sole && state.link.own.is_some() && left < usize::from(self.settings.prefetch);
        let let_go =
            LetGo { main: !state.main.is_gone(), resync: state.resync, only: all.then_some(left as u64) };
        state.phase = Phase::Closing;
        Decision::Release(let_go, acks)
    }
}
