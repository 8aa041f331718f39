//! The count of requests that several gateways share, in Redis: token buckets, settled for many users at once.
//!
//! One script settles a batch, and a script is atomic, so no two gateways get the same token. Keys expire when their
//! bucket is full. The rule is docs/throttling.md's, and a test holds it to the gateways' own.

use std::time::Duration;

use pollgate_model::{Charge, Grant};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Script};

/// The counts of one group of gateways in one Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisBuckets {
    connection: ConnectionManager,
    script: Script,
    /// What the keys begin with.
    prefix: String,
}

/// Why nothing was counted, or nobody knows whether it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// The URL is none for Redis; the text shows nothing of it.
    #[error("no URL of a Redis: redis:// or rediss://")]
    BadUrl,
    /// It is away, refuses, or is too slow. It may have counted all the same.
    #[error("Redis: {0}")]
    Unavailable(String),
}

impl std::fmt::Debug for RedisBuckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisBuckets").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl RedisBuckets {
    /// Will connect when it is used first, and again after each time the connection was lost: a Redis that is away at the
    /// start is none the worse. Making a connection may take as long as `patience`, and so may an answer. Must be called
    /// on the runtime that it is to live on.
    ///
    /// # Errors
    /// The URL is none.
    pub fn new(url: &str, prefix: &str, patience: Duration) -> Result<Self, RedisError> {
        // the client's own words would quote the URL, which may hold a password
        let client = Client::open(url).map_err(|_shows_the_url| RedisError::BadUrl)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience))
            // whoever settles tries again by itself
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client, config)
            .map_err(|_shows_the_url| RedisError::BadUrl)?;
        let script = Script::new(include_str!("settle.lua"));
        Ok(Self { connection, script, prefix: prefix.to_owned() })
    }

    /// Counts what gateways used and gives them what they want, each bucket by itself; answers in the order of the
    /// charges.
    ///
    /// # Errors
    /// Redis is not available. It may have counted all the same.
    pub async fn settle(&self, charges: &[Charge]) -> Result<Vec<Grant>, RedisError> {
        let mut call = self.script.prepare_invoke();
        for Charge { bucket, rate, spent, returned, wanted } in charges {
            call.key(format!("{}:throttle:{bucket}", self.prefix));
            call.arg(rate.step_us()).arg(rate.size()).arg(*spent).arg(*returned).arg(*wanted);
        }
        let mut connection = self.connection.clone();
        let answer = call.invoke_async(&mut connection).await;
        let numbers: Vec<u64> = answer.map_err(|error| RedisError::Unavailable(error.to_string()))?;
        let grants: Vec<Grant> = numbers
            .chunks_exact(2)
            .filter_map(|pair| match *pair {
                [granted, full_in_us] => Some(Grant { granted: u32::try_from(granted).ok()?, full_in_us }),
                _ => None,
            })
            .collect();
        if grants.len() == charges.len() {
            return Ok(grants);
        }
        Err(RedisError::Unavailable("an answer that does not fit the question".into()))
    }
}
