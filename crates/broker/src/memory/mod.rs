//! The in-process broker: mailboxes in memory, for one gateway process.
//!
//! It carries nothing over a restart. A publication's outcome therefore comes when every copy is acked, expired,
//! dropped or deleted; until then the publisher keeps it and publishes it again after a restart.
//!
//! Locks, always taken in this order and never held across an await or a call into an [`Inbox`]:
//! registry shard → a user's boxes → a seat. An inbox is called with no lock held, because it may hold one of its own
//! under which somebody acks. Order holds all the same: a seat that is being handed a batch is `busy`, whoever finds
//! it busy leaves what it brought in the mailbox, and the one handing over looks again before it leaves.

mod consumer;
mod ledger;
mod peers;
mod queue;
mod seat;
mod sweep;
mod user;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dashmap::DashMap;
use pollgate_model::{Mailbox, Recipient, Timestamp, UserId};
use tokio::sync::watch;

use self::consumer::MemoryConsumer;
use self::ledger::{Ledger, Receipt};
use self::peers::Peers;
use self::queue::{Entry, Step};
use self::seat::Seat;
use self::sweep::Deadlines;
use self::user::{Boxes, User};
use crate::task::Tasks;
use crate::{
    Asked, Broker, BrokerError, BrokerState, Consumer, Depth, Inbox, MailboxLimits, Outcomes, Publication,
    Responder, Standing, TakeOut, Taken,
};

/// Bounds of the in-process broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemorySettings {
    /// Most bytes of events outstanding over all mailboxes; an event counts once, however many mailboxes hold it.
    pub most_bytes: u64,
    /// Most publications outstanding.
    pub most_publications: u64,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { most_bytes: 512 * 1024 * 1024, most_publications: 1_000_000 }
    }
}

/// The in-process broker.
pub struct MemoryBroker {
    shared: Arc<Shared>,
    state: watch::Sender<BrokerState>,
    peers: Peers,
}

/// What the broker, its consumers and its sweeper share.
struct Shared {
    users: DashMap<UserId, Arc<User>>,
    limits: MailboxLimits,
    ledger: Arc<Ledger>,
    deadlines: Deadlines,
    closed: AtomicBool,
}

fn now_ms() -> i64 {
    Timestamp::now().as_ms()
}

fn as_ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl MemoryBroker {
    /// An empty broker. Its sweeper runs on the tokio runtime it is made on.
    #[must_use]
    pub fn new(limits: MailboxLimits, settings: MemorySettings, outcomes: Outcomes) -> Self {
        let ledger = Arc::new(Ledger::new(outcomes, settings.most_bytes, settings.most_publications));
        let shared = Arc::new(Shared {
            users: DashMap::new(),
            limits,
            ledger,
            deadlines: Deadlines::default(),
            closed: AtomicBool::new(false),
        });
        // it ends with the broker; nothing it does has an answer
        drop(Tasks::here().run(sweep::run(Arc::downgrade(&shared))));
        let (state, _first) = watch::channel(BrokerState { up: true, blocked: false, incarnation: 1 });
        Self { shared, state, peers: Peers::default() }
    }

    fn consumer(&self, user: Arc<User>, queue: u64, seat: Arc<Seat>) -> Box<MemoryConsumer> {
        Box::new(MemoryConsumer { shared: Arc::clone(&self.shared), user, queue, seat })
    }

    fn open(&self) -> Result<(), BrokerError> {
        if self.shared.closed.load(Ordering::SeqCst) { Err(BrokerError::Closed) } else { Ok(()) }
    }
}

impl Drop for MemoryBroker {
    fn drop(&mut self) {
        // nobody acked what is left
        self.shared.ledger.close();
        self.shared.deadlines.wake();
    }
}

impl Shared {
    fn user(&self, id: &UserId) -> Option<Arc<User>> {
        self.users.get(id).map(|user| Arc::clone(user.value()))
    }

    fn user_or_new(&self, id: &UserId) -> Arc<User> {
        if let Some(user) = self.user(id) {
            return user;
        }
        Arc::clone(self.users.entry(id.clone()).or_insert_with(|| Arc::new(User::new(id.clone()))).value())
    }

    /// Does `work` on a user's boxes; `None` when there is no such user.
    fn with<T>(&self, mailbox: &Mailbox, work: impl FnOnce(&Arc<User>, &mut Boxes) -> T) -> Option<T> {
        let user = self.user(&mailbox.user)?;
        let mut boxes = user.lock();
        if boxes.retired {
            return None;
        }
        let done = work(&user, &mut boxes);
        self.watch(&user, &mut boxes);
        let empty = boxes.queues.is_empty();
        boxes.retired = empty;
        drop(boxes);
        if empty {
            self.retire(&user);
        }
        Some(done)
    }

