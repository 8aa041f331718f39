//! A broker of either kind, alone with its names, and an inbox that remembers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use pollgate_broker::memory::{MemoryBroker, MemorySettings};
use pollgate_broker::rabbit::{RabbitBroker, RabbitSettings};
use pollgate_broker::{
    Broker, BrokerError, Consumer, Delivery, DeliveryTag, Detached, Durability, Inbox, MailboxLimits,
    Outcome, Publication, Ticket,
};
use pollgate_model::{EventId, Mailbox, Recipient, UserId};
use pollgate_testkit::rabbitmq_url;
use tokio::sync::{Notify, mpsc};

/// How long a fact may take to come true.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    Rabbit,
}

/// Outcomes that came, and those that nobody has asked for yet.
type Outcomes = (mpsc::UnboundedReceiver<Outcome>, HashMap<Ticket, Result<(), BrokerError>>);

/// A consumer, and how its mailbox was found.
pub(crate) struct Attached {
    pub(crate) existed: bool,
    pub(crate) ready: u64,
    pub(crate) consumer: Box<dyn Consumer>,
}

/// A broker and its outcomes.
pub(crate) struct Rig {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) rabbit: Option<Arc<RabbitBroker>>,
    outcomes: tokio::sync::Mutex<Outcomes>,
    next_ticket: Mutex<Ticket>,
    cleanup: Option<(String, String)>,
}

pub(crate) fn limits() -> MailboxLimits {
    let expires = Duration::from_secs(60);
    MailboxLimits { prefetch: 10, expires, session_expires: expires, ..MailboxLimits::default() }
}

pub(crate) fn unique(name: &str) -> String {
    let id = EventId::new().uuid().simple().to_string();
    format!("{name}{}", &id[16..])
}

pub(crate) fn settings(url: &str) -> RabbitSettings {
    RabbitSettings { url: url.to_owned(), prefix: unique("t"), ..RabbitSettings::default() }
}

impl Rig {
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::with(kind, limits()).await
    }

    pub(crate) async fn with(kind: Kind, limits: MailboxLimits) -> Self {
        match kind {
            Kind::Memory => Self::memory(limits, MemorySettings::default()),
            Kind::Rabbit => Self::rabbit(limits, settings(&rabbitmq_url())).await,
        }
    }

    pub(crate) fn memory(limits: MailboxLimits, settings: MemorySettings) -> Self {
        let (outcomes_in, outcomes) = mpsc::unbounded_channel();
        Self::of(Arc::new(MemoryBroker::new(limits, settings, outcomes_in)), None, outcomes, None)
    }

    pub(crate) async fn rabbit(limits: MailboxLimits, settings: RabbitSettings) -> Self {
        let (outcomes_in, outcomes) = mpsc::unbounded_channel();
        let cleanup = (settings.url.clone(), settings.prefix.clone());
        let broker = Arc::new(RabbitBroker::connect(limits, settings, outcomes_in).await.unwrap());
        Self::of(Arc::clone(&broker) as Arc<dyn Broker>, Some(broker), outcomes, Some(cleanup))
    }

    fn of(
        broker: Arc<dyn Broker>,
        rabbit: Option<Arc<RabbitBroker>>,
        outcomes: mpsc::UnboundedReceiver<Outcome>,
        cleanup: Option<(String, String)>,
    ) -> Self {
        let outcomes = tokio::sync::Mutex::new((outcomes, HashMap::new()));
        Self { broker, rabbit, outcomes, next_ticket: Mutex::new(0), cleanup }
    }

    pub(crate) async fn up(&self) {
        let mut state = self.broker.state();
        tokio::time::timeout(PATIENCE, state.wait_for(|state| state.up)).await.unwrap().unwrap();
    }

    pub(crate) fn ticket(&self) -> Ticket {
        let mut next = self.next_ticket.lock().unwrap();
        *next += 1;
        *next
    }

    /// Publishes to users; returns the ticket.
    pub(crate) async fn publish(&self, text: &str, users: &[&UserId]) -> Ticket {
        let publication = self.publication(text, users, true);
        let ticket = publication.ticket;
        self.broker.publish(publication).await.unwrap();
        ticket
    }

    pub(crate) fn publication(&self, text: &str, users: &[&UserId], make_mailbox: bool) -> Publication {
        Publication {
            ticket: self.ticket(),
            id: EventId::new(),
            payload: Bytes::copy_from_slice(text.as_bytes()),
            recipients: users.iter().map(|user| Recipient { user: (*user).clone(), make_mailbox }).collect(),
            durability: Durability::Persistent,
            expires_at: None,
            trace: None,
        }
    }

    /// How this publication ended.
    pub(crate) async fn outcome(&self, ticket: Ticket) -> Result<(), BrokerError> {
        let mut outcomes = self.outcomes.lock().await;
        loop {
            if let Some(result) = outcomes.1.remove(&ticket) {
                return result;
            }
            let outcome = tokio::time::timeout(PATIENCE, outcomes.0.recv()).await.unwrap().unwrap();
            let twice = outcomes.1.insert(outcome.ticket, outcome.result);
            assert!(twice.is_none(), "two outcomes for {}", outcome.ticket);
        }
    }

    /// Waits until what was published stands in the mailboxes. The in-process broker has done it at once, and tells
    /// the outcome only when it is acked.
    pub(crate) async fn settled(&self, ticket: Ticket) {
        if self.rabbit.is_some() {
            self.outcome(ticket).await.unwrap();
        }
    }

    pub(crate) async fn put(&self, texts: &[&str], user: &UserId) {
        let mut last = 0;
        for text in texts {
            last = self.publish(text, &[user]).await;
        }
        self.settled(last).await;
    }

    pub(crate) async fn attach(&self, mailbox: &Mailbox) -> (Attached, Arc<Recorder>) {
        let recorder = Recorder::new();
        let found = self.broker.ensure(mailbox).await.unwrap();
        let inbox = Arc::clone(&recorder) as Arc<dyn Inbox>;
        let consumer = self.broker.consume(mailbox, inbox).await.unwrap();
        (Attached { existed: found.existed, ready: found.ready, consumer }, recorder)
    }

    /// Everything in a mailbox, in order, acked.
    pub(crate) async fn drain(&self, mailbox: &Mailbox) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(taken) = self.broker.take_waiting(mailbox, 100).await.unwrap().taken() {
            taken.consumer.ack(&taken.deliveries.iter().map(|d| d.tag).collect::<Vec<_>>());
            texts.extend(taken.deliveries.iter().map(text));
            taken.consumer.release().await.unwrap();
            if taken.drained {
                break;
            }
        }
        texts
    }

    pub(crate) async fn ready(&self, mailbox: &Mailbox) -> Option<u64> {
        self.broker.depth(mailbox).await.unwrap().map(|depth| depth.ready)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let Some((url, prefix)) = self.cleanup.take() else { return };
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let cleaned = async {
                    let connection =
                        lapin::Connection::connect(&url, lapin::ConnectionProperties::default()).await?;
                    let channel = connection.create_channel().await?;
                    channel.exchange_delete(format!("{prefix}.mailboxes").into(), Default::default()).await?;
                    channel.queue_delete(format!("{prefix}.marker").into(), Default::default()).await?;
                    connection.close(200, "done".into()).await
                };
                tokio::time::timeout(Duration::from_secs(5), cleaned).await
            })
        });
        // a broker that the test has stopped needs no cleaning
        let _cleaned = cleaning.join();
    }
}

