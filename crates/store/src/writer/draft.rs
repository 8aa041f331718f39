//! Rows to be written at the end of a batch, and what was written before under the same client ids.

use std::collections::HashMap;
use std::sync::Arc;

use pollgate_model::{ClientId, EncodedEvent, Message, Recipient, RoomId, Timestamp, TraceContext, UserId};

use super::batch::Shared;
use super::tables::{OutboxRow, Tables};
use super::unit::Send;
use crate::error::Failure;
use crate::outgoing::Outgoing;
use crate::rows;
use crate::sql::Id;

/// What a send's client id was used for before.
pub(crate) enum Earlier {
    /// Nothing, or the send has none.
    None,
    /// This message.
    Stored(Box<Message>),
    /// The send at this place in the same batch.
    InBatch(usize),
}

/// Looks all client ids of a batch up.
pub(crate) fn earlier<T: Tables>(tables: &mut T, sends: &[&Send]) -> Result<Vec<Earlier>, Failure> {
    let mut first: HashMap<(&UserId, &ClientId), usize> = HashMap::new();
    for (at, send) in sends.iter().enumerate() {
        if let Some(client_id) = &send.new.client_id {
            first.entry((&send.new.sender, client_id)).or_insert(at);
        }
    }
    let mut stored: HashMap<(UserId, Option<ClientId>), Message> = HashMap::new();
    if !first.is_empty() {
        let pairs: Vec<(&UserId, &ClientId)> = first.keys().copied().collect();
        for row in tables.repeats(&pairs)? {
            let message = rows::message(row)?;
            stored.insert((message.sender.clone(), message.client_id.clone()), message);
        }
    }
    let of = |(at, send): (usize, &&Send)| {
        let Some(client_id) = &send.new.client_id else { return Earlier::None };
        if !stored.is_empty() {
            let key = (send.new.sender.clone(), Some(client_id.clone()));
            if let Some(message) = stored.get(&key) {
                return Earlier::Stored(Box::new(message.clone()));
            }
        }
        match first.get(&(&send.new.sender, client_id)) {
            Some(first) if *first != at => Earlier::InBatch(*first),
            _ => Earlier::None,
        }
    };
    Ok(sends.iter().enumerate().map(of).collect())
}

/// What not every event has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras<'a> {
    /// After this it need not be delivered any more.
    pub(crate) expires_at: Option<Timestamp>,
    /// Where it stands in a trace.
    pub(crate) trace: Option<&'a Arc<TraceContext>>,
}

/// The rows of a batch.
#[derive(Default)]
pub(crate) struct Drafts {
    messages: Vec<Message>,
    outbox: Vec<OutboxRow>,
    /// One for each row of the outbox.
    outgoing: Vec<Outgoing>,
}

impl Drafts {
    /// A message and its row in the outbox, which only points to it.
    pub(crate) fn message(
        &mut self,
        message: Message,
        event: EncodedEvent,
        recipients: Arc<[Recipient]>,
        direct: bool,
        trace: Option<&Arc<TraceContext>>,
    ) -> Result<(), Failure> {
        self.outbox.push(OutboxRow {
            ticket: 0,
            event: Id(event.id.uuid()),
            room: Some(Id(message.room.uuid())),
            seq: Some(message.seq),
            // the members of a direct room never change, so they need not be written down
            recipients: if direct { None } else { Some(rows::recipients_json(&recipients)?) },
            payload: None,
            accepted_at: message.created_at.as_ms(),
            expires_at: None,
            trace: trace.map(ToString::to_string),
        });
        self.outgoing.push(Outgoing {
            ticket: 0,
            event,
            recipients,
            stored: true,
            accepted_at: message.created_at,
            expires_at: None,
            trace: trace.cloned(),
        });
        self.messages.push(message);
        Ok(())
    }

    /// An event that stands nowhere else.
    pub(crate) fn event(
        &mut self,
        event: EncodedEvent,
        room: Option<RoomId>,
        recipients: Arc<[Recipient]>,
        accepted_at: Timestamp,
        extras: Extras<'_>,
    ) -> Result<(), Failure> {
        self.outbox.push(OutboxRow {
            ticket: 0,
            event: Id(event.id.uuid()),
            room: room.map(|id| Id(id.uuid())),
            seq: None,
            recipients: Some(rows::recipients_json(&recipients)?),
            payload: Some(event.json.clone()),
            accepted_at: accepted_at.as_ms(),
            expires_at: extras.expires_at.map(Timestamp::as_ms),
            trace: extras.trace.map(ToString::to_string),
        });
        self.outgoing.push(Outgoing {
            ticket: 0,
            event,
            recipients,
            stored: false,
            accepted_at,
            expires_at: extras.expires_at,
            trace: extras.trace.cloned(),
        });
        Ok(())
    }

    /// The newest of these messages in a room.
    pub(crate) fn newest(&self, room: RoomId) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.room == room)
    }

    /// Writes the messages, and the newest one into its room's row.
    pub(crate) fn write_messages<T: Tables>(&self, tables: &mut T) -> Result<(), Failure> {
        if self.messages.is_empty() {
            return Ok(());
        }
        tables.insert_messages(&self.messages)?;
        tables.insert_uses(&self.messages)?;
        // later ones replace earlier ones: one update for each room
        let mut newest: HashMap<RoomId, &Message> = HashMap::new();
        for message in &self.messages {
            newest.insert(message.room, message);
        }
        let newest: Vec<&Message> = newest.into_values().collect();
        tables.update_rooms(&newest)
    }

    /// Writes the rows of the outbox; what leaves towards the broker when it is committed.
    pub(crate) fn write_outbox<T: Tables>(
        mut self,
        tables: &mut T,
        shared: &Shared,
    ) -> Result<Vec<Outgoing>, Failure> {
        if self.outbox.is_empty() {
            return Ok(Vec::new());
        }
        let tickets = tables.tickets(self.outbox.len(), &shared.tickets)?;
        for ((ticket, row), outgoing) in tickets.into_iter().zip(&mut self.outbox).zip(&mut self.outgoing) {
            row.ticket = ticket;
            outgoing.ticket = ticket;
        }
        tables.insert_outbox(shared.instance, &self.outbox)?;
        Ok(self.outgoing)
    }
}
