//! `PATCH` and `DELETE /v1/rooms/{room}/messages/{message}`.

use pollgate_testkit::{User, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scrape::LIMIT;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, cursor, events, world, world_with};

fn path(message: &Value) -> String {
    format!("/v1/rooms/{}/messages/{}", message["room"].as_str().unwrap(), message["id"].as_str().unwrap())
}

fn history(user: &User, message: &Value) -> Vec<Value> {
    let page = user.get(&format!("/v1/rooms/{}/messages", message["room"].as_str().unwrap()));
    page.json["messages"].as_array().unwrap().clone()
}

#[rstest]
fn a_sender_changes_a_message_and_all_members_hear_of_it(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let sent = ann.post("/v1/messages", &json!({"to": "bob", "body": "helo", "client_id": "c1"})).json;
    let before = ann.poll("cursor=&session=laptop&wait=0");
    let edited = ann.patch(&path(&sent), &json!({"body": "hello"}));
    assert_eq!(edited.status, 200, "{edited:?}");
    let mut expected = sent.clone();
    expected["body"] = json!("hello");
    expected["edited_at"] = edited.json["edited_at"].clone();
    assert!(edited.json["edited_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(edited.json, expected);

    let came = events(&bob, "", 3);
    assert_eq!(came[1]["data"], sent, "what was sent came as it was sent");
    assert_eq!((&came[2]["type"], &came[2]["data"]), (&json!("message.updated"), &expected));
    assert_eq!(came[2]["room"], sent["room"]);
    assert_ne!(came[2]["id"], sent["id"], "an event of its own");
    let own = crate::world::events_of(&ann, "&session=laptop", cursor(&before), 1);
    assert_eq!(own.last().unwrap()["data"]["body"], "hello", "the sender's other sessions too");
    assert_eq!(history(&bob, &sent), [expected.clone()]);
    let listed = bob.get("/v1/rooms").json["rooms"][0].clone();
    assert_eq!((&listed["last_message"]["text"], &listed["unread"]), (&json!("hello"), &json!(1)));

    // once more: the same, and no event
    let again = ann.patch(&path(&sent), &json!({"body": "hello"}));
    assert_eq!((again.status, &again.json), (200, &expected));
    let other = ann.patch(&path(&sent), &json!({"body": "hello!"}));
    assert_eq!(events(&bob, "", 4)[3]["data"], other.json);

    // the send once more is still that message
    let repeat = ann.post("/v1/messages", &json!({"to": "bob", "body": "helo", "client_id": "c1"}));
    assert_eq!((repeat.status, &repeat.json), (200, &other.json));
}

#[rstest]
fn what_is_deleted_leaves_a_tombstone(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let first = ann.post("/v1/messages", &json!({"to": "bob", "body": "oops", "client_id": "c1"})).json;
    let second = ann.send("bob", "fine").json;
    let reply = bob.post("/v1/messages", &json!({"to": "ann", "body": "re", "reply_to": first["id"]})).json;
    let gone = ann.delete(&path(&first));
    assert_eq!((gone.status, gone.body()), (204, &b""[..]), "{gone:?}");
    assert_eq!(ann.delete(&path(&first)).status, 204, "again is the same");

    let came = events(&bob, "", 5);
    let tombstone = &came[4]["data"];
    assert_eq!(came[4]["type"], "message.deleted", "{came:?}");
    assert_eq!((&tombstone["body"], &tombstone["attachments"]), (&json!(""), &json!([])));
    assert!(tombstone["deleted_at"].is_string());
    for field in ["id", "room", "seq", "sender", "client_id", "created_at"] {
        assert_eq!(tombstone[field], first[field]);
    }
    let all = history(&bob, &first);
    assert_eq!(all, [tombstone.clone(), second, reply.clone()], "seq has no hole");
    assert_eq!(all[2]["reply_to"], first["id"]);
    let text = || ann.get("/v1/rooms").json["rooms"][0]["last_message"]["text"].clone();
    assert_eq!(text(), "re", "it was not the last one");
    assert_eq!(bob.delete(&path(&reply)).status, 204);
    assert_eq!(text(), "", "this was");

    assert_problem(&ann.patch(&path(&first), &json!({"body": "x"})), 409, "conflict");
    let repeat = ann.post("/v1/messages", &json!({"to": "bob", "body": "oops", "client_id": "c1"}));
    assert_eq!((repeat.status, &repeat.json), (200, tombstone), "the send once more is still that message");
    let more = ann.post("/v1/messages", &json!({"to": "bob", "body": "re", "reply_to": first["id"]}));
    assert_eq!(more.status, 201, "a tombstone can be answered: {more:?}");
}

#[rstest]
fn only_ones_own_messages_can_be_changed(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let sent = gateway.user("ann").send("bob", "hi").json;
    let elsewhere = gateway.user("ann").send("cyd", "hi").json;
    let edit = json!({"body": "changed"});
    let both = |user: &User, path: &str, status: u16, code: &str| {
        assert_problem(&user.patch(path, &edit), status, code);
        assert_problem(&user.delete(path), status, code);
    };
    both(&gateway.user("bob"), &path(&sent), 403, "forbidden");
    both(&gateway.user("eve"), &path(&sent), 404, "not-found");
    let ann = gateway.user("ann");
    let no_such = "01890000-0000-7000-8000-000000000000";
    let room = sent["room"].as_str().unwrap();
    both(&ann, &format!("/v1/rooms/{room}/messages/{no_such}"), 404, "not-found");
    both(&ann, &format!("/v1/rooms/{room}/messages/first"), 404, "not-found");
    both(&ann, &format!("/v1/rooms/lobby/messages/{no_such}"), 404, "not-found");
    let of_other_room = format!("/v1/rooms/{room}/messages/{}", elsewhere["id"].as_str().unwrap());
    both(&ann, &of_other_room, 404, "not-found");
    // in somebody's name
    let for_ann = format!("{}?from=ann", path(&sent));
    both(&ann, &for_ann, 403, "forbidden");
    let shop = gateway.user_with("shop", "publish");
    both(&shop, &path(&sent), 403, "forbidden");
    both(&shop, &format!("{}?from=bob", path(&sent)), 403, "forbidden");
    assert_eq!(shop.patch(&for_ann, &edit).json["body"], "changed");
    assert_eq!(shop.delete(&for_ann).status, 204);
    assert_problem(&ann.get(&path(&sent)), 405, "method-not-allowed");
}

#[rstest]
fn a_text_that_cannot_be_sent_cannot_come_by_a_change(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__TEXT_BYTES", "1000"));
    let ann = gateway.user("ann");
    let sent = ann.send("bob", "hi").json;
    for bad in [
        json!({}),
        json!({"body": ""}),
        json!({"body": 7}),
        json!({"body": "a\u{0}"}),
        json!({"body": "x", "to": "y"}),
    ] {
        assert_problem(&ann.patch(&path(&sent), &bad), 400, "invalid-request");
    }
    for query in ["unknown=1", "from=", "from=a&from=b"] {
        let path = format!("{}?{query}", path(&sent));
        assert_problem(&ann.patch(&path, &json!({"body": "x"})), 400, "invalid-request");
        assert_problem(&ann.delete(&path), 400, "invalid-request");
    }
    assert_problem(&ann.patch(&path(&sent), &json!({"body": "x".repeat(1001)})), 413, "too-large");
    assert_eq!(history(&ann, &sent), std::slice::from_ref(&sent), "nothing was changed");
    assert_eq!(ann.patch(&path(&sent), &json!({"body": "x".repeat(1000)})).status, 200);
}

#[rstest]
fn the_time_for_changes_ends_when_one_is_set(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_MESSAGES__EDIT_S", "1"));
    let ann = gateway.user("ann");
    let (kept, gone) = (ann.send("bob", "0").json, ann.send("bob", "gone").json);
    assert_eq!(ann.delete(&path(&gone)).status, 204);
    let mut number = 0;
    let mut last = Value::Null;
    eventually("a change is refused", LIMIT, || {
        number += 1;
        let edited = ann.patch(&path(&kept), &json!({"body": number.to_string()}));
        if edited.status == 200 {
            last = edited.json;
            return false;
        }
        assert_problem(&edited, 403, "forbidden");
        true
    });
    assert_problem(&ann.delete(&path(&kept)), 403, "forbidden");
    assert_eq!(ann.delete(&path(&gone)).status, 204, "what is done stays done");
    assert_eq!(history(&ann, &kept)[0], last);
}
