//! A batch on PostgreSQL: each statement takes the whole batch as arrays.

use std::sync::Arc;

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use pollgate_model::{ClientId, LastMessage, Member, Message, Timestamp, UserId};

use super::marks::Mark;
use super::tables::{KeptKey, LockedRoom, OutboxRow, Tables, Tickets};
use crate::attachments::AttachmentRow;
use crate::directs::Direct;
use crate::error::Failure;
use crate::idempotency::{Keyed, to_bytes};
use crate::rows::{self, MessageColumns, MessageRow};
use crate::sql::{Id, Id16, statement};

statement! {
    Repeats on Pg => PgConnection, rows MessageColumns {
        "SELECT m.room_id, m.seq, m.id, m.sender, m.body, m.client_id, m.reply_to, m.created_at_ms, \
         m.attachments, m.edited_at_ms, m.deleted_at_ms FROM unnest("
        [senders: &'a [&'a str], Array<Text>] ", "
        [client_ids: &'a [&'a str], Array<Text>]
        ") AS k (sender, client_id) JOIN messages m ON m.sender = k.sender AND m.client_id = k.client_id \
         WHERE m.client_id IS NOT NULL"
    }
}
statement! {
    DirectRooms on Pg => PgConnection, rows (Text, Id16) {
        "SELECT direct_key, id FROM rooms WHERE direct_key = ANY (" [keys: &'a [&'a str], Array<Text>] ")"
    }
}
statement! {
    LockRooms on Pg => PgConnection, rows (Id16, Text, BigInt, Nullable<Text>) {
        "SELECT id, kind, last_seq, last_message_sender FROM rooms WHERE id = ANY (" [ids: &'a [Id], Array<Id16>]
        ") ORDER BY id FOR NO KEY UPDATE"
    }
}
statement! {
    Members on Pg => PgConnection, rows (Id16, Text) {
        "SELECT room_id, user_id FROM members WHERE room_id = ANY (" [rooms: &'a [Id], Array<Id16>]
        ") ORDER BY room_id, user_id"
    }
}
statement! {
    /// Locks the rows in the order that all batches share, and changes them then.
    AdvanceMarks on Pg => PgConnection, rows (Id16, Text, BigInt) {
        "WITH held AS (SELECT m.room_id, m.user_id, LEAST(k.seq, r.last_seq) AS seq FROM unnest("
        [rooms: &'a [Id], Array<Id16>] ", " [users: &'a [&'a str], Array<Text>] ", "
        [seqs: &'a [i64], Array<BigInt>]
        ") AS k (room, who, seq) JOIN members m ON m.room_id = k.room AND m.user_id = k.who JOIN rooms r ON r.id = k.room \
         WHERE m.last_read_seq < LEAST(k.seq, r.last_seq) AND r.last_message_sender IS DISTINCT FROM m.user_id \
         ORDER BY m.room_id, m.user_id FOR NO KEY UPDATE OF m) \
         UPDATE members m SET last_read_seq = held.seq FROM held WHERE m.room_id = held.room_id \
         AND m.user_id = held.user_id AND m.last_read_seq < held.seq RETURNING m.room_id, m.user_id, m.last_read_seq"
    }
}
statement! {
    RoomsOf on Pg => PgConnection, rows (Id16, Id16) {
        "SELECT id, room_id FROM messages WHERE id = ANY (" [ids: &'a [Id], Array<Id16>] ")"
    }
}
statement! {
    Attachments on Pg => PgConnection, rows (Id16, Text, Text, Text, BigInt) {
        "SELECT id, owner, name, media_type, size FROM attachments WHERE id = ANY (" [ids: &'a [Id], Array<Id16>]
        ") ORDER BY id FOR KEY SHARE"
    }
}
statement! {
    Seen on Pg => PgConnection, rows (Id16, Text) {
        "SELECT k.id, k.who FROM unnest(" [ids: &'a [Id], Array<Id16>] ", " [users: &'a [&'a str], Array<Text>]
        ") AS k (id, who) WHERE EXISTS (SELECT 1 FROM attachment_uses u JOIN members m ON m.room_id = u.room_id \
         WHERE u.attachment_id = k.id AND m.user_id = k.who)"
    }
}
statement! {
    InsertUses on Pg => PgConnection {
        "INSERT INTO attachment_uses (attachment_id, room_id, seq) SELECT * FROM unnest("
        [ids: &'a [Id], Array<Id16>] ", " [rooms: &'a [Id], Array<Id16>] ", " [seqs: &'a [i64], Array<BigInt>] ")"
    }
}
statement! {
    MakeRooms on Pg => PgConnection, rows Id16 {
        "INSERT INTO rooms (id, kind, direct_key, last_seq, created_at_ms, updated_at_ms) SELECT id, 'direct', key, 0, "
        [at: &'a i64, BigInt] ", " [again: &'a i64, BigInt] " FROM unnest(" [ids: &'a [Id], Array<Id16>] ", "
        [keys: &'a [&'a str], Array<Text>] ") AS new (id, key) ON CONFLICT DO NOTHING RETURNING id"
    }
}
statement! {
    MakeMembers on Pg => PgConnection {
        "INSERT INTO members (room_id, user_id, last_read_seq, joined_at_ms) SELECT room, who, read, "
        [at: &'a i64, BigInt] " FROM unnest(" [rooms: &'a [Id], Array<Id16>] ", "
        [users: &'a [&'a str], Array<Text>] ", " [marks: &'a [i64], Array<BigInt>] ") AS new (room, who, read)"
    }
}
statement! {
    /// Waits for a transaction that is about to write one of them.
    TakeKeys on Pg => PgConnection, rows Binary {
        "INSERT INTO idempotency_keys AS k (id, fingerprint, event_ids, created_at_ms) SELECT new.*, "
        [at: &'a i64, BigInt] " FROM unnest(" [ids: &'a [&'a [u8]], Array<Binary>] ", "
        [fingerprints: &'a [&'a [u8]], Array<Binary>] ", " [events: &'a [Vec<u8>], Array<Binary>]
        ") AS new ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, event_ids = excluded.event_ids, \
         created_at_ms = excluded.created_at_ms WHERE k.created_at_ms < " [oldest: &'a i64, BigInt] " RETURNING k.id"
    }
}
statement! {
    KeptKeys on Pg => PgConnection, rows (Binary, Binary, Binary) {
        "SELECT id, fingerprint, event_ids FROM idempotency_keys WHERE id = ANY (" [ids: &'a [&'a [u8]], Array<Binary>]
        ") AND created_at_ms >= " [oldest: &'a i64, BigInt]
    }
}
statement! {
    NextTickets on Pg => PgConnection, rows BigInt {
        "SELECT nextval('outbox_tickets') FROM generate_series(1, " [count: &'a i64, BigInt] ")"
    }
}
statement! {
    InsertMessages on Pg => PgConnection {
        "INSERT INTO messages (room_id, seq, id, sender, body, client_id, reply_to, created_at_ms, \
         attachments) SELECT * FROM unnest("
        [rooms: &'a [Id], Array<Id16>] ", " [seqs: &'a [i64], Array<BigInt>] ", " [ids: &'a [Id], Array<Id16>] ", "
        [senders: &'a [&'a str], Array<Text>] ", " [bodies: &'a [&'a str], Array<Text>] ", "
        [client_ids: &'a [Option<&'a str>], Array<Nullable<Text>>] ", "
        [replies: &'a [Option<Id>], Array<Nullable<Id16>>] ", " [times: &'a [i64], Array<BigInt>] ", "
        [files: &'a [Option<String>], Array<Nullable<Text>>] ")"
    }
}
statement! {
    UpdateRooms on Pg => PgConnection {
        "UPDATE rooms SET last_seq = new.seq, last_message_id = new.id, last_message_sender = new.sender, \
         last_message_text = new.text, last_message_at_ms = new.at, updated_at_ms = new.at FROM unnest("
        [rooms: &'a [Id], Array<Id16>] ", " [seqs: &'a [i64], Array<BigInt>] ", " [ids: &'a [Id], Array<Id16>] ", "
        [senders: &'a [&'a str], Array<Text>] ", " [texts: &'a [&'a str], Array<Text>] ", "
        [times: &'a [i64], Array<BigInt>] ") AS new (room, seq, id, sender, text, at) WHERE rooms.id = new.room"
    }
}
statement! {
    InsertOutbox on Pg => PgConnection {
        "INSERT INTO outbox (instance, ticket, event_id, room_id, seq, recipients, payload, accepted_at_ms, \
         expires_at_ms, trace) SELECT "
        [instance: &'a Id, Id16] ", new.* FROM unnest(" [tickets: &'a [i64], Array<BigInt>] ", "
        [events: &'a [Id], Array<Id16>] ", " [rooms: &'a [Option<Id>], Array<Nullable<Id16>>] ", "
        [seqs: &'a [Option<i64>], Array<Nullable<BigInt>>] ", "
        [recipients: &'a [Option<&'a str>], Array<Nullable<Text>>] ", "
        [payloads: &'a [Option<&'a [u8]>], Array<Nullable<Binary>>] ", "
        [accepted: &'a [i64], Array<BigInt>] ", " [expires: &'a [Option<i64>], Array<Nullable<BigInt>>] ", "
        [traces: &'a [Option<&'a str>], Array<Nullable<Text>>] ") AS new"
    }
}
statement! {
    Settle on Pg => PgConnection {
        "DELETE FROM outbox WHERE instance = " [instance: &'a Id, Id16] " AND ticket = ANY ("
        [tickets: &'a [i64], Array<BigInt>] ")"
    }
}

impl Tables for PgConnection {
    fn repeats(&mut self, of: &[(&UserId, &ClientId)]) -> Result<Vec<MessageRow>, Failure> {
        let (senders, client_ids): (Vec<_>, Vec<_>) =
            of.iter().map(|(s, c)| (s.as_str(), c.as_str())).unzip();
        Ok(Repeats { senders: &senders, client_ids: &client_ids }.load(self)?)
    }

    fn direct_rooms(&mut self, keys: &[&str]) -> Result<Vec<(String, Id)>, Failure> {
        Ok(DirectRooms { keys }.load(self)?)
    }

    fn lock_rooms(&mut self, ids: &[Id]) -> Result<Vec<LockedRoom>, Failure> {
        let rows: Vec<(Id, String, i64, Option<String>)> = LockRooms { ids }.load(self)?;
        let room = |(id, kind, last_seq, last_sender)| LockedRoom {
            id,
            direct: kind == "direct",
            last_seq,
            last_sender,
        };
        Ok(rows.into_iter().map(room).collect())
    }

    fn members(&mut self, rooms: &[Id]) -> Result<Vec<(Id, String)>, Failure> {
        Ok(Members { rooms }.load(self)?)
    }

    fn rooms_of(&mut self, messages: &[Id]) -> Result<Vec<(Id, Id)>, Failure> {
        Ok(RoomsOf { ids: messages }.load(self)?)
    }

    fn attachments(&mut self, ids: &[Id]) -> Result<Vec<AttachmentRow>, Failure> {
        Ok(Attachments { ids }.load(self)?)
    }

    fn seen(&mut self, pairs: &[(Id, &str)]) -> Result<Vec<(Id, String)>, Failure> {
        let (ids, users): (Vec<Id>, Vec<&str>) = pairs.iter().copied().unzip();
        Ok(Seen { ids: &ids, users: &users }.load(self)?)
    }

    fn make_directs(&mut self, rooms: &[Arc<Direct>], at: Timestamp) -> Result<Vec<Id>, Failure> {
        let at = at.as_ms();
        let ids: Vec<Id> = rooms.iter().map(|r| Id(r.room.uuid())).collect();
        let keys: Vec<&str> = rooms.iter().map(|r| r.key.as_str()).collect();
        let made: Vec<Id> = MakeRooms { at: &at, again: &at, ids: &ids, keys: &keys }.load(self)?;
        let (mut of, mut users) = (Vec::new(), Vec::new());
        for room in rooms.iter().filter(|r| made.contains(&Id(r.room.uuid()))) {
            for user in room.members() {
                of.push(Id(room.room.uuid()));
                users.push(user);
            }
        }
        let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
        MakeMembers { at: &at, rooms: &of, users: &users, marks: &vec![0; users.len()] }.execute(self)?;
        Ok(made)
    }

    fn join(&mut self, room: Id, members: &[Member], at: Timestamp) -> Result<(), Failure> {
        MakeMembers {
            at: &at.as_ms(),
            rooms: &vec![room; members.len()],
            users: &members.iter().map(|member| member.user.as_str()).collect::<Vec<_>>(),
            marks: &members.iter().map(|member| member.last_read_seq).collect::<Vec<_>>(),
        }
        .execute(self)?;
        Ok(())
    }

    fn take_keys(&mut self, keys: &[&Keyed], at: i64, oldest: i64) -> Result<Vec<Vec<u8>>, Failure> {
        let ids: Vec<&[u8]> = keys.iter().map(|k| k.key.id.as_slice()).collect();
        let fingerprints: Vec<&[u8]> = keys.iter().map(|k| k.key.fingerprint.as_slice()).collect();
        let events: Vec<Vec<u8>> = keys.iter().map(|k| to_bytes(&k.ids)).collect();
        let take =
            TakeKeys { at: &at, ids: &ids, fingerprints: &fingerprints, events: &events, oldest: &oldest };
        Ok(take.load(self)?)
    }

    fn kept_keys(&mut self, ids: &[&[u8]], oldest: i64) -> Result<Vec<KeptKey>, Failure> {
        Ok(KeptKeys { ids, oldest: &oldest }.load(self)?)
    }

    fn tickets(&mut self, count: usize, _here: &Tickets) -> Result<Vec<i64>, Failure> {
        let count = i64::try_from(count).map_err(Failure::corrupt)?;
        Ok(NextTickets { count: &count }.load(self)?)
    }

    fn insert_messages(&mut self, messages: &[Message]) -> Result<(), Failure> {
        InsertMessages {
            rooms: &messages.iter().map(|m| Id(m.room.uuid())).collect::<Vec<_>>(),
            seqs: &messages.iter().map(|m| m.seq).collect::<Vec<_>>(),
            ids: &messages.iter().map(|m| Id(m.id.uuid())).collect::<Vec<_>>(),
            senders: &messages.iter().map(|m| m.sender.as_str()).collect::<Vec<_>>(),
            bodies: &messages.iter().map(|m| m.body.as_str()).collect::<Vec<_>>(),
            client_ids: &messages
                .iter()
                .map(|m| m.client_id.as_ref().map(ClientId::as_str))
                .collect::<Vec<_>>(),
            replies: &messages.iter().map(|m| m.reply_to.map(|id| Id(id.uuid()))).collect::<Vec<_>>(),
            times: &messages.iter().map(|m| m.created_at.as_ms()).collect::<Vec<_>>(),
            files: &messages.iter().map(|m| rows::files_json(&m.files)).collect::<Result<Vec<_>, _>>()?,
        }
        .execute(self)?;
        Ok(())
    }

    fn advance_marks(&mut self, marks: &[Mark]) -> Result<Vec<(Id, String, i64)>, Failure> {
        let advance = AdvanceMarks {
            rooms: &marks.iter().map(|(room, _, _)| *room).collect::<Vec<_>>(),
            users: &marks.iter().map(|(_, user, _)| user.as_str()).collect::<Vec<_>>(),
            seqs: &marks.iter().map(|(_, _, seq)| *seq).collect::<Vec<_>>(),
        };
        Ok(advance.load(self)?)
    }

    fn insert_uses(&mut self, messages: &[Message]) -> Result<(), Failure> {
        let (mut ids, mut rooms, mut seqs) = (Vec::new(), Vec::new(), Vec::new());
        for message in messages {
            for file in &message.files {
                ids.push(Id(file.id.uuid()));
                rooms.push(Id(message.room.uuid()));
                seqs.push(message.seq);
            }
        }
        if !ids.is_empty() {
            InsertUses { ids: &ids, rooms: &rooms, seqs: &seqs }.execute(self)?;
        }
        Ok(())
    }

    fn update_rooms(&mut self, newest: &[&Message]) -> Result<(), Failure> {
        UpdateRooms {
            rooms: &newest.iter().map(|m| Id(m.room.uuid())).collect::<Vec<_>>(),
            seqs: &newest.iter().map(|m| m.seq).collect::<Vec<_>>(),
            ids: &newest.iter().map(|m| Id(m.id.uuid())).collect::<Vec<_>>(),
            senders: &newest.iter().map(|m| m.sender.as_str()).collect::<Vec<_>>(),
            texts: &newest.iter().map(|m| LastMessage::cut(&m.body)).collect::<Vec<_>>(),
            times: &newest.iter().map(|m| m.created_at.as_ms()).collect::<Vec<_>>(),
        }
        .execute(self)?;
        Ok(())
    }

    fn insert_outbox(&mut self, instance: Id, rows: &[OutboxRow]) -> Result<(), Failure> {
        InsertOutbox {
            instance: &instance,
            tickets: &rows.iter().map(|r| r.ticket).collect::<Vec<_>>(),
            events: &rows.iter().map(|r| r.event).collect::<Vec<_>>(),
            rooms: &rows.iter().map(|r| r.room).collect::<Vec<_>>(),
            seqs: &rows.iter().map(|r| r.seq).collect::<Vec<_>>(),
            recipients: &rows.iter().map(|r| r.recipients.as_deref()).collect::<Vec<_>>(),
            payloads: &rows.iter().map(|r| r.payload.as_deref()).collect::<Vec<_>>(),
            accepted: &rows.iter().map(|r| r.accepted_at).collect::<Vec<_>>(),
            expires: &rows.iter().map(|r| r.expires_at).collect::<Vec<_>>(),
            traces: &rows.iter().map(|r| r.trace.as_deref()).collect::<Vec<_>>(),
        }
        .execute(self)?;
        Ok(())
    }

    fn settle(&mut self, instance: Id, tickets: &[i64]) -> Result<(), Failure> {
        Settle { instance: &instance, tickets }.execute(self)?;
        Ok(())
    }
}