    /// Does `work` on a user's boxes, making the user if needed. The work leaves at least one mailbox behind.
    fn with_new<T>(&self, mailbox: &Mailbox, work: impl FnOnce(&Arc<User>, &mut Boxes) -> T) -> T {
        loop {
            let user = self.user_or_new(&mailbox.user);
            let mut boxes = user.lock();
            if boxes.retired {
                drop(boxes);
                self.retire(&user);
                continue;
            }
            let done = work(&user, &mut boxes);
            self.watch(&user, &mut boxes);
            return done;
        }
    }

    fn retire(&self, user: &Arc<User>) {
        self.users.remove_if(&user.id, |_id, there| Arc::ptr_eq(there, user));
    }

    fn expires_ms(&self, queue: &queue::Queue) -> i64 {
        as_ms(if queue.session.is_some() { self.limits.session_expires } else { self.limits.expires })
    }

    /// Tells the sweeper when a deadline came nearer.
    fn watch(&self, user: &User, boxes: &mut Boxes) {
        let nearest = boxes.queues.iter().map(|queue| queue.deadline_ms(self.expires_ms(queue))).min();
        let Some(at_ms) = nearest else { return };
        if at_ms < boxes.check_at_ms {
            boxes.check_at_ms = at_ms;
            self.deadlines.add(at_ms, &user.id);
        }
    }

    /// A user's deadline is due: drops what has expired.
    fn check(&self, at_ms: i64, id: &UserId) {
        let Some(user) = self.user(id) else { return };
        let mut boxes = user.lock();
        if boxes.retired || boxes.check_at_ms != at_ms {
            return;
        }
        let now_ms = now_ms();
        boxes.queues.retain_mut(|queue| {
            queue.expire_head(now_ms);
            let unused_until = queue.used_at_ms.saturating_add(self.expires_ms(queue));
            !queue.seats.is_empty() || unused_until > now_ms
        });
        boxes.check_at_ms = i64::MAX;
        self.watch(&user, &mut boxes);
        let empty = boxes.queues.is_empty();
        boxes.retired = empty;
        drop(boxes);
        if empty {
            self.retire(&user);
        }
    }

    /// Puts a publication into every mailbox of a recipient.
    fn post(&self, to: &Recipient, entry: &Entry, now_ms: i64) {
        loop {
            let user = if to.make_mailbox { Some(self.user_or_new(&to.user)) } else { self.user(&to.user) };
            let Some(user) = user else { return };
            let mut boxes = user.lock();
            if boxes.retired {
                drop(boxes);
                self.retire(&user);
                continue;
            }
            if boxes.queues.is_empty() {
                if !to.make_mailbox {
                    return;
                }
                boxes.add(None, now_ms);
            }
            let mut steps: [Option<Step>; 2] = [None, None];
            let mut more = Vec::new();
            for queue in &mut boxes.queues {
                queue.push(entry.clone(), self.limits.max_length);
                let Some(step) = queue.next_step(now_ms) else { continue };
                match steps.iter_mut().find(|place| place.is_none()) {
                    Some(place) => *place = Some(step),
                    None => more.push(step),
                }
            }
            self.watch(&user, &mut boxes);
            drop(boxes);
            for step in steps.into_iter().flatten().chain(more) {
                user.pump(Some(step));
            }
            return;
        }
    }

