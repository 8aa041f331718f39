//! A batch on SQLite: row by row, each through a statement that stays prepared.

use std::sync::Arc;

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
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
    Repeat on Sqlite => SqliteConnection, rows MessageColumns {
        "SELECT room_id, seq, id, sender, body, client_id, reply_to, created_at_ms, attachments, edited_at_ms, \
         deleted_at_ms FROM messages WHERE sender = "
        [sender: &'a str, Text] " AND client_id = " [client_id: &'a str, Text]
    }
}
statement! {
    DirectRoom on Sqlite => SqliteConnection, rows (Text, Id16) {
        "SELECT direct_key, id FROM rooms WHERE direct_key = " [key: &'a str, Text]
    }
}
statement! {
    Room on Sqlite => SqliteConnection, rows (Id16, Text, BigInt, Nullable<Text>) {
        "SELECT id, kind, last_seq, last_message_sender FROM rooms WHERE id = " [id: &'a Id, Id16]
    }
}
statement! {
    Members on Sqlite => SqliteConnection, rows (Id16, Text) {
        "SELECT room_id, user_id FROM members WHERE room_id = " [room: &'a Id, Id16] " ORDER BY user_id"
    }
}
statement! {
    AdvanceMark on Sqlite => SqliteConnection, rows BigInt {
        "UPDATE members SET last_read_seq = min(" [seq: &'a i64, BigInt]
        ", (SELECT last_seq FROM rooms WHERE id = room_id)) WHERE room_id = " [room: &'a Id, Id16] " AND user_id = "
        [user: &'a str, Text] " AND last_read_seq < (SELECT min(" [most: &'a i64, BigInt]
        ", last_seq) FROM rooms WHERE id = room_id AND last_message_sender IS NOT user_id) RETURNING last_read_seq"
    }
}
statement! {
    RoomOf on Sqlite => SqliteConnection, rows (Id16, Id16) {
        "SELECT id, room_id FROM messages WHERE id = " [id: &'a Id, Id16]
    }
}
statement! {
    AttachmentOf on Sqlite => SqliteConnection, rows (Id16, Text, Text, Text, BigInt) {
        "SELECT id, owner, name, media_type, size FROM attachments WHERE id = " [id: &'a Id, Id16]
    }
}
statement! {
    SeenBy on Sqlite => SqliteConnection, rows (Id16, Text) {
        "SELECT u.attachment_id, m.user_id FROM attachment_uses u JOIN members m ON m.room_id = u.room_id \
         WHERE u.attachment_id = "
        [id: &'a Id, Id16] " AND m.user_id = " [user: &'a str, Text] " LIMIT 1"
    }
}
statement! {
    InsertUse on Sqlite => SqliteConnection {
        "INSERT INTO attachment_uses (attachment_id, room_id, seq) VALUES ("
        [id: &'a Id, Id16] ", " [room: &'a Id, Id16] ", " [seq: &'a i64, BigInt] ")"
    }
}
statement! {
    MakeRoom on Sqlite => SqliteConnection {
        "INSERT INTO rooms (id, kind, direct_key, last_seq, created_at_ms, updated_at_ms) VALUES ("
        [id: &'a Id, Id16] ", 'direct', " [key: &'a str, Text] ", 0, " [at: &'a i64, BigInt] ", "
        [again: &'a i64, BigInt] ") ON CONFLICT DO NOTHING"
    }
}
statement! {
    MakeMember on Sqlite => SqliteConnection {
        "INSERT INTO members (room_id, user_id, last_read_seq, joined_at_ms) VALUES ("
        [room: &'a Id, Id16] ", " [user: &'a str, Text] ", " [mark: &'a i64, BigInt] ", " [at: &'a i64, BigInt] ")"
    }
}
statement! {
    TakeKey on Sqlite => SqliteConnection {
        "INSERT INTO idempotency_keys AS k (id, fingerprint, event_ids, created_at_ms) VALUES ("
        [id: &'a [u8], Binary] ", " [fingerprint: &'a [u8], Binary] ", " [events: &'a [u8], Binary] ", "
        [at: &'a i64, BigInt] ") ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, \
         event_ids = excluded.event_ids, created_at_ms = excluded.created_at_ms WHERE k.created_at_ms < "
        [oldest: &'a i64, BigInt]
    }
}
statement! {
    KeptKeyOf on Sqlite => SqliteConnection, rows (Binary, Binary, Binary) {
        "SELECT id, fingerprint, event_ids FROM idempotency_keys WHERE id = " [id: &'a [u8], Binary]
        " AND created_at_ms >= " [oldest: &'a i64, BigInt]
    }
}
statement! {
    InsertMessage on Sqlite => SqliteConnection {
        "INSERT INTO messages (room_id, seq, id, sender, body, client_id, reply_to, created_at_ms, attachments) \
         VALUES ("
        [room: &'a Id, Id16] ", " [seq: &'a i64, BigInt] ", " [id: &'a Id, Id16] ", " [sender: &'a str, Text] ", "
        [body: &'a str, Text] ", " [client_id: &'a Option<&'a str>, Nullable<Text>] ", "
        [reply_to: &'a Option<Id>, Nullable<Id16>] ", " [at: &'a i64, BigInt] ", "
        [files: &'a Option<String>, Nullable<Text>] ")"
    }
}
statement! {
    UpdateRoom on Sqlite => SqliteConnection {
        "UPDATE rooms SET last_seq = " [seq: &'a i64, BigInt] ", last_message_id = " [id: &'a Id, Id16]
        ", last_message_sender = " [sender: &'a str, Text] ", last_message_text = " [text: &'a str, Text]
        ", last_message_at_ms = " [at: &'a i64, BigInt] ", updated_at_ms = " [again: &'a i64, BigInt]
        " WHERE id = " [room: &'a Id, Id16]
    }
}
statement! {
    InsertOutbox on Sqlite => SqliteConnection {
        "INSERT INTO outbox (ticket, instance, event_id, room_id, seq, recipients, payload, accepted_at_ms, \
         expires_at_ms, trace) VALUES ("
        [ticket: &'a i64, BigInt] ", " [instance: &'a Id, Id16] ", " [event: &'a Id, Id16] ", "
        [room: &'a Option<Id>, Nullable<Id16>] ", " [seq: &'a Option<i64>, Nullable<BigInt>] ", "
        [recipients: &'a Option<&'a str>, Nullable<Text>] ", " [payload: &'a Option<&'a [u8]>, Nullable<Binary>] ", "
        [accepted_at: &'a i64, BigInt] ", " [expires_at: &'a Option<i64>, Nullable<BigInt>] ", "
        [trace: &'a Option<&'a str>, Nullable<Text>] ")"
    }
}
statement! {
    SettleRange on Sqlite => SqliteConnection {
        "DELETE FROM outbox WHERE ticket BETWEEN " [first: &'a i64, BigInt] " AND " [last: &'a i64, BigInt]
        " AND instance = " [instance: &'a Id, Id16]
    }
}

impl Tables for SqliteConnection {
    fn repeats(&mut self, of: &[(&UserId, &ClientId)]) -> Result<Vec<MessageRow>, Failure> {
        let mut found = Vec::new();
        for (sender, client_id) in of {
            let rows: Vec<MessageRow> =
                Repeat { sender: sender.as_str(), client_id: client_id.as_str() }.load(self)?;
            found.extend(rows);
        }
        Ok(found)
    }

    fn direct_rooms(&mut self, keys: &[&str]) -> Result<Vec<(String, Id)>, Failure> {
        let mut found = Vec::new();
        for key in keys {
            let rows: Vec<(String, Id)> = DirectRoom { key }.load(self)?;
            found.extend(rows);
        }
        Ok(found)
    }

    fn lock_rooms(&mut self, ids: &[Id]) -> Result<Vec<LockedRoom>, Failure> {
        let mut found = Vec::new();
        for id in ids {
            let rows: Vec<(Id, String, i64, Option<String>)> = Room { id }.load(self)?;
            for (id, kind, last_seq, last_sender) in rows {
                found.push(LockedRoom { id, direct: kind == "direct", last_seq, last_sender });
            }
        }
        Ok(found)
    }

    fn members(&mut self, rooms: &[Id]) -> Result<Vec<(Id, String)>, Failure> {
        let mut found = Vec::new();
        for room in rooms {
            let rows: Vec<(Id, String)> = Members { room }.load(self)?;
            found.extend(rows);
        }
        Ok(found)
    }

    fn rooms_of(&mut self, messages: &[Id]) -> Result<Vec<(Id, Id)>, Failure> {
        let mut found = Vec::new();
        for id in messages {
            let rows: Vec<(Id, Id)> = RoomOf { id }.load(self)?;
            found.extend(rows);
        }
        Ok(found)
    }

    fn attachments(&mut self, ids: &[Id]) -> Result<Vec<AttachmentRow>, Failure> {
        let mut found = Vec::new();
        for id in ids {
            let rows: Vec<AttachmentRow> = AttachmentOf { id }.load(self)?;
            found.extend(rows);
        }
        Ok(found)
    }

    fn seen(&mut self, pairs: &[(Id, &str)]) -> Result<Vec<(Id, String)>, Failure> {
        let mut found = Vec::new();
        for (id, user) in pairs {
            let rows: Vec<(Id, String)> = SeenBy { id, user }.load(self)?;
            found.extend(rows);
        }
        Ok(found)
    }

    fn make_directs(&mut self, rooms: &[Arc<Direct>], at: Timestamp) -> Result<Vec<Id>, Failure> {
        let at = at.as_ms();
        let mut made = Vec::new();
        for room in rooms {
            let id = Id(room.room.uuid());
            if (MakeRoom { id: &id, key: &room.key, at: &at, again: &at }).execute(self)? == 0 {
                continue;
            }
            for user in room.members() {
                MakeMember { room: &id, user: user.as_str(), mark: &0, at: &at }.execute(self)?;
            }
            made.push(id);
        }
        Ok(made)
    }

    fn join(&mut self, room: Id, members: &[Member], at: Timestamp) -> Result<(), Failure> {
        for member in members {
            let (user, mark) = (member.user.as_str(), &member.last_read_seq);
            MakeMember { room: &room, user, mark, at: &at.as_ms() }.execute(self)?;
        }
        Ok(())
    }

    fn take_keys(&mut self, keys: &[&Keyed], at: i64, oldest: i64) -> Result<Vec<Vec<u8>>, Failure> {
        let mut taken = Vec::new();
        for Keyed { key, ids } in keys {
            let take = TakeKey {
                id: &key.id,
                fingerprint: &key.fingerprint,
                events: &to_bytes(ids),
                at: &at,
                oldest: &oldest,
            };
            if take.execute(self)? == 1 {
                taken.push(key.id.to_vec());
            }
        }
        Ok(taken)
    }

    fn kept_keys(&mut self, ids: &[&[u8]], oldest: i64) -> Result<Vec<KeptKey>, Failure> {
        let mut found = Vec::new();
        for id in ids {
            let rows: Vec<KeptKey> = KeptKeyOf { id, oldest: &oldest }.load(self)?;
            found.extend(rows);
        }
        Ok(found)
    }

    fn tickets(&mut self, count: usize, here: &Tickets) -> Result<Vec<i64>, Failure> {
        Ok(here.take(count))
    }

    fn insert_messages(&mut self, messages: &[Message]) -> Result<(), Failure> {
        for message in messages {
            InsertMessage {
                room: &Id(message.room.uuid()),
                seq: &message.seq,
                id: &Id(message.id.uuid()),
                sender: message.sender.as_str(),
                body: &message.body,
                client_id: &message.client_id.as_ref().map(ClientId::as_str),
                reply_to: &message.reply_to.map(|id| Id(id.uuid())),
                at: &message.created_at.as_ms(),
                files: &rows::files_json(&message.files)?,
            }
            .execute(self)?;
        }
        Ok(())
    }

    fn advance_marks(&mut self, marks: &[Mark]) -> Result<Vec<(Id, String, i64)>, Failure> {
        let mut moved = Vec::new();
        for (room, user, seq) in marks {
            let to: Vec<i64> = AdvanceMark { seq, room, user: user.as_str(), most: seq }.load(self)?;
            moved.extend(to.into_iter().map(|to| (*room, user.as_str().to_owned(), to)));
        }
        Ok(moved)
    }

    fn insert_uses(&mut self, messages: &[Message]) -> Result<(), Failure> {
        for message in messages {
            for file in &message.files {
                InsertUse { id: &Id(file.id.uuid()), room: &Id(message.room.uuid()), seq: &message.seq }
                    .execute(self)?;
            }
        }
        Ok(())
    }

    fn update_rooms(&mut self, newest: &[&Message]) -> Result<(), Failure> {
        for message in newest {
            let at = message.created_at.as_ms();
            UpdateRoom {
                room: &Id(message.room.uuid()),
                seq: &message.seq,
                id: &Id(message.id.uuid()),
                sender: message.sender.as_str(),
                text: LastMessage::cut(&message.body),
                at: &at,
                again: &at,
            }
            .execute(self)?;
        }
        Ok(())
    }

    fn insert_outbox(&mut self, instance: Id, rows: &[OutboxRow]) -> Result<(), Failure> {
        for row in rows {
            InsertOutbox {
                ticket: &row.ticket,
                instance: &instance,
                event: &row.event,
                room: &row.room,
                seq: &row.seq,
                recipients: &row.recipients.as_deref(),
                payload: &row.payload.as_deref(),
                accepted_at: &row.accepted_at,
                expires_at: &row.expires_at,
                trace: &row.trace.as_deref(),
            }
            .execute(self)?;
        }
        Ok(())
    }

    fn settle(&mut self, instance: Id, tickets: &[i64]) -> Result<(), Failure> {
        // mostly they are neighbours, and a range costs hardly more than one
        for run in tickets.chunk_by(|a, b| *b == a.saturating_add(1)) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            SettleRange { first, last, instance: &instance }.execute(self)?;
        }
        Ok(())
    }
}
