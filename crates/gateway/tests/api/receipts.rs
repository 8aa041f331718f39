//! `/v1/rooms/{room}/read` and `/receipts`: unread counts and read marks.

use pollgate_testkit::User;
use rstest::rstest;
use serde_json::json;

use crate::rooms::{heard, make, path};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, world, world_with};

fn unread(user: &User) -> (i64, i64) {
    let room = user.get("/v1/rooms").json["rooms"][0].clone();
    (room["last_read_seq"].as_i64().unwrap(), room["unread"].as_i64().unwrap())
}

#[rstest]
fn a_mark_moves_forward_only_and_the_others_hear_of_it(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let room = ann.send("bob", "1").json["room"].as_str().unwrap().to_owned();
    ann.send("bob", "2");
    ann.send("bob", "3");
    assert_eq!(unread(&bob), (0, 3));
    assert_eq!(unread(&ann), (3, 0));
    let read = |seq: i64| bob.post(&format!("/v1/rooms/{room}/read"), &json!({"seq": seq})).status;
    assert_eq!(read(2), 204);
    assert_eq!(unread(&bob), (2, 1));
    assert_eq!(read(1), 204, "never back");
    assert_eq!(unread(&bob), (2, 1));
    assert_eq!(read(99), 204, "no further than the last message");
    assert_eq!(unread(&bob), (3, 0));
    let anns: Vec<_> = heard(&ann, 2);
    assert_eq!(anns[0], ("message.read".to_owned(), json!({"user": "bob", "seq": 2})));
    assert_eq!(anns[1], ("message.read".to_owned(), json!({"user": "bob", "seq": 3})));
    // what is read on one device is read on all: the reader's sessions hear of it, too
    let own = heard(&bob, 6).into_iter().filter(|(kind, _)| kind == "message.read").count();
    assert_eq!(own, 2);
    let receipts = ann.get(&format!("/v1/rooms/{room}/receipts"));
    let all = json!({"receipts": [{"user": "ann", "seq": 3}, {"user": "bob", "seq": 3}]});
    assert_eq!((receipts.status, &receipts.json), (200, &all));
    assert_problem(&bob.post(&format!("/v1/rooms/{room}/read"), &json!({"seq": -1})), 400, "invalid-request");
    assert_problem(&bob.post(&format!("/v1/rooms/{room}/read"), &json!({})), 400, "invalid-request");
}

#[rstest]
fn who_sends_has_read_what_was_there(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    ann.send("bob", "1");
    ann.send("bob", "2");
    bob.send("ann", "3");
    assert_eq!((unread(&ann), unread(&bob)), ((2, 1), (3, 0)));
    ann.send("bob", "4");
    assert_eq!((unread(&ann), unread(&bob)), ((4, 0), (3, 1)));
}

#[rstest]
fn in_a_large_room_marks_are_kept_and_not_told(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__SIGNAL_MEMBERS", "2"));
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    // who makes a room hears of it where there is a mailbox already
    ann.poll("cursor=&wait=0");
    let room = make(&ann, &json!({"members": ["bob", "cyd"]}));
    ann.post("/v1/messages", &json!({"room": room["id"], "body": "hi"}));
    assert_eq!(bob.post(&format!("{}/read", path(&room)), &json!({"seq": 1})).status, 204);
    assert_eq!(bob.get(&path(&room)).json["unread"], 0);
    ann.send("ann", "last");
    let kinds: Vec<String> = heard(&ann, 4).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["room.created", "message.created", "room.created", "message.created"]);
}

#[rstest]
fn many_marks_at_once_become_few_rows_and_the_furthest_stays(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let room = ann.send("bob", "0").json["room"].as_str().unwrap().to_owned();
    for n in 1..40 {
        ann.send("bob", &n.to_string());
    }
    std::thread::scope(|threads| {
        for first in 1..=8 {
            let (bob, room) = (bob.clone(), room.clone());
            threads.spawn(move || {
                for seq in (first..=40).step_by(8) {
                    let answer = bob.post(&format!("/v1/rooms/{room}/read"), &json!({"seq": seq}));
                    assert_eq!(answer.status, 204, "{answer:?}");
                }
            });
        }
    });
    assert_eq!(unread(&bob), (40, 0));
    let told = ann.poll("cursor=&wait=1&limit=1000").json["events"].as_array().unwrap().clone();
    let seqs: Vec<i64> = told
        .iter()
        .filter(|event| event["type"] == "message.read")
        .map(|event| event["data"]["seq"].as_i64().unwrap())
        .collect();
    assert!(seqs.is_sorted(), "what is told never goes back: {seqs:?}");
    assert_eq!(seqs.last(), Some(&40));
}
