//! Background work: named services that somebody waits for, and small jobs that must not die with a caller.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tracing::{error, warn};

/// Tells services to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits until it is time to stop.
    pub async fn wait(&mut self) {
        // an error means that whoever could say "stop" is gone, which says it too
        let _said = self.0.wait_for(|stop| *stop).await;
    }

    /// It is time to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }
}

/// The background work of one gateway.
///
/// A service that ends before it was told to is a failure that [`FirstFailure`] reports; jobs are counted, so
/// that the end can wait for them.
#[derive(Clone, Debug)]
pub struct Tasks {
    handle: Handle,
    stop: watch::Sender<bool>,
    failed: mpsc::Sender<&'static str>,
    /// One clone lives in every task: when all are dropped, all tasks are done.
    alive: watch::Sender<()>,
}

/// Says which service failed first.
#[derive(Debug)]
pub struct FirstFailure(mpsc::Receiver<&'static str>);

impl FirstFailure {
    /// Waits for a service that ends without having been told to; its name.
    pub async fn wait(&mut self) -> &'static str {
        match self.0.recv().await {
            Some(name) => name,
            None => std::future::pending().await,
        }
    }
}

impl Tasks {
    /// No tasks yet; they will run on this runtime.
    #[must_use]
    pub fn new(handle: Handle) -> (Self, FirstFailure) {
        let (failed, first) = mpsc::channel(8);
        let (stop, _) = watch::channel(false);
        let (alive, _) = watch::channel(());
        (Self { handle, stop, failed, alive }, FirstFailure(first))
    }

    /// The signal that services and long waits listen to.
    #[must_use]
    pub fn stop_signal(&self) -> Stop {
        Stop(self.stop.subscribe())
    }

    /// Starts a service; it must end soon after the stop signal and not before.
    pub fn service(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop_signal();
        let failed = self.failed.clone();
        let alive = self.alive.subscribe();
        let running = self.handle.spawn(work);
        self.handle.spawn(async move {
            let ended = running.await;
            if let Err(panic) = &ended {
                error!(service = name, error = %panic, "service {name} failed");
            }
            if !stop.is_set() {
                // a full channel means that a failure was reported already
                let _reported = failed.try_send(name);
            }
            drop(alive);
        });
    }

    /// Starts a job that must come to its end whoever waits for it; its own time-outs bound it.
    pub fn job<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        let alive = self.alive.subscribe();
        self.handle.spawn(async move {
            let outcome = work.await;
            drop(alive);
            outcome
        })
    }

    /// Tells all services to stop and waits for them and for the jobs; `false`: not all ended within `grace`.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(grace, self.alive.closed()).await.is_ok();
        if !ended {
            warn!(left = self.alive.receiver_count(), "background tasks did not end in time");
        }
        ended
    }
}
