//! The outbox: what is committed and not yet answered for by the broker.
//!
//! A row of a message only points to it; its event is made again from the message, byte for byte the same unless the
//! message was changed in between: then it tells of the message as it is, and what was taken back is not told any more.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::dsl::{count_star, min};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, RunQueryDsl as _,
};
use pollgate_model::{EncodedEvent, Timestamp, UserId};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::directs::recipients;
use crate::error::{Failure, StoreError};
use crate::outgoing::Outgoing;
use crate::rows::{self, MessageRow};
use crate::schema::{members, messages, outbox};
use crate::sql::Id;

/// How full the outbox is, over all instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxStats {
    /// Events that the broker has not answered for.
    pub rows: i64,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
}

/// Ticket, recipients, payload, accepted, expires, trace.
type Own = (i64, Option<String>, Option<Vec<u8>>, i64, Option<i64>, Option<String>);
type Row = (Own, Option<MessageRow>);

/// The columns, with the messages that rows point to.
macro_rules! rows {
    () => {
        outbox::table
            .left_join(
                messages::table.on(messages::room_id
                    .nullable()
                    .eq(outbox::room_id)
                    .and(messages::seq.nullable().eq(outbox::seq))),
            )
            .select((
                (
                    outbox::ticket,
                    outbox::recipients,
                    outbox::payload,
                    outbox::accepted_at_ms,
                    outbox::expires_at_ms,
                    outbox::trace,
                ),
                messages::all_columns.nullable(),
            ))
            .order(outbox::ticket.asc())
    };
}

fn page(conn: &mut AnyConnection, instance: Id, after: i64, limit: i64) -> Result<Vec<Outgoing>, Failure> {
    let found: Vec<Row> = on_each!(conn, |c| rows!()
        .filter(outbox::instance.eq(instance).and(outbox::ticket.gt(after)))
        .limit(limit)
        .load(c))?;
    outgoing(conn, found)
}

/// The rows of this instance with these tickets.
pub(crate) fn with_tickets(
    conn: &mut AnyConnection,
    instance: Id,
    tickets: &[i64],
) -> Result<Vec<Outgoing>, Failure> {
    let found: Vec<Row> = on_each!(conn, |c| rows!()
        .filter(outbox::instance.eq(instance).and(outbox::ticket.eq_any(tickets)))
        .load(c))?;
    outgoing(conn, found)
}

fn outgoing(conn: &mut AnyConnection, found: Vec<Row>) -> Result<Vec<Outgoing>, Failure> {
    let direct: HashSet<Id> = found
        .iter()
        .filter(|((_, recipients, ..), _)| recipients.is_none())
        .filter_map(|(_, message)| message.as_ref().map(|m| m.0))
        .collect();
    let members = members_of(conn, direct)?;
    found.into_iter().map(|row| one(row, &members)).collect()
}

fn members_of(conn: &mut AnyConnection, rooms: HashSet<Id>) -> Result<HashMap<Id, Vec<UserId>>, Failure> {
    if rooms.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(Id, String)> = on_each!(conn, |c| members::table
        .filter(members::room_id.eq_any(rooms))
        .order((members::room_id, members::user_id))
        .select((members::room_id, members::user_id))
        .load(c))?;
    let mut of: HashMap<Id, Vec<UserId>> = HashMap::new();
    for (room, user) in found {
        of.entry(room).or_default().push(rows::user(user)?);
    }
    Ok(of)
}

fn one((own, message): Row, members: &HashMap<Id, Vec<UserId>>) -> Result<Outgoing, Failure> {
    let (ticket, listed, payload, accepted_at, expires_at, trace) = own;
    let stored = payload.is_none();
    let mut to: Arc<[_]> = match &listed {
        Some(json) => rows::recipients(json)?,
        None => Arc::new([]),
    };
    let event = match (payload, message) {
        (Some(json), _) => rows::event(&json)?,
        (None, Some(row)) => {
            let room = row.0;
            let message = rows::message(row)?;
            if listed.is_none() {
                to = recipients(members.get(&room).map_or(&[], Vec::as_slice), &message.sender);
            }
            EncodedEvent::message_created(&message).map_err(Failure::corrupt)?
        }
        (None, None) => return Err(Failure::corrupt(format!("outbox row {ticket} points to no message"))),
    };
    Ok(Outgoing {
        ticket,
        event,
        recipients: to,
        stored,
        accepted_at: Timestamp::from_ms(accepted_at),
        expires_at: expires_at.map(Timestamp::from_ms),
        // a trace that cannot be read is no reason to keep an event back
        trace: trace.and_then(|text| text.parse().ok()).map(Arc::new),
    })
}

impl Store {
    /// This instance's rows past a ticket, in the order of their tickets.
    ///
    /// # Errors
    /// The database is not available, or a row cannot be read.
    pub async fn outbox_page(&self, after: i64, limit: i64) -> Result<Vec<Outgoing>, StoreError> {
        let instance = self.inner.instance;
        self.inner.readers.run(move |conn| page(conn, instance, after, limit)).await
    }

    /// When the oldest row of this instance was accepted. Touches no other table: a gateway asks this all the time.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn outbox_oldest(&self) -> Result<Option<Timestamp>, StoreError> {
        let instance = self.inner.instance;
        let oldest = move |conn: &mut AnyConnection| -> Result<Option<i64>, Failure> {
            let found = on_each!(conn, |c| outbox::table
                .filter(outbox::instance.eq(instance))
                .order(outbox::ticket.asc())
                .select(outbox::accepted_at_ms)
                .first(c)
                .optional())?;
            Ok(found)
        };
        Ok(self.inner.readers.run(oldest).await?.map(Timestamp::from_ms))
    }

    /// These are done: their rows leave the outbox soon, together with other writes. Kept and tried again while the
    /// database is away. Never blocks.
    pub fn settle(&self, tickets: Vec<i64>) {
        self.inner.writers.settle(tickets);
    }

    /// How full the outbox is.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn outbox_stats(&self) -> Result<OutboxStats, StoreError> {
        let stats = |conn: &mut AnyConnection| {
            let (rows, oldest): (i64, Option<i64>) = on_each!(conn, |c| outbox::table
                .select((count_star(), min(outbox::accepted_at_ms)))
                .first(c))?;
            Ok(OutboxStats { rows, oldest: oldest.map(Timestamp::from_ms) })
        };
        self.inner.readers.run(stats).await
    }
}
