//! Files along with messages.

use rstest::rstest;
use serde_json::json;

use super::{PNG, files, get, id, send_files};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, events, world, world_with};

#[rstest]
fn answer_event_and_history_say_the_same_of_a_message_with_files(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let photo = ann.upload("photo.png", "image/png", PNG);
    let notes = ann.upload("notes.txt", "text/plain", b"hello");
    let sent = send_files(&ann, "bob", &[&id(&notes), &id(&photo)]);
    assert_eq!(sent.status, 201, "{sent:?}");
    assert_eq!(sent.json["attachments"], json!([id(&notes), id(&photo)]), "in the sender's order");
    assert_eq!(files(&sent.json), [notes.json.clone(), photo.json.clone()]);
    assert_eq!(sent.json["body"], "", "no text is needed");
    assert_eq!(events(&bob, "", 2)[1]["data"], sent.json);
    let room = sent.json["room"].as_str().unwrap();
    let history = bob.get(&format!("/v1/rooms/{room}/messages"));
    assert_eq!(history.json["messages"][0], sent.json);
    let plain = ann.send("bob", "hi");
    assert!(plain.json.get("files").is_none(), "{plain:?}");
    assert_eq!(plain.json["attachments"], json!([]));
}

/// What the broker has not confirmed is read from the outbox when the gateway starts again.
#[test]
fn an_event_replayed_from_the_outbox_has_the_same_files() {
    let mut gateway = world(Embedded);
    let ann = gateway.user("ann");
    let photo = id(&ann.upload("photo.png", "image/png", PNG));
    let sent = send_files(&ann, "bob", &[&photo]);
    assert_eq!(sent.status, 201, "{sent:?}");
    gateway.gateway.kill();
    gateway.gateway.start_again();
    let bob = gateway.user("bob");
    assert_eq!(events(&bob, "", 2)[1]["data"], sent.json);
    assert_eq!(get(&bob, &photo).body(), PNG);
}

#[rstest]
fn only_files_that_the_sender_may_have_go_along(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_ATTACHMENTS__PER_MESSAGE", "2"));
    let (ann, eve) = (gateway.user("ann"), gateway.user("eve"));
    let own: Vec<String> = (0..3).map(|n| id(&ann.upload(&format!("{n}"), "", b"hello"))).collect();
    let foreign = id(&eve.upload("secret.txt", "", b"secret"));
    let none = "01890000-0000-7000-8000-000000000000";
    for bad in [
        vec![foreign.as_str()],
        vec![&own[0], &foreign],
        vec![none],
        vec![&own[0], &own[0]],
        vec![&own[0], &own[1], &own[2]],
        vec!["no-id"],
    ] {
        let refused = send_files(&ann, "bob", &bad);
        assert_problem(&refused, 400, "invalid-request");
        assert!(refused.json["detail"].as_str().unwrap().starts_with("attachments: "), "{refused:?}");
    }
    let unknown = send_files(&ann, "bob", &[none]);
    assert_eq!(unknown.json["detail"], "attachments: no such attachment");
    let events_before = gateway.user("bob").poll("cursor=&wait=0");
    assert_eq!(events_before.json["events"], json!([]), "not even the room was made");
    let sent = send_files(&ann, "bob", &[&own[0], &own[1]]);
    assert_eq!((sent.status, &sent.json["seq"]), (201, &json!(1)), "{sent:?}");
}

#[rstest]
fn a_retry_is_the_same_message_and_other_files_are_another_one(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let (one, other) = (id(&ann.upload("1", "", b"hello")), id(&ann.upload("2", "", b"hello")));
    let message = |files: &[&str]| json!({"to": "bob", "body": "hi", "client_id": "c", "attachments": files});
    let first = ann.post("/v1/messages", &message(&[&one]));
    let again = ann.post("/v1/messages", &message(&[&one]));
    assert_eq!((first.status, again.status), (201, 200), "{again:?}");
    assert_eq!(first.json, again.json);
    for files in [vec![other.as_str()], vec![], vec![&one, &other]] {
        assert_problem(&ann.post("/v1/messages", &message(&files)), 409, "conflict");
    }
}

#[rstest]
fn an_application_sends_its_own_uploads_and_those_of_whom_it_speaks_for(
    #[values(Embedded, Production)] pair: Pair,
) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let (ann, eve) = (gateway.user("ann"), gateway.user("eve"));
    let mine = id(&shop.upload("invoice.txt", "", b"hello"));
    let hers = id(&ann.upload("photo.png", "image/png", PNG));
    let foreign = id(&eve.upload("secret.txt", "", b"secret"));
    let message = |files: &[&str]| json!({"from": "ann", "to": "bob", "body": "hi", "attachments": files});
    let sent = shop.post("/v1/messages", &message(&[&mine, &hers]));
    assert_eq!((sent.status, &sent.json["sender"]), (201, &json!("ann")), "{sent:?}");
    assert_eq!(get(&gateway.user("bob"), &mine).status, 200);
    assert_problem(&shop.post("/v1/messages", &message(&[&foreign])), 400, "invalid-request");
}
