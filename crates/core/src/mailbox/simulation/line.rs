//! One gateway's way to the broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pollgate_broker::{
    Asked, Broker, BrokerError, BrokerState, Consumer, Depth, Inbox, Publication, Reply, Responder, Standing,
    TakeOut, Taken,
};
use pollgate_model::Mailbox;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::wire::Wire;
use super::world::{Inner, World};
use crate::task::Tasks;

/// How long a gateway waits for an answer.
const LIMIT: Duration = Duration::from_secs(5);
/// How long the broker holds on to a line that says nothing.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(20);

/// See the module's text.
pub(super) struct Line {
    pub(super) world: Arc<World>,
    pub(super) number: u64,
    pub(super) tasks: Tasks,
    pub(super) prefetch: usize,
    pub(super) state: watch::Sender<BrokerState>,
    /// In so many of a hundred cases a request to another gateway gets lost.
    pub(super) deaf_percent: u32,
}

fn lost() -> BrokerError {
    BrokerError::TimedOut(LIMIT)
}

impl Line {
    fn is_cut(&self) -> bool {
        self.world.lock().is_cut(self.number)
    }

    /// The way there or back; an error if nothing passes for too long.
    async fn pass(&self) -> Result<(), BrokerError> {
        self.world.step().await;
        let until = Instant::now() + LIMIT;
        while self.is_cut() {
            if Instant::now() >= until {
                return Err(lost());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// There, `work`, and back.
    async fn call<T: Send>(&self, work: impl FnOnce(&mut Inner) -> T + Send) -> Result<T, BrokerError> {
        self.pass().await?;
        let done = work(&mut self.world.lock());
        self.pass().await?;
        Ok(done)
    }

    /// A consumer's acks and its release, in order.
    fn orders(&self, number: u64) -> mpsc::UnboundedSender<Order> {
        let (orders, mut given) = mpsc::unbounded_channel::<Order>();
        let (world, line) = (self.world.clone(), self.number);
        let work = async move {
            while let Some(order) = given.recv().await {
                world.step().await;
                while world.lock().is_cut(line) && world.lock().consumers.contains_key(&number) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                match order {
                    Order::Ack(tags) => world.lock().ack(number, &tags),
                    Order::Release(done) => {
                        let there = world.lock().consumers.contains_key(&number);
                        world.lock().end(number);
                        world.step().await;
                        let answer = if there { Ok(()) } else { Err(lost()) };
                        drop(done.map(|done| done.send(answer)));
                    }
                }
            }
        };
        drop(self.tasks.job(work));
        orders
    }
}

enum Order {
    Ack(Vec<u64>),
    Release(Option<oneshot::Sender<Result<(), BrokerError>>>),
}

struct Held {
    open: Arc<AtomicBool>,
    orders: mpsc::UnboundedSender<Order>,
    released: AtomicBool,
}

#[async_trait]
impl Consumer for Held {
    fn ack(&self, tags: &[u64]) {
        drop(self.orders.send(Order::Ack(tags.to_vec())));
    }

    async fn release(&self) -> Result<(), BrokerError> {
        self.open.store(false, Ordering::SeqCst);
        if self.released.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        drop(self.orders.send(Order::Release(Some(done))));
        match timeout(LIMIT, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(lost()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.open.store(false, Ordering::SeqCst);
        if !self.released.swap(true, Ordering::SeqCst) {
            drop(self.orders.send(Order::Release(None)));
        }
    }
}

#[async_trait]
impl Broker for Line {
    async fn publish(&self, _publication: Publication) -> Result<(), BrokerError> {
        Err(BrokerError::Closed) // stories publish at the broker itself
    }

    fn publish_ephemeral(&self, _publication: Publication) -> bool {
        false
    }

    async fn consume(
        &self,
        mailbox: &Mailbox,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Box<dyn Consumer>, BrokerError> {
        self.pass().await?;
        let open = Arc::new(AtomicBool::new(true));
        let wire = Wire::new(&self.world, &self.tasks, self.number, inbox, open.clone());
        let number = self.world.lock().consume(self.number, mailbox, wire, self.prefetch);
        // from here on its drop gives it up, also when the answer gets lost
        let held = Held { open, orders: self.orders(number), released: AtomicBool::new(false) };
        self.pass().await?;
        Ok(Box::new(held))
    }

    async fn take_waiting(&self, mailbox: &Mailbox, most: usize) -> Result<TakeOut, BrokerError> {
        self.pass().await?;
        let (number, (deliveries, drained)) = {
            let mut world = self.world.lock();
            match world.standing(mailbox) {
                None => return Ok(TakeOut::Missing),
                Some(found) if found.consumers > 0 => return Ok(TakeOut::InUse),
                Some(_free) => {}
            }
            let number = world.consume(self.number, mailbox, Wire::none(), 0);
            (number, world.take(number, most))
        };
        let open = Arc::new(AtomicBool::new(true));
        let consumer = Held { open, orders: self.orders(number), released: AtomicBool::new(false) };
        self.pass().await?;
        Ok(TakeOut::Taken(Taken { deliveries, drained, consumer: Box::new(consumer) }))
    }

    async fn ensure(&self, mailbox: &Mailbox) -> Result<Standing, BrokerError> {
        self.call(|world| world.ensure(mailbox)).await
    }

    async fn delete_if_idle(&self, mailbox: &Mailbox) -> Result<bool, BrokerError> {
        self.call(|world| world.remove_if_idle(mailbox)).await
    }

    async fn depth(&self, mailbox: &Mailbox) -> Result<Option<Depth>, BrokerError> {
        let found = self.call(|world| world.standing(mailbox)).await?;
        Ok(found.map(|f| Depth { ready: f.ready, unacked: None, consumers: f.consumers }))
    }

    async fn purge(&self, _mailbox: &Mailbox) -> Result<u64, BrokerError> {
        Err(BrokerError::Closed)
    }

    async fn delete(&self, _mailbox: &Mailbox) -> Result<(), BrokerError> {
        Err(BrokerError::Closed)
    }

    fn respond(&self, instance: u64, responder: Arc<dyn Responder>) {
        self.world.lock().responders.insert(instance, (self.number, responder));
    }

    async fn ask(&self, instance: u64, request: Bytes, limit: Duration) -> Asked {
        let asking = async {
            self.pass().await.ok()?;
            let Some((line, responder)) = self.world.lock().responders.get(&instance).cloned() else {
                return Some(Asked::Nobody);
            };
            let answer = self.carry(line, &responder, request).await?;
            Some(Asked::Answered(answer))
        };
        match timeout(limit, asking).await {
            Ok(Some(asked)) => asked,
            Ok(None) => {
                tokio::time::sleep(limit).await;
                Asked::Silent
            }
            Err(_) => Asked::Silent,
        }
    }

    async fn ask_all(&self, request: Bytes, enough: usize, limit: Duration) -> Vec<Bytes> {
        let (answered, mut answers) = mpsc::unbounded_channel();
        let asking = async {
            self.pass().await.ok()?;
            let all: Vec<_> = self.world.lock().responders.values().cloned().collect();
            let each = all.into_iter().map(|(line, responder)| {
                let (answered, request) = (answered.clone(), request.clone());
                async move {
                    if let Some(answer) = self.carry(line, &responder, request).await {
                        drop(answered.send(answer));
                    }
                }
            });
            futures::future::join_all(each).await;
            Some(())
        };
        let mut came = Vec::new();
        let collecting = async {
            while came.len() < enough {
                came.extend(answers.recv().await);
            }
        };
        let both = async {
            tokio::select! {
                biased;
                () = collecting => {}
                () = async { asking.await; std::future::pending().await } => {}
            }
        };
        // over the limit: what came is what there is
        drop(timeout(limit, both).await);
        came
    }

    fn state(&self) -> watch::Receiver<BrokerState> {
        self.state.subscribe()
    }

    async fn close(&self, _grace: Duration) {}
}

impl Line {
    /// A request to another gateway and its answer, either of which may get lost.
    async fn carry(&self, line: u64, responder: &Arc<dyn Responder>, request: Bytes) -> Option<Bytes> {
        self.world.step().await;
        if self.world.chance(self.deaf_percent) || self.world.lock().is_cut(line) {
            return None;
        }
        let (reply, answer) = oneshot::channel();
        responder.asked(request, Reply::new(move |text| drop(reply.send(text))));
        let answer = answer.await.ok()?;
        self.world.step().await;
        let lost = self.world.chance(self.deaf_percent) || self.world.lock().is_cut(line) || self.is_cut();
        if lost { None } else { Some(answer) }
    }
}
