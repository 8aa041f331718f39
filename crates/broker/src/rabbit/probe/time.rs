//! Expiry: what goes, and what must not go yet.

use std::time::Duration;

use lapin::types::{AMQPValue, FieldTable};

use super::super::manage::arguments;
use super::Probe;
use crate::BrokerError;

/// How long what is to expire is kept.
const SHORT_MS: i32 = 300;

/// What was left after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// A mailbox with the times that are set is still there, unused.
    pub mailbox: bool,
    /// The event in it, too.
    pub event: bool,
    /// An event with a short time to live is still there.
    pub short_event: bool,
    /// A queue with a short time to live is still there.
    pub short_queue: bool,
}

impl Probe {
    /// Makes what is to expire and what is not, and looks after `window`.
    ///
    /// # Errors
    /// The broker does not answer, or refuses.
    pub async fn wait_and_see(&self, window: Duration) -> Result<Kept, BrokerError> {
        let [stays, event, queue] = ["stays", "event", "queue"].map(|purpose| self.name(purpose));
        self.declare(&stays, arguments(&self.limits, true)).await?;
        self.declare(&event, short_lived("x-message-ttl", &arguments(&self.limits, true))).await?;
        self.declare(&queue, short_lived("x-expires", &FieldTable::default())).await?;
        for name in [&stays, &event] {
            self.publish_through(String::new(), name, FieldTable::default()).await?;
        }
        // looking at a queue is using it: one look, at the end
        tokio::time::sleep(window).await;
        let found = self.ready(&stays).await?;
        Ok(Kept {
            mailbox: found.is_some(),
            event: found.is_some_and(|ready| ready > 0),
            short_event: self.ready(&event).await?.is_some_and(|ready| ready > 0),
            short_queue: self.ready(&queue).await?.is_some(),
        })
    }
}

fn short_lived(argument: &str, besides: &FieldTable) -> FieldTable {
    let mut arguments = besides.clone();
    arguments.insert(argument.into(), AMQPValue::LongInt(SHORT_MS));
    arguments
}
