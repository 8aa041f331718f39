//! Desks: agents see and take the rooms that wait there, and no others.

use pollgate_testkit::User;
use rstest::rstest;
use serde_json::{Value, json};

use crate::rooms::{heard, make, path};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, assert_problem, world};

struct Desk {
    world: World,
    visitor: User,
    /// Two agents of the desk.
    una: User,
    vic: User,
    room: Value,
}

/// A visitor's room that waits at a desk.
fn desk(pair: Pair) -> Desk {
    let world = world(pair);
    let shop = world.user_with("shop", "publish");
    for agent in ["una", "vic"] {
        assert_eq!(shop.put(&format!("/v1/desks/billing/agents/{agent}")).status, 204);
    }
    let visitor = world.user("visitor");
    let room = make(&visitor, &json!({"category": "billing", "status": "open"}));
    visitor.post("/v1/messages", &json!({"room": room["id"], "body": "help"}));
    let (una, vic) = (world.user("una"), world.user("vic"));
    Desk { world, visitor, una, vic, room }
}

fn ids(user: &User, query: &str) -> Vec<Value> {
    let answer = user.get(&format!("/v1/rooms?{query}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["rooms"].as_array().unwrap().iter().map(|room| room["id"].clone()).collect()
}

#[rstest]
fn agents_see_what_waits_and_others_do_not(#[values(Embedded, Production)] pair: Pair) {
    let Desk { world, una, room, .. } = desk(pair);
    assert_eq!(ids(&una, "category=billing"), [room["id"].clone()]);
    assert_eq!(ids(&una, "category=billing&assignee="), [room["id"].clone()]);
    assert_eq!(ids(&una, "assignee=&status=open"), [room["id"].clone()]);
    assert_eq!(ids(&una, "category=billing&status=closed"), [] as [Value; 0]);
    assert_eq!(ids(&una, ""), [] as [Value; 0], "the plain list is what one is in");
    assert_eq!(una.get(&path(&room)).json["members"], json!(["visitor"]));
    assert_eq!(una.get(&format!("{}/messages", path(&room))).json["count"], 1);
    assert_eq!(heard(&una, 1)[0].0, "room.created");
    let eve = world.user("eve");
    assert_eq!(ids(&eve, "category=billing"), [] as [Value; 0]);
    assert_problem(&eve.get(&path(&room)), 404, "not-found");
    assert_problem(&eve.get(&format!("{}/messages", path(&room))), 404, "not-found");
    // looking is not being in it
    assert_problem(&una.post("/v1/messages", &json!({"room": room["id"], "body": "x"})), 404, "not-found");
}

#[rstest]
fn who_takes_a_room_has_it_alone(#[values(Embedded, Production)] pair: Pair) {
    let Desk { world: _world, visitor, una, vic, room } = desk(pair);
    let taken = una.patch(&path(&room), &json!({"assignee": "una", "status": "taken"}));
    assert_eq!(taken.status, 200, "{taken:?}");
    assert_eq!(
        (&taken.json["assignee"], &taken.json["members"]),
        (&json!("una"), &json!(["una", "visitor"]))
    );
    assert_eq!(una.post("/v1/messages", &json!({"room": room["id"], "body": "hello"})).status, 201);
    assert_problem(&vic.get(&path(&room)), 404, "not-found");
    assert_problem(&vic.get(&format!("{}/messages", path(&room))), 404, "not-found");
    assert_problem(&vic.patch(&path(&room), &json!({"assignee": "vic"})), 404, "not-found");
    assert_eq!(ids(&vic, "category=billing"), [] as [Value; 0]);
    assert_eq!(ids(&una, "assignee=una"), [room["id"].clone()]);
    // the other agent hears that it waits no more
    let vics = heard(&vic, 2);
    assert_eq!((vics[1].0.as_str(), &vics[1].1["assignee"]), ("room.updated", &json!("una")));
    let visitors = heard(&visitor, 4);
    let own = |data: &Value| data["sender"] == "visitor";
    let kinds: Vec<&str> =
        visitors.iter().filter(|(_, data)| !own(data)).map(|(kind, _)| kind.as_str()).take(4).collect();
    let all = ["room.created", "member.added", "room.updated", "message.created"];
    assert_eq!(kinds, all[..kinds.len()]);
    // handing over: who had it sees it no more
    assert_eq!(una.patch(&path(&room), &json!({"assignee": "vic"})).status, 200);
    assert_problem(&una.get(&path(&room)), 404, "not-found");
    assert_eq!(vic.get(&path(&room)).json["members"], json!(["vic", "visitor"]));
    // giving back: it waits for all again
    assert_eq!(vic.patch(&path(&room), &json!({"assignee": null})).status, 200);
    assert_eq!((una.get(&path(&room)).status, vic.get(&path(&room)).status), (200, 200));
    assert_eq!(una.get(&path(&room)).json["members"], json!(["visitor"]));
}

#[rstest]
fn only_agents_say_who_looks_after_a_room(#[values(Embedded, Production)] pair: Pair) {
    let Desk { world, visitor, una, room, .. } = desk(pair);
    assert_problem(&visitor.patch(&path(&room), &json!({"assignee": "una"})), 403, "forbidden");
    assert_problem(&visitor.patch(&path(&room), &json!({"category": "sales"})), 403, "forbidden");
    assert_eq!(visitor.patch(&path(&room), &json!({"status": "closed"})).status, 200);
    assert_problem(&una.patch(&path(&room), &json!({"assignee": "eve"})), 400, "invalid-request");
    let body = json!({"category": "billing", "assignee": "una"});
    assert_problem(&visitor.post("/v1/rooms", &body), 403, "forbidden");
    let shop = world.user_with("shop", "publish");
    let given = make(&shop, &json!({"members": ["visitor"], "category": "billing", "assignee": "una"}));
    assert_eq!(given["members"], json!(["una", "visitor"]));
    // sent to another desk it waits there
    assert_eq!(shop.put("/v1/desks/sales/agents/sam").status, 204);
    let moved = una.patch(&path(&given), &json!({"category": "sales"}));
    assert_eq!((moved.status, &moved.json["assignee"]), (200, &Value::Null), "{moved:?}");
    assert_eq!(ids(&world.user("sam"), "category=sales"), [given["id"].clone()]);
    assert_problem(&una.get(&path(&given)), 404, "not-found");
}

#[rstest]
fn a_room_of_no_desk_is_assigned_by_its_members(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let room = make(&ann, &json!({"category": "garden", "assignee": "bob"}));
    assert_eq!(room["members"], json!(["ann", "bob"]));
    assert_eq!(ids(&bob, "assignee=bob"), [room["id"].clone()]);
    assert_eq!(bob.patch(&path(&room), &json!({"assignee": "cyd"})).status, 200);
    assert_eq!(bob.get(&path(&room)).json["members"], json!(["ann", "bob", "cyd"]), "nobody is sent away");
    assert_eq!(bob.delete(&format!("{}/members/cyd", path(&room))).status, 403);
    assert_eq!(gateway.user("cyd").delete(&format!("{}/members/cyd", path(&room))).status, 204);
    assert_eq!(ann.get(&path(&room)).json["assignee"], Value::Null, "who left looks after nothing");
}

#[rstest]
fn back_ends_say_who_serves_a_desk(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "publish");
    let ann = gateway.user("ann");
    assert_problem(&ann.put("/v1/desks/billing/agents/ann"), 403, "forbidden");
    assert_problem(&ann.get("/v1/desks/billing/agents"), 403, "forbidden");
    for agent in ["una", "ann", "una"] {
        assert_eq!(shop.put(&format!("/v1/desks/billing/agents/{agent}")).status, 204);
    }
    assert_eq!(shop.get("/v1/desks/billing/agents").json, json!({"agents": ["ann", "una"]}));
    assert_eq!(ann.get("/v1/desks").json, json!({"desks": ["billing"]}));
    assert_eq!(shop.delete("/v1/desks/billing/agents/ann").status, 204);
    assert_eq!(shop.delete("/v1/desks/billing/agents/ann").status, 204);
    assert_eq!(ann.get("/v1/desks").json, json!({"desks": []}));
    assert_problem(&shop.put(&format!("/v1/desks/{}/agents/ann", "x".repeat(65))), 400, "invalid-request");
}
