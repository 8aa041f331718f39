//! Starts what works in the background as long as the gateway runs, each part in its own words.

use std::sync::Arc;

use pollgate_broker::{Clusters, Outcome};
use pollgate_store::Store;
use tokio::sync::mpsc;

use crate::depth::{Looker, Purges, Watch};
use crate::figures::Figures;
use crate::mailbox::Mailboxes;
use crate::presence::{Keeper, Roll};
use crate::relay::Relay;
use crate::retention::Sweeper;
use crate::search::Indexing;
use crate::settings::CoreSettings;
use crate::task::Tasks;
use crate::{idempotency, report};

/// Starts what carries the outbox to the brokers: a lane for each.
pub(crate) fn relay(
    tasks: &Tasks,
    relay: &Arc<Relay>,
    store: &Store,
    clusters: &Arc<Clusters>,
    outcomes: Vec<mpsc::UnboundedReceiver<Outcome>>,
    mailboxes: &Arc<Mailboxes>,
) {
    let stop = || tasks.stop_signal();
    for (lane, (cluster, outcomes)) in clusters.iter().zip(outcomes).enumerate() {
        let broker = cluster.broker.clone();
        tasks.service("outbox relay", relay.clone().publish(lane, store.clone(), broker, stop()));
        tasks.service("outbox settlement", relay.clone().settle(lane, store.clone(), outcomes, stop()));
        tasks.service("broker watch", mailboxes.clone().follow_broker(lane, stop()));
        if clusters.placement().lanes() > 1 {
            tasks.service("cluster report", report::report(clusters.clone(), lane, stop()));
        }
    }
}

/// Starts what finds deep mailboxes, and what tells the readers of deleted ones.
pub(crate) fn depth(
    tasks: &Tasks,
    store: &Store,
    clusters: &Arc<Clusters>,
    (watch, purges): (&Arc<Watch>, &Arc<Purges>),
    settings: &CoreSettings,
) {
    let looker = Looker {
        store: store.clone(),
        clusters: clusters.clone(),
        watch: watch.clone(),
        looks_per_second: settings.looks_per_second,
        session_expires: settings.session_expires,
    };
    if settings.looks_per_second > 0 {
        tasks.service("depth watch", looker.run(tasks.stop_signal()));
    }
    tasks.service("purges", purges.clone().watch(store.clone(), tasks.stop_signal()));
}

/// Starts what keeps count of who is online.
pub(crate) fn presence(
    tasks: &Tasks,
    store: &Store,
    clusters: &Arc<Clusters>,
    (roll, figures): (&Arc<Roll>, &Arc<Figures>),
    settings: &CoreSettings,
) {
    let keeper = Keeper {
        store: store.clone(),
        clusters: clusters.clone(),
        roll: roll.clone(),
        figures: figures.clone(),
        offline_after: settings.offline_after,
        signal_members: settings.signal_members,
    };
    tasks.service("presence", keeper.keep(tasks.stop_signal()));
}

/// Starts what makes messages findable, and what removes what is old.
pub(crate) fn upkeep(tasks: &Tasks, store: &Store, settings: &CoreSettings) -> (Arc<Indexing>, Arc<Sweeper>) {
    let stop = || tasks.stop_signal();
    let (indexing, sweeper) = (Arc::<Indexing>::default(), Arc::<Sweeper>::default());
    if settings.search {
        tasks.service("search index", indexing.clone().run(store.clone(), settings.text_bytes, stop()));
        tasks.service("search look-through", indexing.clone().look(store.clone(), stop()));
    }
    tasks.service("retention", sweeper.clone().run(store.clone(), settings.retention, stop()));
    tasks.service("idempotency key sweeper", idempotency::forget(store.clone(), stop()));
    (indexing, sweeper)
}
