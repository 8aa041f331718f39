//! A gateway that can die, be cut off, be drained, and come back as another process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pollgate_broker::{BrokerState, ClusterName, Clusters, Placement};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::line::{HEARTBEAT, Line};
use super::world::World;
use crate::depth::{Purges, Watch};
use crate::mailbox::{MailboxStream, Mailboxes, Missed, PollRequest, Polled, StreamRequest};
use crate::presence::Roll;
use crate::task::Tasks;
use crate::{CoreError, CoreSettings, Moves};

/// The place of a gateway behind the balancer.
pub(super) struct Gateway {
    world: Arc<World>,
    settings: CoreSettings,
    deaf_percent: u32,
    process: Mutex<Option<Process>>,
    /// The process ends: its connections break.
    ended: Notify,
}

/// One life of it.
#[derive(Clone)]
struct Process {
    mailboxes: Arc<Mailboxes>,
    line: Arc<Line>,
    tasks: Tasks,
    instance: u64,
}

impl Gateway {
    pub(super) fn new(world: &Arc<World>, settings: CoreSettings, deaf_percent: u32) -> Arc<Self> {
        let gateway = Arc::new(Self {
            world: world.clone(),
            settings,
            deaf_percent,
            process: Mutex::default(),
            ended: Notify::new(),
        });
        gateway.start();
        gateway
    }

    fn start(&self) {
        let (tasks, _failure) = Tasks::new(Handle::current());
        let number = self.world.between(1, u64::MAX);
        self.world.lock().cut.insert(number, false);
        let state = BrokerState { up: true, blocked: false, incarnation: 1 };
        let line = Arc::new(Line {
            world: self.world.clone(),
            number,
            tasks: tasks.clone(),
            prefetch: usize::from(self.settings.prefetch),
            state: watch::channel(state).0,
            deaf_percent: self.deaf_percent,
        });
        let instance = self.world.between(1, u64::MAX);
        let name = ClusterName::in_process();
        let purges = Arc::new(Purges::new(self.settings.message_ttl));
        let missed = Missed { moves: Moves::none(Placement::single(name.clone())), purges };
        let clusters = Arc::new(Clusters::single(name, line.clone()));
        let roll = Arc::new(Roll::of(&self.settings));
        let watch = Arc::new(Watch::new(&self.settings));
        let (settings, about) = (self.settings.clone(), (roll, watch));
        let mailboxes = Mailboxes::new(clusters, missed, settings, tasks.clone(), about, instance);
        tasks.service("broker watch", mailboxes.clone().follow_broker(0, tasks.stop_signal()));
        tasks.service("mailbox sweeper", mailboxes.clone().sweep(tasks.stop_signal()));
        let process = Process { mailboxes, line, tasks, instance };
        *self.process.lock().unwrap() = Some(process);
    }

    fn process(&self) -> Option<Process> {
        self.process.lock().unwrap().clone()
    }

    /// A poll; `None`: the connection was refused or broke.
    pub(super) async fn poll(&self, request: PollRequest) -> Option<Result<Polled, CoreError>> {
        let process = self.process()?;
        self.alive(process.mailboxes.poll(request)).await
    }

    /// A stream; `None`: the connection was refused or broke.
    pub(super) async fn stream(&self, request: StreamRequest) -> Option<Result<MailboxStream, CoreError>> {
        let process = self.process()?;
        self.alive(process.mailboxes.stream(request)).await
    }

    /// Something of this process; `None`: its connection broke meanwhile.
    pub(super) async fn alive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let ended = self.ended.notified();
        tokio::select! {
            biased;
            () = ended => None,
            done = work => Some(done),
        }
    }

    /// kill -9, and another process after a while.
    pub(super) async fn die(&self) {
        let Some(process) = self.process.lock().unwrap().take() else { return };
        self.end(&process).await;
        tokio::time::sleep(Duration::from_millis(self.world.between(0, 3000))).await;
        self.start();
    }

    async fn end(&self, process: &Process) {
        self.world.lock().responders.remove(&process.instance);
        self.world.lock().cut.insert(process.line.number, true);
        self.world.lock().give_up(process.line.number);
        self.ended.notify_waiters();
        // its jobs find the line cut for good
        process.tasks.stop(Duration::ZERO).await;
    }

    /// SIGTERM, and another process.
    pub(super) async fn drain(&self) {
        let Some(process) = self.process() else { return };
        process.mailboxes.drain();
        for _look in 0..1000 {
            if process.mailboxes.held() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        {
            let mut place = self.process.lock().unwrap();
            // killed while it drained, and another one may be here already
            if place.as_ref().is_none_or(|now| now.instance != process.instance) {
                return;
            }
            place.take();
        }
        drop(tokio::time::timeout(Duration::from_secs(10), process.mailboxes.release_all()).await);
        self.end(&process).await;
        self.start();
    }

    /// Nothing passes between this gateway and the broker for a while.
    pub(super) async fn cut_off(&self, time: Duration) {
        let Some(process) = self.process() else { return };
        let line = process.line.number;
        self.world.lock().cut.insert(line, true);
        process.line.state.send_modify(|state| state.up = false);
        tokio::time::sleep(time.min(HEARTBEAT)).await;
        if time >= HEARTBEAT {
            self.world.lock().give_up(line);
            tokio::time::sleep(time - HEARTBEAT).await;
        }
        if self.process().is_some_and(|now| now.instance == process.instance) {
            self.world.lock().cut.insert(line, false);
            process.line.state.send_modify(|state| state.up = true);
        }
    }
}
