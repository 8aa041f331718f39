//! The families of checks, run side by side; one that hangs is told of and holds nobody up.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use clap::ValueEnum;
use futures::future::join_all;

use super::finding::Finding;
use super::{broker, clock, configuration, files, store, system, throttle};
use crate::settings::Settings;

/// A family may take so long. Its parts have their own, shorter times: this one is for what nobody thought of.
const FAMILY: Duration = Duration::from_secs(180);

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Family {
    /// What the configuration says, in itself.
    Configuration,
    /// Folders, files and the storage of attachments.
    Files,
    /// The shared count of requests.
    Throttle,
    /// The database.
    Store,
    /// RabbitMQ, each cluster.
    Broker,
    /// Clocks.
    Clock,
    /// Addresses, open files, memory, processors.
    System,
}

impl Family {
    const fn hung(self) -> &'static str {
        match self {
            Self::Configuration => "configuration.time",
            Self::Files => "files.time",
            Self::Throttle => "throttle.time",
            Self::Store => "store.time",
            Self::Broker => "broker.time",
            Self::Clock => "clock.time",
            Self::System => "system.time",
        }
    }

    fn run(self, settings: &Settings) -> Pin<Box<dyn Future<Output = Vec<Finding>> + '_>> {
        match self {
            Self::Configuration => Box::pin(configuration::run(settings)),
            Self::Files => Box::pin(files::run(settings)),
            Self::Throttle => Box::pin(throttle::run(settings)),
            Self::Store => Box::pin(store::run(settings)),
            Self::Broker => Box::pin(broker::run(settings)),
            Self::Clock => Box::pin(clock::run(settings)),
            Self::System => Box::pin(system::run(settings)),
        }
    }
}

/// Runs the families that are named, or all; the findings in the order of the families.
pub(super) async fn run(settings: &Settings, only: &[Family]) -> Vec<Finding> {
    let wanted = |family: &&Family| only.is_empty() || only.contains(family);
    let running = Family::value_variants()
        .iter()
        .filter(wanted)
        .map(|family| async move { within(family.hung(), FAMILY, family.run(settings)).await });
    join_all(running).await.into_iter().flatten().collect()
}

/// What a check found, or that it hangs.
pub(super) async fn within(
    check: &'static str,
    limit: Duration,
    work: impl Future<Output = Vec<Finding>>,
) -> Vec<Finding> {
    match tokio::time::timeout(limit, work).await {
        Ok(findings) => findings,
        Err(_elapsed) => vec![
            Finding::problem(check, format!("no answer within {} s", limit.as_secs()))
                .means("what was asked hangs; a gateway gives up on it as well")
                .change("look at what stands at the other end: is it there, and reachable from here?"),
        ],
    }
}

/// The same for work that may block, as looking at a folder does whose server is gone; its thread is left behind then.
pub(super) async fn apart(
    check: &'static str,
    limit: Duration,
    work: impl FnOnce() -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    let working = tokio::task::spawn_blocking(work);
    within(check, limit, async { working.await.unwrap_or_default() }).await
}
