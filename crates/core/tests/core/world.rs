//! A core on the embedded pair, in a folder of its own, that can be killed and started again.

use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::memory::{MemoryBroker, MemorySettings};
use pollgate_broker::{ClusterName, Clusters, MailboxLimits, Outcome, Placement};
use pollgate_core::{
    Core, CoreError, CoreSettings, Moves, Parts, PollCursor, PollRequest, Polled, Relay, Tasks,
};
use pollgate_files::{Files, FilesSettings, Place};
use pollgate_model::{InstanceId, Mailbox, NewMessage, Target, UserId};
use pollgate_store::{Sent, Store, StoreSettings};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// One run of a core.
pub(crate) struct Run {
    pub(crate) core: Core,
    pub(crate) broker: Arc<MemoryBroker>,
    _folder: Arc<TempDir>,
}

/// Where the data lives over several runs.
pub(crate) struct World {
    folder: Arc<TempDir>,
    pub(crate) settings: CoreSettings,
    pub(crate) limits: MailboxLimits,
}

impl World {
    pub(crate) fn new() -> Self {
        let settings = CoreSettings { linger: Duration::from_millis(300), ..CoreSettings::default() };
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), settings, limits: MailboxLimits::default() }
    }

    pub(crate) async fn start(&self) -> Run {
        let (outcomes, answers) = mpsc::unbounded_channel();
        let broker = Arc::new(MemoryBroker::new(self.limits.clone(), MemorySettings::default(), outcomes));
        self.start_on(broker, answers, self.folder.clone()).await
    }

    /// Another gateway at the same broker. Only the first one can send: the broker answers to that one.
    pub(crate) async fn start_beside(&self, first: &Run) -> Run {
        let (_nobody, answers) = mpsc::unbounded_channel();
        self.start_on(first.broker.clone(), answers, Arc::new(tempfile::tempdir().unwrap())).await
    }

    async fn start_on(
        &self,
        broker: Arc<MemoryBroker>,
        outcomes: mpsc::UnboundedReceiver<Outcome>,
        folder: Arc<TempDir>,
    ) -> Run {
        let placement = Placement::single(ClusterName::in_process());
        let relay = Relay::new(&self.settings, placement.clone());
        let instance = InstanceId::new();
        let url = format!("sqlite://{}", folder.path().join("pollgate.db").display());
        let store = Store::open(StoreSettings::new(url), instance, relay.clone()).await.unwrap();
        let moves = Moves::load(&store, placement, self.settings.message_ttl).await.unwrap();
        let place = Place::Folder(folder.path().join("attachments"));
        let files = FilesSettings { place, may_mark: true, timeout: Duration::from_secs(10) };
        let (tasks, _first_failure) = Tasks::new(Handle::current());
        let core = Core::start(Parts {
            store,
            clusters: Arc::new(Clusters::single(ClusterName::in_process(), broker.clone())),
            outcomes: vec![outcomes],
            moves,
            relay,
            instance,
            identity: pollgate_core::Identity::default(),
            files: Files::open(&files).await.unwrap(),
            settings: self.settings.clone(),
            redis: None,
            tasks,
        });
        Run { core, broker, _folder: folder }
    }
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub(crate) fn main_of(name: &str) -> Mailbox {
    Mailbox::main(user(name))
}

pub(crate) fn session_of(name: &str, session: &str) -> Mailbox {
    Mailbox::of_session(user(name), session.parse().unwrap())
}

pub(crate) fn request(mailbox: Mailbox, cursor: PollCursor, wait: Duration) -> PollRequest {
    PollRequest { mailbox, cursor, limit: 100, wait, presence: false }
}

pub(crate) const LONG: Duration = Duration::from_secs(5);
pub(crate) const NOW: Duration = Duration::ZERO;

impl Run {
    pub(crate) async fn send(&self, from: &str, to: &str, body: &str) -> Sent {
        self.try_send(from, to, body).await.unwrap()
    }

    pub(crate) async fn try_send(&self, from: &str, to: &str, body: &str) -> Result<Sent, CoreError> {
        let message = NewMessage {
            sender: user(from),
            target: Target::User(user(to)),
            body: body.into(),
            client_id: None,
            attachments: vec![],
            reply_to: None,
            trace: None,
        };
        self.core.send(message).await
    }

    pub(crate) async fn poll(&self, mailbox: Mailbox, cursor: PollCursor, wait: Duration) -> Polled {
        self.core.poll(request(mailbox, cursor, wait)).await.unwrap()
    }

    /// Starts a poll and waits until it is held.
    pub(crate) async fn hold(&self, wanted: PollRequest) -> JoinHandle<Result<Polled, CoreError>> {
        let (core, before) = (self.core.clone(), self.core.mailboxes().held());
        let held = Handle::current().spawn(async move { core.poll(wanted).await });
        while self.core.mailboxes().held() == before {
            tokio::task::yield_now().await;
        }
        held
    }

    /// Polls with cursors until `count` messages have come; their texts.
    pub(crate) async fn drain(&self, mailbox: Mailbox, count: usize) -> Vec<String> {
        let mut cursor = PollCursor::Start;
        let mut texts = Vec::new();
        while texts.len() < count {
            let polled = self.poll(mailbox.clone(), cursor, LONG).await;
            assert!(!polled.events.is_empty(), "only {} of {count} came: {polled:?}", texts.len());
            texts.extend(bodies(&polled));
            cursor = PollCursor::At(polled.cursor);
        }
        self.poll(mailbox, cursor, NOW).await;
        texts
    }

    /// Waits until every mailbox was let go.
    pub(crate) async fn released(&self) {
        for _ in 0..500 {
            if self.core.mailboxes().count() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} mailboxes are still attended", self.core.mailboxes().count());
    }

    /// Waits until every committed publication is finished: acked, expired or confirmed.
    pub(crate) async fn settled(&self) {
        for _ in 0..500 {
            if self.core.relay().rows() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} outbox rows are left", self.core.relay().rows());
    }
}

/// The texts of the messages in an answer.
pub(crate) fn bodies(polled: &Polled) -> Vec<String> {
    let events = polled.events.iter().map(|json| serde_json::from_slice::<serde_json::Value>(json).unwrap());
    let messages = events.filter(|event| event["type"] == "message.created");
    messages.map(|event| event["data"]["body"].as_str().unwrap().to_owned()).collect()
}
