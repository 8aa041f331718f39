//! `/v1/rooms`: making, finding and changing rooms, and who hears of it.

use pollgate_testkit::User;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, events, world, world_with};

/// Makes a room; it as its maker sees it.
pub(crate) fn make(by: &User, body: &Value) -> Value {
    let answer = by.post("/v1/rooms", body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json
}

pub(crate) fn path(room: &Value) -> String {
    format!("/v1/rooms/{}", room["id"].as_str().unwrap())
}

/// The types of a user's next events, and their data.
pub(crate) fn heard(user: &User, count: usize) -> Vec<(String, Value)> {
    let kind = |event: Value| (event["type"].as_str().unwrap().to_owned(), event["data"].clone());
    events(user, "", count).into_iter().map(kind).collect()
}

#[rstest]
fn a_room_is_made_read_and_told_of(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let asked = json!({
        "name": "Order 7", "members": ["bob", "cyd", "bob"], "context": {"kind": "order", "id": "7"},
        "category": "billing", "status": "open"
    });
    let room = make(&ann, &asked);
    assert_eq!(room["members"], json!(["ann", "bob", "cyd"]));
    for (field, value) in
        [("kind", "group"), ("name", "Order 7"), ("category", "billing"), ("status", "open")]
    {
        assert_eq!(room[field], value, "{room}");
    }
    assert_eq!(room["context"], json!({"kind": "order", "id": "7"}));
    assert_eq!((&room["assignee"], &room["last_message"]), (&Value::Null, &Value::Null));
    assert_eq!((&room["last_seq"], &room["unread"]), (&json!(0), &json!(0)));
    assert_eq!(bob.get(&path(&room)).json, room);
    assert_eq!(heard(&bob, 1), [("room.created".to_owned(), room.clone())]);
    let sent = ann.post("/v1/messages", &json!({"room": room["id"], "body": "hi"}));
    assert_eq!((sent.status, &sent.json["seq"]), (201, &json!(1)));
    let seen = bob.get(&path(&room)).json;
    assert_eq!((&seen["unread"], &seen["last_read_seq"]), (&json!(1), &json!(0)));
    let last = json!({
        "id": sent.json["id"], "seq": 1, "sender": "ann", "text": "hi", "created_at": sent.json["created_at"]
    });
    assert_eq!(seen["last_message"], last);
    assert_eq!(ann.get(&path(&room)).json["unread"], 0, "one's own message is read");
}

#[rstest]
fn for_all_others_a_room_is_not_there(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, eve) = (gateway.user("ann"), gateway.user("eve"));
    let room = make(&ann, &json!({"members": ["bob"]}));
    let path = path(&room);
    assert_problem(&eve.get(&path), 404, "not-found");
    assert_problem(&eve.patch(&path, &json!({"name": "mine"})), 404, "not-found");
    assert_problem(&eve.put(&format!("{path}/members/eve")), 404, "not-found");
    assert_problem(&eve.delete(&format!("{path}/members/ann")), 404, "not-found");
    assert_problem(&eve.get(&format!("{path}/messages")), 404, "not-found");
    assert_problem(&eve.get(&format!("{path}/receipts")), 404, "not-found");
    assert_problem(&eve.post(&format!("{path}/read"), &json!({"seq": 1})), 404, "not-found");
    assert_problem(&eve.post("/v1/messages", &json!({"room": room["id"], "body": "x"})), 404, "not-found");
    assert_eq!(eve.get("/v1/rooms").json["rooms"], json!([]));
    assert_problem(&eve.get("/v1/rooms/lobby"), 404, "not-found");
}

#[rstest]
fn what_is_wrong_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__ROOM_MEMBERS", "3"));
    let ann = gateway.user("ann");
    let long = "x".repeat(257);
    let wrong = [
        json!({"nmae": "typo"}),
        json!({"name": ""}),
        json!({"name": long}),
        json!({"members": ["bob", "cyd", "dan"]}),
        json!({"members": [""]}),
        json!({"context": {"kind": "order"}}),
        json!({"context": {"kind": "order", "id": "7", "more": 1}}),
        json!({"category": "x".repeat(65)}),
        json!({"status": "a\u{0}"}),
    ];
    for body in wrong {
        assert_problem(&ann.post("/v1/rooms", &body), 400, "invalid-request");
    }
    assert_problem(&ann.post("/v1/rooms", &json!({"from": "bob"})), 403, "forbidden");
    let room = make(&ann, &json!({"members": ["bob", "cyd"]}));
    assert_problem(&ann.put(&format!("{}/members/dan", path(&room))), 400, "invalid-request");
    assert_problem(&ann.patch(&path(&room), &json!({"assignee": "dan"})), 400, "invalid-request");
    for bad in ["limit=0", "limit=101", "before=x", "kind=other", "unknown=1", "status=", "status=a&status=b"]
    {
        assert_problem(&ann.get(&format!("/v1/rooms?{bad}")), 400, "invalid-request");
    }
    assert_problem(&ann.get(&format!("{}?x=1", path(&room))), 400, "invalid-request");
    assert_problem(&ann.delete(&path(&room)), 405, "method-not-allowed");
    assert_eq!(ann.get("/v1/rooms").json["rooms"].as_array().unwrap().len(), 1, "nothing else was made");
}

