//! Waiting for facts.

use std::time::{Duration, Instant};

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Waits until `fact` holds.
///
/// # Panics
/// It does not within `limit`; the panic says `what` was waited for.
#[track_caller]
pub fn eventually(what: &str, limit: Duration, mut fact: impl FnMut() -> bool) {
    let started = Instant::now();
    while !fact() {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        #[expect(clippy::disallowed_methods, reason = "between two looks at a fact")]
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// [`eventually`] for facts that are found out asynchronously.
///
/// # Panics
/// It does not hold within `limit`, or one look takes longer than that.
pub async fn eventually_async(what: &str, limit: Duration, mut fact: impl AsyncFnMut() -> bool) {
    let looks = async {
        while !fact().await {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    assert!(tokio::time::timeout(limit, looks).await.is_ok(), "not within {limit:?}: {what}");
}
