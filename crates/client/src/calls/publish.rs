//! Events of the application's own. With the scope `publish`.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::types::NewEvent;

#[derive(Deserialize)]
struct One {
    id: String,
}

#[derive(Deserialize)]
struct Many {
    ids: Vec<String>,
}

impl Client {
    /// Publishes an event; its id. Tried again within the deadline under one `Idempotency-Key`: it is published once.
    ///
    /// # Errors
    /// What the gateway refuses, and what the deadline did not cure.
    pub async fn publish(&self, event: &NewEvent) -> Result<String, Error> {
        self.publish_once(&fresh(), event).await
    }

    /// The same under a key of one's own (1 to 255 printable ASCII characters), which makes it once for 24 h, also when it is
    /// published again after a restart.
    ///
    /// # Errors
    /// As for [`Self::publish`]; another event under the same key is 422 `idempotency-key-reused`.
    pub async fn publish_once(&self, key: &str, event: &NewEvent) -> Result<String, Error> {
        let call = Call::new(Method::POST, ["events"]).json(event)?.key(key);
        Ok(self.read::<One>(call).await?.id)
    }

    /// Publishes up to 1000 events, all or none; their ids.
    ///
    /// # Errors
    /// As for [`Self::publish`].
    pub async fn publish_batch(&self, events: &[NewEvent]) -> Result<Vec<String>, Error> {
        self.publish_batch_once(&fresh(), events).await
    }

    /// The same under a key of one's own.
    ///
    /// # Errors
    /// As for [`Self::publish_once`].
    pub async fn publish_batch_once(&self, key: &str, events: &[NewEvent]) -> Result<Vec<String>, Error> {
        let call = Call::new(Method::POST, ["events", "batch"]).json(&json!({ "events": events }))?.key(key);
        Ok(self.read::<Many>(call).await?.ids)
    }
}

fn fresh() -> String {
    uuid::Uuid::now_v7().to_string()
}
