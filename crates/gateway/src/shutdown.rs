//! When to stop.

use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn wait_for_signal() {
    let (mut terminate, mut interrupt) =
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => {
                error!(%error, "signals cannot be heard; only SIGKILL ends this process");
                return std::future::pending().await;
            }
        };
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    info!(signal = name, "{name}: draining");
}
