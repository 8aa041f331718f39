//! For operators.

use reqwest::Method;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::types::{MailboxDepths, MailboxQuery};

impl Client {
    /// How much waits: for a user, or, of all users, where most does. Needs the scope `operator`.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn mailboxes(&self, wanted: &MailboxQuery) -> Result<MailboxDepths, Error> {
        let call = Call::get(["mailboxes"])
            .maybe("user", wanted.user.as_deref())
            .maybe("session", wanted.session.as_deref())
            .query("min_depth", wanted.min_depth)
            .maybe("limit", wanted.limit);
        self.read(call).await
    }

    /// Deletes what waits in a user's main mailbox, or in that of a session. Its reader is told to resync. Needs the scope
    /// `operator`.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn purge(&self, user: &str, session: Option<&str>) -> Result<(), Error> {
        self.done(Call::new(Method::DELETE, ["mailboxes", user]).maybe("session", session)).await?;
        Ok(())
    }
}
