//! The task that publishes: connects, publishes until the connection dies, says what is unknown, connects again.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use deadpool_lapin::Pool;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use lapin::Event;
use pollgate_model::{Mailbox, Timestamp, UserId};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::Needs;
use super::held::Held;
use super::link::{Link, Write};
use super::parcel::{Copy, Parcel};
use super::window::{Verdict, Window};
use crate::rabbit::link::Backoff;
use crate::rabbit::link::LOOK_EVERY;
use crate::rabbit::stats::{Again, count};
use crate::{BrokerError, Publication};

/// A publication may come back this often before it is given up.
const MOST_RETURNS: u32 = 5;
/// Publishes without promise being written; more are dropped.
const MOST_WRITES: usize = 1024;

type Making = Pin<Box<dyn Future<Output = (UserId, Result<(), BrokerError>)> + Send>>;

/// Why publishing over a connection ended.
enum End {
    Stopped,
    Broken(BrokerError),
}

/// Everything the publishing task has in hand.
pub(super) struct Publishing {
    needs: Needs,
    pool: Pool,
    parcels: mpsc::UnboundedReceiver<Arc<Parcel>>,
    ephemeral: mpsc::Receiver<Publication>,
    window: Window,
    held: Held,
    /// To be sent before anything new.
    next: VecDeque<Copy>,
    makings: FuturesUnordered<Making>,
    writes: FuturesUnordered<Write>,
    blocked: bool,
    /// Publishes were given up that a blocked connection may still write: it must not be used again.
    stale: bool,
}

impl Publishing {
    pub(super) fn new(
        needs: Needs,
        pool: Pool,
        parcels: mpsc::UnboundedReceiver<Arc<Parcel>>,
        ephemeral: mpsc::Receiver<Publication>,
    ) -> Self {
        Self {
            needs,
            pool,
            parcels,
            ephemeral,
            window: Window::default(),
            held: Held::default(),
            next: VecDeque::new(),
            makings: FuturesUnordered::new(),
            writes: FuturesUnordered::new(),
            blocked: false,
            stale: false,
        }
    }