#[rstest]
fn a_change_is_told_to_all_with_what_is_unread_for_each(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let room = make(&ann, &json!({"members": ["bob"], "name": "a", "status": "open"}));
    ann.post("/v1/messages", &json!({"room": room["id"], "body": "hi"}));
    let changed = ann.patch(&path(&room), &json!({"name": "b", "status": null}));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!((&changed.json["name"], &changed.json["status"]), (&json!("b"), &Value::Null));
    assert_ne!(changed.json["updated_at"], room["updated_at"]);
    let bobs = heard(&bob, 3);
    assert_eq!(bobs[2].0, "room.updated");
    assert_eq!((&bobs[2].1["name"], &bobs[2].1["unread"]), (&json!("b"), &json!(1)));
    assert_eq!(bobs[2].1, bob.get(&path(&room)).json);
    // the same again is no change
    let again = ann.patch(&path(&room), &json!({"name": "b"}));
    assert_eq!((again.status, &again.json), (200, &changed.json));
    assert_eq!(ann.patch(&path(&room), &json!({})).json, changed.json);
    bob.send("bob", "last");
    let bobs = heard(&bob, 5);
    assert_eq!(
        bobs.last().unwrap().1["body"],
        "last",
        "nothing was told of the change that was none: {bobs:?}"
    );
}

#[rstest]
fn a_direct_room_never_changes(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let room = ann.send("bob", "hi").json["room"].as_str().unwrap().to_owned();
    let path = format!("/v1/rooms/{room}");
    assert_problem(&ann.patch(&path, &json!({"name": "us"})), 400, "invalid-request");
    assert_problem(&ann.put(&format!("{path}/members/cyd")), 400, "invalid-request");
    assert_problem(&ann.delete(&format!("{path}/members/ann")), 400, "invalid-request");
    let seen = ann.get(&path).json;
    assert_eq!((&seen["kind"], &seen["members"]), (&json!("direct"), &json!(["ann", "bob"])));
}

#[rstest]
fn members_come_and_go(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob, cyd) = (gateway.user("ann"), gateway.user("bob"), gateway.user("cyd"));
    let room = make(&ann, &json!({"members": ["bob"]}));
    let member = |user: &str| format!("{}/members/{user}", path(&room));
    ann.post("/v1/messages", &json!({"room": room["id"], "body": "before"}));
    assert_eq!(bob.put(&member("cyd")).status, 204);
    assert_eq!(bob.put(&member("cyd")).status, 204, "again is the same");
    assert_eq!(cyd.get(&path(&room)).json["unread"], 0, "what was said before is not unread");
    assert_eq!(cyd.get(&format!("{}/messages", path(&room))).json["count"], 1, "but can be read");
    // others are removed by who made the room, and not by anybody
    assert_problem(&bob.delete(&member("cyd")), 403, "forbidden");
    assert_eq!(ann.delete(&member("cyd")).status, 204);
    assert_problem(&ann.delete(&member("cyd")), 404, "not-found");
    let cyds = heard(&cyd, 3);
    assert_eq!(cyds[0].0, "room.created");
    assert_eq!(cyds[0].1["members"], json!(["ann", "bob", "cyd"]));
    assert_eq!(cyds[1], ("member.added".to_owned(), json!({"user": "cyd"})));
    assert_eq!(cyds[2], ("member.removed".to_owned(), json!({"user": "cyd"})));
    assert_problem(&cyd.get(&path(&room)), 404, "not-found");
    assert_problem(&cyd.post("/v1/messages", &json!({"room": room["id"], "body": "x"})), 404, "not-found");
    // anybody leaves
    assert_eq!(bob.delete(&member("bob")).status, 204);
    assert_eq!(ann.get(&path(&room)).json["members"], json!(["ann"]));
    let bobs = heard(&bob, 5);
    let kinds: Vec<&str> = bobs.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["room.created", "message.created", "member.added", "member.removed", "member.removed"]
    );
}