pub(crate) fn user() -> UserId {
    unique("user/").parse().unwrap()
}

pub(crate) fn session(user: &UserId, name: &str) -> Mailbox {
    Mailbox::of_session(user.clone(), name.parse().unwrap())
}

pub(crate) fn text(delivery: &Delivery) -> String {
    String::from_utf8(delivery.payload.to_vec()).unwrap()
}

/// Numbered texts, `from` to below `to`.
pub(crate) fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| number.to_string()).collect()
}

/// Polls until it is so.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let limit = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < limit, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An inbox that remembers.
#[derive(Default)]
pub(crate) struct Recorder {
    seen: Mutex<(Vec<Delivery>, Vec<Detached>)>,
    changed: Notify,
}

impl Inbox for Recorder {
    fn deliver(&self, delivery: Delivery) {
        self.seen.lock().unwrap().0.push(delivery);
        self.changed.notify_waiters();
    }

    fn detached(&self, why: Detached) {
        self.seen.lock().unwrap().1.push(why);
        self.changed.notify_waiters();
    }
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.seen.lock().unwrap().0.clone()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.deliveries().iter().map(text).collect()
    }

    pub(crate) fn tags(&self) -> Vec<DeliveryTag> {
        self.deliveries().iter().map(|delivery| delivery.tag).collect()
    }

    pub(crate) fn ends(&self) -> Vec<Detached> {
        self.seen.lock().unwrap().1.clone()
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if is_so(self) {
                    return;
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "in vain: {what}, there are {:?} {:?}", self.texts(), self.ends());
    }

    /// Waits until this many have come, and returns them.
    pub(crate) async fn have(&self, count: usize) -> Vec<Delivery> {
        self.until(&format!("{count} deliveries"), |this| this.deliveries().len() >= count).await;
        self.deliveries()
    }

    pub(crate) async fn end(&self) -> Detached {
        self.until("an end", |this| !this.ends().is_empty()).await;
        assert_eq!(self.ends().len(), 1);
        self.ends()[0]
    }
}
