//! Requests between gateways: each has an exclusive queue, bound to one exchange by its instance and by `all`.
//!
//! On a connection of its own: a request must not wait behind publications, and what is published here must not
//! block consumers when the broker raises an alarm. While it has one, nothing is asked: nobody would hear it.

mod link;
mod pending;
mod run;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use self::link::Letter;
pub(super) use self::link::arguments;
use self::pending::{Heard, Pending};
use self::run::Running;
use super::name::Names;
use super::settings::RabbitSettings;
use super::stats::{Counters, count};
use crate::task::Tasks;
use crate::{Asked, BrokerState, Responder};

/// Requests and answers that wait to be written. One more is dropped: whoever waits for it waits in vain.
const MOST_LETTERS: usize = 4096;
/// Requests of this gateway that wait for an answer. One more is not asked.
const MOST_ASKS: usize = 4096;
/// The key that every gateway's queue is bound by.
const ALL: &str = "all";

/// The key that an instance's queue is bound by.
fn key_of(instance: u64) -> String {
    format!("{instance:016x}")
}

/// Asks other gateways, and has their requests answered.
pub(super) struct Control {
    settings: Arc<RabbitSettings>,
    exchange: String,
    counters: Arc<Counters>,
    state: watch::Receiver<BrokerState>,
    tasks: Tasks,
    stop: watch::Receiver<bool>,
    pending: Arc<Pending>,
    letters: mpsc::Sender<Letter>,
    letters_in: Mutex<Option<mpsc::Receiver<Letter>>>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Control {
    pub(super) fn new(
        settings: Arc<RabbitSettings>,
        names: &Names,
        counters: Arc<Counters>,
        state: watch::Receiver<BrokerState>,
        tasks: Tasks,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let (letters, letters_in) = mpsc::channel(MOST_LETTERS);
        Self {
            settings,
            exchange: names.control(),
            counters,
            state,
            tasks,
            stop,
            pending: Arc::new(Pending::new(MOST_ASKS)),
            letters,
            letters_in: Mutex::new(Some(letters_in)),
            running: Mutex::default(),
        }
    }

    /// Takes requests for this instance from now on; a second call changes nothing.
    pub(super) fn respond(&self, instance: u64, responder: Arc<dyn Responder>) {
        let letters_in = self.letters_in.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(letters_in) = letters_in else {
            debug!("requests of other gateways are answered already");
            return;
        };
        let running = Running {
            settings: Arc::clone(&self.settings),
            exchange: self.exchange.clone(),
            counters: Arc::clone(&self.counters),
            instance,
            responder,
            pending: Arc::clone(&self.pending),
            letters: self.letters.clone(),
            stop: self.stop.clone(),
        };
        let task = self.tasks.run(running.run(letters_in));
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// The task that answers, if there is one.
    pub(super) fn running(&self) -> Option<JoinHandle<()>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) async fn ask(&self, instance: u64, request: Bytes, limit: Duration) -> Asked {
        let mut asked = match self.send(key_of(instance), true, request) {
            Some(asked) => asked,
            None => return Asked::Silent,
        };
        match timeout_at(Instant::now() + limit, asked.recv()).await {
            Ok(Some(Heard::Answer(answer))) => Asked::Answered(answer),
            Ok(Some(Heard::Nobody)) => Asked::Nobody,
            Ok(None) | Err(_) => Asked::Silent,
        }
    }

    pub(super) async fn ask_all(&self, request: Bytes, enough: usize, limit: Duration) -> Vec<Bytes> {
        let mut answers = Vec::new();
        let Some(mut asked) = self.send(ALL.to_owned(), false, request) else { return answers };
        let until = Instant::now() + limit;
        while answers.len() < enough {
            match timeout_at(until, asked.recv()).await {
                Ok(Some(Heard::Answer(answer))) => answers.push(answer),
                _ => break,
            }
        }
        answers
    }

    fn send(&self, key: String, mandatory: bool, payload: Bytes) -> Option<pending::Waiting> {
        {
            let state = self.state.borrow();
            if !state.up || state.blocked {
                return None;
            }
        }
        let waiting = Pending::wait(&self.pending)?;
        let letter = Letter { key, number: waiting.number, answers: false, mandatory, payload };
        self.letters.try_send(letter).ok()?;
        count(&self.counters.asked);
        Some(waiting)
    }
}