#[rstest]
fn a_list_is_narrowed_and_turned_page_by_page(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    for n in 0..7 {
        let (category, status) =
            (if n % 2 == 0 { "even" } else { "odd" }, if n < 4 { "open" } else { "closed" });
        let context = json!({"kind": "order", "id": n.to_string()});
        make(
            &ann,
            &json!({"name": n.to_string(), "category": category, "status": status, "context": context}),
        );
    }
    ann.send("bob", "hi");
    let names = |query: &str| -> Vec<String> {
        let answer = ann.get(&format!("/v1/rooms?{query}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let rooms = answer.json["rooms"].as_array().unwrap().iter();
        rooms.map(|room| room["name"].as_str().unwrap_or("direct").to_owned()).collect()
    };
    assert_eq!(names(""), ["direct", "6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(names("kind=direct"), ["direct"]);
    assert_eq!(names("category=odd"), ["5", "3", "1"]);
    assert_eq!(names("category=even&status=closed"), ["6", "4"]);
    assert_eq!(names("context_kind=order&context_id=3"), ["3"]);
    assert_eq!(names("context_kind=other"), [""; 0]);
    assert_eq!(names("assignee=ann"), [""; 0]);
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = ann.get(&format!("/v1/rooms?limit=3{next}")).json;
        let rooms = page["rooms"].as_array().unwrap();
        all.extend(rooms.iter().map(|room| room["name"].as_str().unwrap_or("direct").to_owned()));
        if page["has_more"] == false {
            assert_eq!(page["next"], Value::Null);
            break;
        }
        assert_eq!(rooms.len(), 3);
        next = format!("&before={}", page["next"].as_str().unwrap());
    }
    assert_eq!(all, names(""));
}

#[rstest]
fn a_back_end_changes_any_group_room_and_speaks_for_users(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    assert_problem(&shop.post("/v1/rooms", &json!({})), 400, "invalid-request");
    let room = make(&shop, &json!({"members": ["ann", "bob"], "name": "7"}));
    assert_eq!(room["members"], json!(["ann", "bob"]), "the back end is no member");
    let path = path(&room);
    assert_eq!(shop.get(&path).json["name"], "7");
    assert_eq!(shop.patch(&path, &json!({"status": "paid"})).json["status"], "paid");
    assert_eq!(shop.put(&format!("{path}/members/cyd")).status, 204);
    assert_eq!(shop.delete(&format!("{path}/members/cyd")).status, 204);
    // in the name of a user it may do what that user may
    let of_ann = make(&shop, &json!({"from": "ann", "members": ["bob"]}));
    let of_ann = self::path(&of_ann);
    assert_problem(&shop.delete(&format!("{of_ann}/members/ann?from=bob")), 403, "forbidden");
    assert_problem(&shop.patch(&of_ann, &json!({"from": "eve", "name": "x"})), 404, "not-found");
    assert_eq!(shop.patch(&of_ann, &json!({"from": "bob", "name": "x"})).status, 200);
    assert_eq!(shop.delete(&format!("{of_ann}/members/bob?from=ann")).status, 204);
    // and it reads nobody's messages
    assert_problem(&shop.get(&format!("{path}/messages")), 403, "forbidden");
    assert_problem(&shop.get("/v1/rooms"), 403, "forbidden");
    assert_problem(&ann.patch(&path, &json!({"from": "bob"})), 403, "forbidden");
    assert_eq!(bob.get("/v1/rooms").json["rooms"].as_array().unwrap().len(), 1);
}

#[rstest]
fn a_back_end_sees_no_direct_room_and_nothing_that_is_said(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let ann = gateway.user("ann");
    let direct = ann.send("bob", "secret").json["room"].as_str().unwrap().to_owned();
    assert_problem(&shop.get(&format!("/v1/rooms/{direct}")), 404, "not-found");
    assert_problem(&shop.patch(&format!("/v1/rooms/{direct}"), &json!({"name": "x"})), 404, "not-found");
    let group = make(&ann, &json!({"members": ["bob"]}));
    ann.post("/v1/messages", &json!({"room": group["id"], "body": "secret"}));
    let seen = shop.get(&path(&group)).json;
    assert_eq!((&seen["last_message"], &seen["last_seq"]), (&Value::Null, &json!(1)));
    assert_eq!(shop.patch(&path(&group), &json!({"name": "x"})).json["last_message"], Value::Null);
}

#[rstest]
fn nobody_sends_away_who_made_a_room(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, eve) = (gateway.user("ann"), gateway.user("eve"));
    let room = make(&ann, &json!({"members": ["eve"]}));
    assert_eq!(eve.patch(&path(&room), &json!({"assignee": "eve"})).status, 200);
    assert_problem(&eve.delete(&format!("{}/members/ann", path(&room))), 403, "forbidden");
}

#[rstest]
fn a_large_room_is_told_of_in_one_event(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut members: Vec<String> = (0..99).map(|n| format!("user-{n}")).collect();
    members.push("bob".to_owned());
    let room = make(&ann, &json!({"members": members, "name": "a"}));
    ann.post("/v1/messages", &json!({"room": room["id"], "body": "hi"}));
    assert_eq!(ann.patch(&path(&room), &json!({"name": "b"})).json["unread"], 0);
    let bobs = heard(&bob, 3);
    assert_eq!((bobs[2].0.as_str(), &bobs[2].1["name"]), ("room.updated", &json!("b")));
    let told = bobs[2].1.as_object().unwrap();
    assert!(!told.contains_key("unread") && !told.contains_key("last_read_seq"), "{told:?}");
}
