//! Where several gateways count together.

use std::sync::Arc;

use async_trait::async_trait;
use pollgate_model::{Charge, Grant};
use pollgate_redis::RedisBuckets;
use pollgate_store::Store;

/// Buckets that several gateways share.
///
/// Each bucket is settled at one moment, by one clock for all gateways: first what was returned is put back, then what was
/// spent is counted, at most to one bucket below empty, then as much of what is wanted is taken as there is. No other
/// gateway's settlement of the same bucket comes in between.
#[async_trait]
pub(super) trait Ledger: Send + Sync {
    /// Settles buckets, which must be different ones; answers in their order. Bounded by the caller's patience: it must
    /// be safe to drop while it waits.
    ///
    /// # Errors
    /// Nobody knows whether it was counted; the text says why.
    async fn settle(&self, charges: Vec<Charge>) -> Result<Vec<Grant>, String>;

    /// Removes at most `limit` buckets that are full, where they do not go by themselves; how many it were.
    ///
    /// # Errors
    /// It is not available.
    async fn forget(&self, limit: u32) -> Result<usize, String>;
}

#[async_trait]
impl Ledger for Store {
    async fn settle(&self, charges: Vec<Charge>) -> Result<Vec<Grant>, String> {
        self.settle_buckets(charges).await.map_err(|error| error.to_string())
    }

    async fn forget(&self, limit: u32) -> Result<usize, String> {
        self.forget_buckets(limit).await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Ledger for RedisBuckets {
    async fn settle(&self, charges: Vec<Charge>) -> Result<Vec<Grant>, String> {
        Self::settle(self, &charges).await.map_err(|error| error.to_string())
    }

    async fn forget(&self, _limit: u32) -> Result<usize, String> {
        // its keys expire
        Ok(0)
    }
}

/// The shared count that a gateway uses: Redis when it is configured, else the database when that is PostgreSQL. `None`:
/// there is only one gateway, which counts by itself.
pub(super) fn choose(redis: Option<RedisBuckets>, store: &Store) -> Option<Arc<dyn Ledger>> {
    match redis {
        Some(redis) => Some(Arc::new(redis)),
        None if store.is_shared() => Some(Arc::new(store.clone())),
        None => None,
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
