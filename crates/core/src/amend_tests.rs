use std::collections::BTreeMap;

use pollgate_model::{Member, Room, RoomKind, Timestamp};

use super::*;

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// A room of ann and bob, with a message of ann's that was sent at 1 s; it is 61 s now.
fn found() -> Found {
    let room = Room {
        id: RoomId::new(),
        kind: RoomKind::Direct,
        name: None,
        context: None,
        category: None,
        status: None,
        assignee: None,
        created_by: None,
        last_message: None,
        last_sender: None,
        last_seq: 1,
        updated_at: Timestamp::from_ms(1_000),
    };
    let message = Message {
        id: MessageId::new(),
        room: room.id,
        seq: 1,
        sender: user("ann"),
        body: "hi".into(),
        client_id: None,
        attachments: vec![],
        files: vec![],
        reply_to: None,
        created_at: Timestamp::from_ms(1_000),
        edited_at: None,
        deleted_at: None,
    };
    let members = ["ann", "bob"].map(|name| Member { user: user(name), last_read_seq: 0 }).to_vec();
    Found {
        room: Some(RoomView { room, members }),
        desks: BTreeMap::new(),
        message: Some(message),
        now: Timestamp::from_ms(61_000),
    }
}

fn changed(mut found: Found, change: impl FnOnce(&mut Message)) -> Found {
    change(found.message.as_mut().unwrap());
    found
}

fn ask(by: &str, wish: Wish, found: &Found) -> Result<Decided, StoreError> {
    Amend { by: user(by), wish, within: None }.decide(found)
}

fn text(body: &str) -> Wish {
    Wish::Text(body.into())
}

/// What is written, and what the members hear.
fn outcome(decided: &Decided) -> (Message, serde_json::Value) {
    let [Step::Rewrite(message)] = decided.steps.as_slice() else { panic!("{:?}", decided.steps) };
    let [told] = decided.events.as_slice() else { panic!("{:?}", decided.events) };
    let to: Vec<_> = told.to.iter().map(|to| (to.user.as_str(), to.make_mailbox)).collect();
    assert_eq!(to, [("ann", false), ("bob", true)]);
    assert_eq!(decided.answer, told.event.data());
    ((**message).clone(), serde_json::from_slice(&told.event.json).unwrap())
}

#[test]
fn a_sender_changes_the_text() {
    let found = found();
    let (message, event) = outcome(&ask("ann", text("hello"), &found).unwrap());
    let before = found.message.clone().unwrap();
    assert_eq!(message, Message { body: "hello".into(), edited_at: Some(found.now), ..before });
    assert_eq!((&event["type"], &event["data"]["body"]), (&"message.updated".into(), &"hello".into()));
    assert_eq!(event["room"], message.room.to_string());
}

#[test]
fn what_is_deleted_leaves_a_tombstone() {
    let found = found();
    let (message, event) = outcome(&ask("ann", Wish::Gone, &found).unwrap());
    assert_eq!((message.body.as_str(), message.deleted_at), ("", Some(found.now)));
    assert_eq!((message.seq, message.id), (1, found.message.unwrap().id));
    assert_eq!((&event["type"], &event["data"]["body"]), (&"message.deleted".into(), &"".into()));
}

#[test]
fn the_same_again_changes_nothing() {
    let edited =
        changed(found(), |m| (m.body, m.edited_at) = ("hello".into(), Some(Timestamp::from_ms(2_000))));
    let decided = ask("ann", text("hello"), &edited).unwrap();
    assert!(decided.steps.is_empty() && decided.events.is_empty());
    let answer: Message = serde_json::from_slice(&decided.answer).unwrap();
    assert_eq!(Some(answer), edited.message);
    let deleted = changed(found(), |m| m.deleted_at = Some(Timestamp::from_ms(2_000)));
    assert!(ask("ann", Wish::Gone, &deleted).unwrap().steps.is_empty());
}

#[test]
fn others_may_not_and_outsiders_see_nothing() {
    let all = found();
    for wish in [text("x"), Wish::Gone] {
        assert!(matches!(ask("bob", wish.clone(), &all), Err(StoreError::Forbidden(_))));
        assert_eq!(ask("eve", wish.clone(), &all).unwrap_err(), StoreError::NotFound("room"));
        let nowhere = Found { room: None, ..all.clone() };
        assert_eq!(ask("ann", wish.clone(), &nowhere).unwrap_err(), StoreError::NotFound("room"));
        let nothing = Found { message: None, ..all.clone() };
        assert_eq!(ask("ann", wish, &nothing).unwrap_err(), StoreError::NotFound("message"));
    }
}

#[test]
fn what_was_deleted_cannot_be_edited_and_no_text_becomes_empty() {
    let deleted = changed(found(), |m| m.deleted_at = Some(Timestamp::from_ms(2_000)));
    assert!(matches!(ask("ann", text("x"), &deleted), Err(StoreError::Conflict(_))));
    assert!(matches!(ask("ann", text(""), &found()), Err(StoreError::Invalid(_))));
    let with_file = changed(found(), |m| m.attachments = vec![pollgate_model::AttachmentId::new()]);
    assert!(ask("ann", text(""), &with_file).is_ok());
}

#[test]
fn the_time_to_change_a_message_ends() {
    for (within, allowed) in [(None, true), (Some(60), true), (Some(59), false)] {
        let within = within.map(Duration::from_secs);
        for wish in [text("x"), Wish::Gone] {
            let decided = Amend { by: user("ann"), wish, within }.decide(&found());
            assert_eq!(decided.is_ok(), allowed, "{decided:?}");
        }
    }
    // what has been done already needs no time
    let deleted = changed(found(), |m| m.deleted_at = Some(Timestamp::from_ms(2_000)));
    let again = Amend { by: user("ann"), wish: Wish::Gone, within: Some(Duration::from_secs(1)) };
    assert!(again.decide(&deleted).is_ok());
}
