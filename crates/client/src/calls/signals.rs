//! What users are told of each other: read marks, typing, presence.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::types::Presence;

#[derive(Deserialize)]
struct Users {
    users: Vec<Presence>,
}

impl Client {
    /// Says that the room is read up to this message. Never moves back.
    ///
    /// # Errors
    /// The caller is not in the room.
    pub async fn mark_read(&self, room: &str, seq: i64) -> Result<(), Error> {
        let body = match &self.from {
            Some(user) => json!({ "seq": seq, "from": &**user }),
            None => json!({ "seq": seq }),
        };
        self.done(Call::new(Method::POST, ["rooms", room, "read"]).json(&body)?.repeats()).await?;
        Ok(())
    }

    /// Says that one is typing, or not any more; good for 5 s. Not tried again: it would come too late.
    ///
    /// # Errors
    /// The caller is not in the room.
    pub async fn typing(&self, room: &str, typing: bool) -> Result<(), Error> {
        let body = json!({ "typing": typing });
        self.done(Call::new(Method::POST, ["rooms", room, "typing"]).json(&body)?).await?;
        Ok(())
    }

    /// Who of these users, 1 to 100, is online.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn presence<U: AsRef<str>>(
        &self,
        users: impl IntoIterator<Item = U>,
    ) -> Result<Vec<Presence>, Error> {
        let call = Call::get(["presence"]);
        let call = users.into_iter().fold(call, |call, user| call.query("user", user.as_ref()));
        Ok(self.read::<Users>(call).await?.users)
    }
}
