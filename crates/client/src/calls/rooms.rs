//! Rooms and who is in them.

use futures::stream::{Stream, try_unfold};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::types::{NewRoom, Receipt, Room, RoomChange, RoomFilter, Rooms};

#[derive(Deserialize)]
struct Receipts {
    receipts: Vec<Receipt>,
}

/// With the name in which it is done.
#[derive(Serialize)]
struct Spoken<'a, T> {
    #[serde(flatten)]
    what: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
}

impl Client {
    /// A page of the caller's rooms, newest activity first.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn rooms(&self, filter: &RoomFilter) -> Result<Rooms, Error> {
        let RoomFilter { kind, context_kind, context_id, category, status, assignee, before, limit } = filter;
        let call = Call::get(["rooms"])
            .maybe("kind", kind.as_deref())
            .maybe("context_kind", context_kind.as_deref())
            .maybe("context_id", context_id.as_deref())
            .maybe("category", category.as_deref())
            .maybe("status", status.as_deref())
            .maybe("assignee", assignee.as_deref())
            .maybe("before", before.as_deref())
            .maybe("limit", *limit);
        self.read(call).await
    }

    /// All of the caller's rooms, page by page; each page is asked for when it is wanted.
    pub fn room_pages(&self, filter: RoomFilter) -> impl Stream<Item = Result<Rooms, Error>> + Send + use<> {
        let client = self.clone();
        Box::pin(try_unfold(Some(filter), move |filter| {
            let client = client.clone();
            async move {
                let Some(filter) = filter else { return Ok(None) };
                let page = client.rooms(&filter).await?;
                let next = page.next.clone().filter(|_| page.has_more);
                Ok(Some((page, next.map(|next| RoomFilter { before: Some(next), ..filter }))))
            }
        }))
    }

    /// A room.
    ///
    /// # Errors
    /// The caller is not in it.
    pub async fn room(&self, room: &str) -> Result<Room, Error> {
        self.read(Call::get(["rooms", room])).await
    }

    /// Makes a group room. Not tried again by itself: nothing would tell a second one from the first.
    ///
    /// # Errors
    /// What the gateway refuses, or a network failure.
    pub async fn create_room(&self, room: &NewRoom) -> Result<Room, Error> {
        let spoken = Spoken { what: room, from: self.from.as_deref() };
        self.read(Call::new(Method::POST, ["rooms"]).json(&spoken)?).await
    }

    /// Changes a room; assigning it to oneself takes it from its desk.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn change_room(&self, room: &str, change: &RoomChange) -> Result<Room, Error> {
        let spoken = Spoken { what: change, from: self.from.as_deref() };
        self.read(Call::new(Method::PATCH, ["rooms", room]).json(&spoken)?.repeats()).await
    }

    /// Lets a user into a room.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn add_member(&self, room: &str, user: &str) -> Result<(), Error> {
        self.member(Method::PUT, room, user).await
    }

    /// Takes a user out of a room.
    ///
    /// # Errors
    /// What the gateway refuses; 404 for somebody who is not in it.
    pub async fn remove_member(&self, room: &str, user: &str) -> Result<(), Error> {
        self.member(Method::DELETE, room, user).await
    }

    async fn member(&self, method: Method, room: &str, user: &str) -> Result<(), Error> {
        let call = Call::new(method.clone(), ["rooms", room, "members", user]);
        let call = call.maybe("from", self.from.as_deref());
        // a second removal is answered 404
        self.done(if method == Method::PUT { call.repeats() } else { call }).await?;
        Ok(())
    }

    /// How far each member has read.
    ///
    /// # Errors
    /// The caller is not in the room.
    pub async fn receipts(&self, room: &str) -> Result<Vec<Receipt>, Error> {
        Ok(self.read::<Receipts>(Call::get(["rooms", room, "receipts"])).await?.receipts)
    }
}
