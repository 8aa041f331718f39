//! For operators.

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::types::MailboxDepths;

impl Client {
    /// How much waits for a user: in the main mailbox, and in those of the sessions that this gateway attends. Needs the
    /// scope `operator`.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn mailboxes(&self, user: &str) -> Result<MailboxDepths, Error> {
        self.read(Call::get(["mailboxes"]).query("user", user)).await
    }
}
