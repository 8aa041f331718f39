//! Messages: sent, changed, taken back, read, found.

use futures::stream::{Stream, try_unfold};
use reqwest::Method;
use serde_json::json;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::types::{Found, History, Message, NewMessage, Range};

impl Client {
    /// Sends a message. The answer comes when it is safe.
    ///
    /// Network failures, 429 and 503 are tried again within the deadline, under one `client_id`: nothing is sent twice.
    ///
    /// # Errors
    /// What the gateway refuses, and what the deadline did not cure.
    pub async fn send(&self, message: NewMessage) -> Result<Message, Error> {
        let mut message = message;
        message.client_id.get_or_insert_with(|| uuid::Uuid::now_v7().to_string());
        message.from = self.from.as_deref().map(str::to_owned);
        self.read(Call::new(Method::POST, ["messages"]).json(&message)?.repeats()).await
    }

    /// Changes the text of one's own message.
    ///
    /// # Errors
    /// Not one's own, taken back, or too old.
    pub async fn edit(&self, room: &str, message: &str, body: &str) -> Result<Message, Error> {
        let call = Call::new(Method::PATCH, ["rooms", room, "messages", message]);
        self.read(call.maybe("from", self.from.as_deref()).json(&json!({ "body": body }))?.repeats()).await
    }

    /// Takes back one's own message; its place stays.
    ///
    /// # Errors
    /// Not one's own, or too old.
    pub async fn delete(&self, room: &str, message: &str) -> Result<(), Error> {
        let call = Call::new(Method::DELETE, ["rooms", room, "messages", message]);
        self.done(call.maybe("from", self.from.as_deref()).repeats()).await?;
        Ok(())
    }

    /// A page of a room's history, of at most `limit` messages (1 to 100).
    ///
    /// # Errors
    /// The caller is not in the room.
    pub async fn history(&self, room: &str, range: Range, limit: u32) -> Result<History, Error> {
        let (before, after) = match range {
            Range::Newest => (None, None),
            Range::Before(seq) => (Some(seq), None),
            Range::After(seq) => (None, Some(seq)),
        };
        let call = Call::get(["rooms", room, "messages"]).query("limit", limit);
        self.read(call.maybe("before", before).maybe("after", after)).await
    }

    /// A room's history page by page, from `range` on; each page is asked for when it is wanted.
    pub fn history_pages(
        &self,
        room: &str,
        range: Range,
        limit: u32,
    ) -> impl Stream<Item = Result<History, Error>> + Send + use<> {
        let (client, room) = (self.clone(), room.to_owned());
        Box::pin(try_unfold(Some(range), move |range| {
            let (client, room) = (client.clone(), room.clone());
            async move {
                let Some(range) = range else { return Ok(None) };
                let page = client.history(&room, range, limit).await?;
                let next = page.next(range);
                Ok((!page.messages.is_empty()).then_some((page, next)))
            }
        }))
    }

    /// Messages with all of these words, newest first, in the caller's rooms or one of them; `before` is the `next` of the
    /// page before.
    ///
    /// # Errors
    /// The query makes no sense, or search is switched off.
    pub async fn search(
        &self,
        query: &str,
        room: Option<&str>,
        before: Option<&str>,
    ) -> Result<Found, Error> {
        self.read(Call::get(["search"]).query("q", query).maybe("room", room).maybe("before", before)).await
    }
}