    /// Publishes until told to stop.
    pub(super) async fn run(mut self) {
        let (mut backoff, mut again) = (Backoff::new(&self.needs.settings), Again::default());
        let mut stop = self.needs.stop.clone();
        while !*stop.borrow() {
            let Needs { management, names, settings, counters, health, .. } = &self.needs;
            management.wait_until_connected().await;
            match Link::open(&self.pool, management, names, settings, counters).await {
                Ok(link) => {
                    backoff.reset();
                    again.connected(counters);
                    health.incarnation(link.incarnation);
                    health.publishing(true);
                    info!(incarnation = link.incarnation, "publishing to RabbitMQ");
                    self.serve(link).await;
                }
                Err(error) => warn!(%error, "RabbitMQ cannot be published to, trying again"),
            }
            if *stop.borrow() {
                break;
            }
            let pause = sleep(backoff.pause());
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    _stop = stop.wait_for(|stop| *stop) => break,
                    // taken just before the connection died
                    Some(parcel) = self.parcels.recv() => parcel.fail(&away()),
                }
            }
        }
        self.parcels.close();
        self.fail(&BrokerError::Closed);
    }

    /// Publishes over one connection until it ends.
    async fn serve(&mut self, mut link: Link) {
        (self.blocked, self.stale) = (false, false);
        let end = self.publish(&mut link).await;
        self.needs.health.publishing(false);
        match end {
            End::Stopped => {
                self.fail(&BrokerError::Closed);
                link.close(&self.needs.settings).await;
            }
            End::Broken(error) => {
                warn!(%error, in_flight = self.window.len(), "publishing to RabbitMQ is interrupted");
                self.fail(&error);
                link.discard();
            }
        }
    }

    async fn publish(&mut self, link: &mut Link) -> End {
        let mut stop = self.needs.stop.clone();
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            self.settle();
            if let Err(error) = self.fill(link) {
                return End::Broken(error);
            }
            let overdue = self.window.oldest().map(|sent| sent + self.needs.settings.timeout);
            let step = tokio::select! {
                answered = poll_fn(|cx| self.window.poll(cx)), if !self.window.is_empty() => answered,
                Some(parcel) = self.parcels.recv(), if self.takes_more() => {
                    self.next.extend(Copy::all(&parcel));
                    Ok(())
                }
                Some((user, made)) = self.makings.next(), if !self.makings.is_empty() => {
                    self.made(&user, made);
                    Ok(())
                }
                Some(publication) = self.ephemeral.recv(), if !self.blocked => {
                    self.write(link, &publication);
                    Ok(())
                }
                Some(()) = self.writes.next(), if !self.writes.is_empty() => Ok(()),
                Some(event) = link.events.next() => self.heard(&event),
                () = sleep_until(overdue.unwrap_or_else(Instant::now)), if overdue.is_some() => self.overdue(),
                _tick = look.tick() => Ok(()),
                _stop = stop.wait_for(|stop| *stop) => return End::Stopped,
            };
            if let Err(error) = step {
                return End::Broken(error);
            }
            if !link.works() {
                return End::Broken(BrokerError::Unreachable("the connection is lost".to_owned()));
            }
        }
    }

    fn takes_more(&self) -> bool {
        !self.blocked && self.next.is_empty() && self.window.len() < self.needs.settings.publish_window
    }

    /// Finishes what is finished, and has missing mailboxes made.
    fn settle(&mut self) {
        while let Some((mut copy, verdict)) = self.window.pop() {
            match verdict {
                Verdict::Confirmed => {
                    count(&self.needs.counters.confirmed);
                    if copy.returns == 0 {
                        count(&self.needs.counters.cached);
                    }
                    copy.done();
                }
                Verdict::Refused => {
                    copy.fail(&BrokerError::Refused("it did not take the publication".to_owned()))
                }
                Verdict::Returned => {
                    count(&self.needs.counters.returned);
                    copy.returns += 1;
                    if copy.returns > MOST_RETURNS {
                        copy.fail(&BrokerError::Refused("the mailbox vanishes again and again".to_owned()));
                    } else {
                        self.held.came_back(copy, self.window.last());
                    }
                }
            }
        }
        if self.held.is_empty() {
            return;
        }
        for user in self.held.ready(self.window.finished()) {
            let management = Arc::clone(&self.needs.management);
            self.makings.push(Box::pin(async move {
                let made = management.make(&Mailbox::main(user.clone())).await;
                (user, made)
            }));
        }
    }

    fn made(&mut self, user: &UserId, made: Result<(), BrokerError>) {
        if let Err(error) = made {
            self.held.give_up(user, &error);
            return;
        }
        count(&self.needs.counters.redeclared);
        // in front of what is next: those of the same user among it are newer
        for copy in self.held.made(user).collect::<Vec<_>>().into_iter().rev() {
            self.next.push_front(copy);
        }
    }

    /// Sends what is next while the window has room.
    fn fill(&mut self, link: &Link) -> Result<(), BrokerError> {
        if self.blocked {
            return Ok(());
        }
        while self.window.len() < self.needs.settings.publish_window {
            let Some(copy) = self.next.pop_front() else {
                let Ok(parcel) = self.parcels.try_recv() else { return Ok(()) };
                self.next.extend(Copy::all(&parcel));
                continue;
            };
            let Some(copy) = self.held.queue(copy) else { continue };
            let publication = &copy.parcel.publication;
            if publication.expires_at.is_some_and(|at| at <= Timestamp::now()) {
                copy.done();
                continue;
            }
            let confirm = link.confirmed(publication, &copy.to)?;
            count(&self.needs.counters.published);
            self.window.push(copy, confirm);
        }
        Ok(())
    }

    fn write(&mut self, link: &Link, publication: &Publication) {
        for to in publication.recipients.iter() {
            if self.writes.len() >= MOST_WRITES {
                return;
            }
            if let Ok(write) = link.plain(publication, to) {
                self.writes.push(write);
            }
        }
    }

    fn heard(&mut self, event: &Event) -> Result<(), BrokerError> {
        match event {
            Event::ConnectionBlocked(reason) => {
                warn!(reason, "RabbitMQ has blocked publishers");
                self.blocked = true;
                self.needs.health.blocked(true);
            }
            Event::ConnectionUnblocked => {
                info!("RabbitMQ takes publications again");
                if self.stale {
                    return Err(BrokerError::Unreachable("it was blocked for too long".to_owned()));
                }
                self.blocked = false;
                self.needs.health.blocked(false);
            }
            _ => {}
        }
        Ok(())
    }

    /// The oldest publish was not confirmed in time.
    fn overdue(&mut self) -> Result<(), BrokerError> {
        let error = BrokerError::TimedOut(self.needs.settings.timeout);
        if !self.blocked {
            return Err(error);
        }
        // a blocked connection cannot even be closed: it waits for the end of the alarm, its publishes do not
        self.stale = true;
        self.fail(&error);
        Ok(())
    }

    /// Gives everything in hand up.
    fn fail(&mut self, error: &BrokerError) {
        self.window.fail(error);
        self.held.fail(error);
        for copy in self.next.drain(..) {
            copy.fail(error);
        }
        while let Ok(parcel) = self.parcels.try_recv() {
            parcel.fail(error);
        }
        self.makings.clear();
        self.writes.clear();
    }
}

fn away() -> BrokerError {
    BrokerError::Unreachable("no connection".to_owned())
}
