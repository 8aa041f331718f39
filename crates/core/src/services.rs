//! Which services a core has: each is started here by its name, and [`Core::start`](crate::Core::start) says with what.

use std::sync::Arc;

use pollgate_broker::{Clusters, Outcome};
use pollgate_model::InstanceId;
use pollgate_store::Store;
use tokio::sync::mpsc;

use crate::attachments::{self, Attachments};
use crate::depth::{Looker, Purges, Watch};
use crate::figures::Figures;
use crate::presence::{Keeper, Roll};
use crate::retention::Sweeper;
use crate::search::Indexing;
use crate::{CoreSettings, Mailboxes, Relay, Tasks, idempotency, report};

/// What names this process in cursors: the low half of a version 7 UUID, which is random.
pub(crate) fn number_of(instance: InstanceId) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *instance.uuid().as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Starts what keeps the database's picture of who is here.
pub(crate) fn presence_service(
    tasks: &Tasks,
    (store, clusters): (&Store, &Arc<Clusters>),
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

/// Starts what carries the outbox to the brokers: a lane for each.
pub(crate) fn relay_services(
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

/// Starts what goes through what is stored: the index of words, and the ends of keys, messages and files.
pub(crate) fn sweeping_services(
    tasks: &Tasks,
    store: &Store,
    settings: &CoreSettings,
    (indexing, sweeper, attachments): (&Arc<Indexing>, &Arc<Sweeper>, &Arc<Attachments>),
) {
    let stop = || tasks.stop_signal();
    tasks.service("idempotency key sweeper", idempotency::forget(store.clone(), stop()));
    if settings.search {
        tasks.service("search index", indexing.clone().run(store.clone(), settings.text_bytes, stop()));
        tasks.service("search look-through", indexing.clone().look(store.clone(), stop()));
    }
    tasks.service("retention", sweeper.clone().run(store.clone(), settings.retention, stop()));
    tasks.service("attachment sweeper", attachments::sweep(attachments.clone(), store.clone(), stop()));
}

/// Starts what finds deep mailboxes, and what tells the readers of deleted ones.
pub(crate) fn depth_services(
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