    fn post_all(&self, publication: &Publication, receipt: Arc<Receipt>) {
        let now_ms = now_ms();
        let limit_ms = now_ms.saturating_add(as_ms(self.limits.message_ttl));
        let expires_at_ms = publication.expires_at.map_or(limit_ms, |at| at.as_ms().min(limit_ms));
        if expires_at_ms <= now_ms {
            return;
        }
        let entry = Entry {
            seq: 0,
            id: publication.id,
            payload: publication.payload.clone(),
            expires_at_ms,
            redelivered: false,
            trace: publication.trace.clone(),
            receipt,
        };
        for recipient in publication.recipients.iter() {
            self.post(recipient, &entry, now_ms);
        }
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn publish(&self, publication: Publication) -> Result<(), BrokerError> {
        let receipt = self.shared.ledger.open(Some(publication.ticket), publication.payload.len())?;
        self.shared.post_all(&publication, receipt);
        Ok(())
    }

    fn publish_ephemeral(&self, mut publication: Publication) -> bool {
        let Ok(receipt) = self.shared.ledger.open(None, publication.payload.len()) else { return false };
        if publication.recipients.iter().any(|to| to.make_mailbox) {
            let never = |to: &Recipient| Recipient { user: to.user.clone(), make_mailbox: false };
            publication.recipients = publication.recipients.iter().map(never).collect();
        }
        self.shared.post_all(&publication, receipt);
        true
    }

    async fn consume(
        &self,
        mailbox: &Mailbox,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Box<dyn Consumer>, BrokerError> {
        self.open()?;
        let seat = Arc::new(Seat::new(Some(inbox), usize::from(self.shared.limits.prefetch)));
        let (user, queue) = self.shared.with_new(mailbox, |user, boxes| {
            let queue = boxes.find_or_add(mailbox.session.as_ref(), now_ms());
            queue.seats.push(Arc::clone(&seat));
            (Arc::clone(user), queue.serial)
        });
        user.pump_queue(queue);
        Ok(self.consumer(user, queue, seat))
    }

    async fn take_waiting(&self, mailbox: &Mailbox, most: usize) -> Result<TakeOut, BrokerError> {
        self.open()?;
        let seat = Arc::new(Seat::new(None, 0));
        let taken = self.shared.with(mailbox, |user, boxes| {
            let queue = boxes.find(mailbox.session.as_ref())?;
            if !queue.seats.is_empty() {
                return Some(None);
            }
            queue.used_at_ms = now_ms();
            queue.seats.push(Arc::clone(&seat)); // it has no room, so it has no turn
            let deliveries = queue.take(&seat, most, now_ms());
            Some(Some((Arc::clone(user), queue.serial, deliveries, queue.ready.is_empty())))
        });
        Ok(match taken.flatten() {
            None => TakeOut::Missing,
            Some(None) => TakeOut::InUse,
            Some(Some((user, queue, deliveries, drained))) => {
                let consumer = self.consumer(user, queue, seat);
                TakeOut::Taken(Taken { deliveries, drained, consumer })
            }
        })
    }

    async fn ensure(&self, mailbox: &Mailbox) -> Result<Standing, BrokerError> {
        self.open()?;
        Ok(self.shared.with_new(mailbox, |_user, boxes| {
            let session = mailbox.session.as_ref();
            // a main mailbox that expired had nothing in it that the publisher would not bring again
            let existed = session.is_none() || boxes.find(session).is_some();
            let depth = boxes.find_or_add(session, now_ms()).depth();
            Standing { existed, ready: depth.ready, consumers: depth.consumers }
        }))
    }

    async fn delete_if_idle(&self, mailbox: &Mailbox) -> Result<bool, BrokerError> {
        self.open()?;
        let deleted = self.shared.with(mailbox, |_user, boxes| {
            let session = mailbox.session.as_ref();
            let idle =
                boxes.find(session).is_some_and(|queue| queue.ready.is_empty() && queue.seats.is_empty());
            idle && boxes.remove(session).is_some()
        });
        Ok(deleted.unwrap_or(false))
    }

    async fn depth(&self, mailbox: &Mailbox) -> Result<Option<Depth>, BrokerError> {
        self.open()?;
        let depth = self.shared.with(mailbox, |_user, boxes| {
            let queue = boxes.find(mailbox.session.as_ref())?;
            queue.expire_head(now_ms());
            Some(queue.depth())
        });
        Ok(depth.flatten())
    }

    async fn purge(&self, mailbox: &Mailbox) -> Result<u64, BrokerError> {
        self.open()?;
        let purged = self.shared.with(mailbox, |_user, boxes| {
            boxes.find(mailbox.session.as_ref()).map(|queue| std::mem::take(&mut queue.ready))
        });
        Ok(purged.flatten().map_or(0, |ready| u64::try_from(ready.len()).unwrap_or(u64::MAX)))
    }

    async fn delete(&self, mailbox: &Mailbox) -> Result<(), BrokerError> {
        self.open()?;
        let ended = self.shared.with(mailbox, |_user, boxes| {
            let mut queue = boxes.remove(mailbox.session.as_ref())?;
            Some((queue.end_seats(), queue))
        });
        let Some((ended, queue)) = ended.flatten() else { return Ok(()) };
        drop(queue);
        for seat in ended {
            seat.tell();
        }
        Ok(())
    }

    fn respond(&self, instance: u64, responder: Arc<dyn Responder>) {
        self.peers.add(instance, responder);
    }

    async fn ask(&self, instance: u64, request: Bytes, limit: Duration) -> Asked {
        self.peers.ask(instance, request, limit).await
    }

    async fn ask_all(&self, request: Bytes, enough: usize, limit: Duration) -> Vec<Bytes> {
        self.peers.ask_all(request, enough, limit).await
    }

    fn state(&self) -> watch::Receiver<BrokerState> {
        self.state.subscribe()
    }

    async fn close(&self, _grace: Duration) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // what is outstanding can only be ended by its recipients: its publisher keeps it
        self.shared.ledger.close();
        self.state.send_modify(|state| state.up = false);
        self.shared.users.clear();
        self.shared.deadlines.wake();
    }
}
