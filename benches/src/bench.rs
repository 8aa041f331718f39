//! What the tasks of one scenario share. Everything runs on one thread, so plain cells do.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cli::Route;
use crate::http::Client;
use crate::ledger::Ledger;
use crate::token::Signer;
use crate::wire::Requests;

/// Numbers from here on are warm-up: they make rooms and mailboxes, and are not measured.
pub(crate) const WARM_UP: usize = 9_000_000_000;
/// How many users sign in at once: making a mailbox costs the broker milliseconds.
const SIGN_INS_AT_ONCE: usize = 64;
/// A request that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Who takes part, and where.
pub(crate) struct Population<'a> {
    /// The gateways.
    pub(crate) addresses: &'a [SocketAddr],
    /// Which of them a user's polls go to.
    pub(crate) route: Route,
    /// Signs everybody's tokens.
    pub(crate) signer: &'a Signer,
    /// Keeps this scenario's users apart from all others.
    pub(crate) run: String,
    /// Users that receive.
    pub(crate) users: usize,
    /// Users that send.
    pub(crate) senders: usize,
    /// Length of a message.
    pub(crate) body_bytes: usize,
}

/// What the tasks of one scenario share.
pub(crate) struct Bench {
    addresses: Vec<SocketAddr>,
    route: Route,
    /// Makes requests.
    pub(crate) requests: Requests,
    /// The books.
    pub(crate) ledger: RefCell<Ledger>,
    /// Names of the users that receive.
    pub(crate) users: Vec<String>,
    /// Their tokens.
    pub(crate) tokens: Vec<String>,
    /// Tokens of the users that send.
    pub(crate) senders: Vec<String>,
    /// Connections that pollers made.
    pub(crate) connects: Cell<u64>,
    /// Warm-up messages that came.
    pub(crate) warmed: Cell<usize>,
    /// One permit for each poller whose mailbox is there.
    pub(crate) ready: Semaphore,
    /// Seats for signing in.
    pub(crate) sign_ins: Semaphore,
}

impl Bench {
    pub(crate) fn new(population: Population<'_>) -> Result<Self, String> {
        let Population { addresses, route, signer, run, users, senders, body_bytes } = population;
        let host = addresses.first().ok_or("no gateway")?.to_string();
        let users: Vec<String> = (0..users).map(|n| format!("{run}u{n}")).collect();
        // Several senders for one user are several rooms for that user, and order is kept in each room only.
        let ordered = if senders <= users.len() { users.len() } else { 0 };
        Ok(Self {
            addresses: addresses.to_vec(),
            route,
            requests: Requests::new(host, &run, body_bytes),
            ledger: RefCell::new(Ledger::new(ordered)?),
            tokens: users.iter().map(|user| signer.sign(user, "user")).collect(),
            senders: (0..senders).map(|n| signer.sign(&format!("{run}s{n}"), "user publish")).collect(),
            users,
            connects: Cell::new(0),
            warmed: Cell::new(0),
            ready: Semaphore::new(0),
            sign_ins: Semaphore::new(SIGN_INS_AT_ONCE),
        })
    }

    /// A client for sender number `n`: senders are spread over the gateways.
    pub(crate) fn client(&self, n: usize) -> Client {
        let at = n.checked_rem(self.addresses.len()).unwrap_or(0);
        // there is one at least
        Client::new(self.addresses.get(at).copied().unwrap_or_else(|| ([127, 0, 0, 1], 0).into()))
    }

    /// Clients for a user's polls, to be used in turn.
    pub(crate) fn clients(&self, user: usize) -> Vec<Client> {
        match self.route {
            Route::Sticky => vec![self.client(user)],
            Route::Alternate => (0..self.addresses.len()).map(|n| self.client(user + n)).collect(),
        }
    }

    /// The token of the one user who writes to `recipient`.
    pub(crate) fn sender_of(&self, recipient: usize) -> &str {
        let at = recipient.checked_rem(self.senders.len()).unwrap_or(0);
        self.senders.get(at).map_or("", String::as_str)
    }

    /// Waits until `enough` says so, at most `patience`.
    pub(crate) async fn wait_until(&self, patience: Duration, enough: impl Fn(&Self) -> bool) -> bool {
        const LOOK: Duration = Duration::from_millis(10);
        timeout(patience, async {
            while !enough(self) {
                tokio::time::sleep(LOOK).await;
            }
        })
        .await
        .is_ok()
    }
}

/// Tasks of this thread; dropping the set ends them all.
#[derive(Default)]
pub(crate) struct Crew(JoinSet<()>);

impl Crew {
    pub(crate) fn add(&mut self, task: impl Future<Output = ()> + 'static) {
        self.0.spawn_local(task);
    }

    /// Waits for all of them.
    ///
    /// # Errors
    /// When they are not done within `patience`, or one of them panicked.
    pub(crate) async fn finish(mut self, patience: Duration) -> Result<(), String> {
        let all = async {
            while let Some(outcome) = self.0.join_next().await {
                outcome.map_err(|error| format!("a task of the load generator failed: {error}"))?;
            }
            Ok(())
        };
        timeout(patience, all)
            .await
            .unwrap_or_else(|_elapsed| Err(format!("senders not done within {patience:?}")))
    }
}
