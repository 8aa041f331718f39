//! The task behind [`super::Control`]: connects, writes letters until the connection dies, connects again.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tracing::{debug, warn};

use super::link::{Letter, Link};
use super::pending::{Heard, Pending};
use crate::Responder;
use crate::rabbit::link::{Backoff, LOOK_EVERY, within};
use crate::rabbit::settings::RabbitSettings;
use crate::rabbit::stats::{Again, Counters};

/// Letters being written; more wait.
const MOST_WRITING: usize = 1024;

/// Everything the task needs.
pub(super) struct Running {
    pub(super) settings: Arc<RabbitSettings>,
    pub(super) exchange: String,
    pub(super) counters: Arc<Counters>,
    pub(super) instance: u64,
    pub(super) responder: Arc<dyn Responder>,
    pub(super) pending: Arc<Pending>,
    pub(super) letters: mpsc::Sender<Letter>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Running {
    /// Serves until told to stop.
    pub(super) async fn run(self, mut letters: mpsc::Receiver<Letter>) {
        let (mut backoff, mut again) = (Backoff::new(&self.settings), Again::default());
        let mut stop = self.stop.clone();
        while !*stop.borrow() {
            match Link::open(&self).await {
                Ok(link) => {
                    backoff.reset();
                    again.connected(&self.counters);
                    let _open = self.counters.opened(1);
                    debug!("other gateways can be asked");
                    self.serve(&link, &mut letters).await;
                    self.pending.give_up();
                    if *stop.borrow() {
                        // it is told, not asked: the process does not wait for the answer
                        drop(
                            within(self.settings.timeout, link.connection.close(200, "stopped".into())).await,
                        );
                        return;
                    }
                    warn!("the control connection to RabbitMQ is lost");
                }
                Err(error) => warn!(%error, "other gateways cannot be asked, trying again"),
            }
            tokio::select! {
                () = sleep(backoff.pause()) => {}
                _stop = stop.wait_for(|stop| *stop) => return,
            }
            // their waiters have gone on
            while letters.try_recv().is_ok() {}
        }
    }

    async fn serve(&self, link: &Link, letters: &mut mpsc::Receiver<Letter>) {
        let mut stop = self.stop.clone();
        let mut writing = FuturesUnordered::new();
        let mut look = tokio::time::interval(LOOK_EVERY);
        while link.works() {
            tokio::select! {
                Some(letter) = letters.recv(), if writing.len() < MOST_WRITING => writing.push(link.write(letter)),
                Some(came_back) = writing.next(), if !writing.is_empty() => {
                    if let Some(number) = came_back {
                        self.pending.heard(number, Heard::Nobody);
                    }
                }
                _tick = look.tick() => {}
                _stop = stop.wait_for(|stop| *stop) => return,
            }
        }
    }
}
