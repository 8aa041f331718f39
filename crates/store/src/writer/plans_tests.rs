//! The statements of writers: each row is reached by an index.

use std::sync::Arc;

use diesel::Connection as _;
use pollgate_model::{
    ClientId, EventId, Member, Message, MessageId, Room, RoomId, RoomKind, Timestamp, UserId,
};
use rstest::rstest;

use super::tables::{OutboxRow, Tables, Tickets};
use crate::connection::{Connector, on_each};
use crate::directs::Direct;
use crate::idempotency::{Keyed, RequestKey};
use crate::plans::{Heard, Schema, complaints, fill};
use crate::sql::Id;
use crate::{StoreSettings, migrate};

fn message(room: RoomId, sender: &UserId) -> Message {
    Message {
        id: MessageId::new(),
        room,
        seq: 20_000,
        sender: sender.clone(),
        body: "hi".into(),
        client_id: None,
        attachments: Vec::new(),
        files: Vec::new(),
        reply_to: None,
        created_at: Timestamp::now(),
        edited_at: None,
        deleted_at: None,
    }
}

fn group(id: RoomId) -> Room {
    Room {
        id,
        kind: RoomKind::Group,
        name: None,
        context: None,
        category: None,
        status: None,
        assignee: None,
        created_by: None,
        last_message: None,
        last_sender: None,
        last_seq: 0,
        updated_at: Timestamp::now(),
    }
}

/// Everything that a batch may do to the tables.
fn write_everything<T: Tables>(tables: &mut T, direct: &Arc<Direct>) {
    let (reader, room, now) = ("reader".parse::<UserId>().unwrap(), RoomId::new(), Timestamp::now());
    let (id, client): (Id, ClientId) = (Id(room.uuid()), "c1".parse().unwrap());
    let member = Member { user: reader.clone(), last_read_seq: 0 };
    tables.make_room(&group(room), now).unwrap();
    tables.join(id, std::slice::from_ref(&member), now).unwrap();
    tables.change_room(&group(room)).unwrap();
    tables.lock_rooms(&[id]).unwrap();
    tables.rooms(&[id]).unwrap();
    tables.marks(&[id]).unwrap();
    tables.members(&[id]).unwrap();
    tables.agents(&["sales"]).unwrap();
    let new = message(room, &reader);
    tables.repeats(&[(&reader, &client)]).unwrap();
    tables.rooms_of(&[Id(new.id.uuid())]).unwrap();
    tables.messages(&[Id(new.id.uuid())]).unwrap();
    tables.insert_messages(std::slice::from_ref(&new)).unwrap();
    tables.update_rooms(&[&new]).unwrap();
    tables.advance_marks(&[(id, "other".parse().unwrap(), 5), (id, reader.clone(), 5)]).unwrap();
    tables.direct_rooms(&[direct.key.as_str()]).unwrap();
    tables.make_directs(std::slice::from_ref(direct), now).unwrap();
    let keyed = Keyed { key: RequestKey { id: [1; 32], fingerprint: [2; 32] }, ids: vec![EventId::new()] };
    tables.take_keys(&[&keyed], 1, 0).unwrap();
    tables.kept_keys(&[&keyed.key.id], 0).unwrap();
    let ticket = tables.tickets(1, &Tickets::default()).unwrap()[0];
    let row = OutboxRow {
        ticket,
        event: id,
        room: Some(id),
        seq: Some(1),
        recipients: None,
        payload: None,
        accepted_at: 0,
        expires_at: None,
        trace: None,
    };
    tables.insert_outbox(id, &[row]).unwrap();
    tables.settle(id, &[ticket]).unwrap();
    tables.leave(id, &reader).unwrap();
}

#[rstest]
#[case::sqlite(false)]
#[case::postgresql(true)]
fn writers_find_every_row_by_an_index(#[case] on_pg: bool) {
    let (schema, folder) = (on_pg.then(Schema::new), tempfile::tempdir().unwrap());
    let file = format!("sqlite://{}", folder.path().join("db").display());
    let settings = StoreSettings::new(schema.as_ref().map_or(file, Schema::url));
    let connector = Connector::new(&settings).unwrap();
    migrate::apply(&connector).unwrap();
    let (mut conn, heard) = (connector.connect_writer().unwrap(), Heard::default());
    fill(&mut conn);
    on_each!(&mut conn, |c| c.set_instrumentation(heard.clone()));
    let direct = crate::directs::Directs::new().of(&"ann".parse().unwrap(), &"bob".parse().unwrap());
    on_each!(&mut conn, |c| write_everything(c, &direct));
    let (wrong, large) = complaints(&mut conn, &heard);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(large >= 10, "only {large} statements touch a table that grows");
}
