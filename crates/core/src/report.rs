//! Names in the log the cluster that goes away or comes back; the broker's own lines say only what happened.

use std::sync::Arc;

use pollgate_broker::Clusters;
use tracing::{info, warn};

use crate::task::Stop;

/// The service that reports on one cluster of several; ends with the stop signal.
pub(crate) async fn report(clusters: Arc<Clusters>, lane: usize, mut stop: Stop) {
    let cluster = clusters.lane(lane);
    let mut state = cluster.broker.state();
    // nothing to say of one that is up from the start
    let mut before = (true, false);
    loop {
        let now = {
            let state = state.borrow_and_update();
            (state.up, state.blocked)
        };
        if now != before {
            match now {
                (true, false) => info!(cluster = %cluster.name, "the cluster is up again"),
                (true, true) => warn!(cluster = %cluster.name, "the cluster blocks publishers"),
                (false, _) => warn!(cluster = %cluster.name, "the cluster is away: its users wait"),
            }
            before = now;
        }
        tokio::select! {
            () = stop.wait() => return,
            changed = state.changed() => if changed.is_err() { return stop.wait().await },
        }
    }
}
