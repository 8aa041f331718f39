//! Rooms that are changed at several gateways, one after the other and at once.

use std::thread;

use pollgate_testkit::{Gateway, User, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{CLIENTS, LIMIT, World, all_events};

/// Makes a room; its path.
fn make(by: &User, body: &Value) -> String {
    let answer = by.post("/v1/rooms", body);
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("/v1/rooms/{}", answer.json["id"].as_str().unwrap())
}

/// Two changes whose order is known reach a member in that order: the second one is made when the first was heard.
#[rstest]
fn a_room_made_here_and_changed_there_is_told_in_order(#[values(Embedded, Production)] pair: Pair) {
    let world = World::new(pair);
    let room = make(&world.gateway(0).user("ann"), &json!({"members": ["bob"], "name": "0"}));
    let (mut names, mut cursor) = (Vec::new(), String::new());
    for round in 0..12 {
        if round > 0 {
            let ann = world.gateway(round).user("ann");
            let changed = ann.patch(&room, &json!({"name": round.to_string()}));
            assert_eq!(
                (changed.status, &changed.json["name"]),
                (200, &json!(round.to_string())),
                "{changed:?}"
            );
        }
        eventually("it is told", LIMIT, || {
            let answer = world.gateway(round / 2).user("bob").poll(&format!("cursor={cursor}&wait=5.5"));
            assert_eq!((answer.status, &answer.json["resync"]), (200, &json!(false)), "{answer:?}");
            answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
            let events = answer.json["events"].as_array().unwrap().iter();
            names.extend(events.map(|event| event["data"]["name"].as_str().unwrap().to_owned()));
            names.len() > round
        });
        // the other gateway shows what this one has changed
        let seen = world.gateway(round + 1).user("bob").get(&room);
        assert_eq!((seen.status, &seen.json["name"]), (200, &json!(round.to_string())), "{seen:?}");
    }
    let wanted: Vec<String> = (0..12).map(|round| round.to_string()).collect();
    assert_eq!(names, wanted);
}

#[rstest]
fn a_room_taken_by_all_agents_at_once_has_one_assignee(#[values(Embedded, Production)] pair: Pair) {
    let world = World::new(pair);
    let shop = world.gateway(0).user_with("shop", "publish");
    for number in 0..CLIENTS {
        assert_eq!(shop.put(&format!("/v1/desks/help/agents/agent{number}")).status, 204);
    }
    for round in 0..6 {
        let visitor = world.gateway(round).user("visitor");
        let room = make(&visitor, &json!({"category": "help", "name": round.to_string()}));
        let answers = world.each_at_once(|number, gateway| {
            let agent = format!("agent{number}");
            gateway.user(&agent).patch(&room, &json!({"assignee": agent}))
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.iter().enumerate().partition(|(_, answer)| answer.status == 200);
        assert_eq!(won.len(), 1, "{answers:?}");
        let (winner, answer) = (format!("agent{}", won[0].0), won[0].1);
        assert!(lost.iter().all(|(_, a)| a.status == 404 && a.json["code"] == "not-found"), "{answers:?}");
        assert_eq!(answer.json["assignee"], json!(winner));
        for gateway in [world.gateway(0), world.gateway(1)] {
            let seen = gateway.user("visitor").get(&room).json;
            assert_eq!((&seen["assignee"], &seen["members"]), (&json!(winner), &json!([winner, "visitor"])));
        }
    }
    let told: Vec<Value> = all_events(&world, "visitor");
    let taken =
        told.iter().filter(|event| event["type"] == "room.updated" && !event["data"]["assignee"].is_null());
    assert_eq!(taken.count(), 6, "each was taken once: {told:?}");
}

/// What the members heard adds up to who is in the room.
#[rstest]
fn additions_and_removals_at_once_leave_members_and_events_alike(#[values(Embedded, Production)] pair: Pair) {
    let world = World::new(pair);
    let room = make(&world.gateway(0).user("ann"), &json!({"members": ["bob"]}));
    for _round in 0..6 {
        let answers = world.each_at_once(|number, gateway| {
            let member = format!("{room}/members/{}", ["cyd", "dan"][number / 2 % 2]);
            let ann = gateway.user("ann");
            // half of the clients of each gateway add, and half remove
            if number / 4 % 2 == 0 { ann.put(&member) } else { ann.delete(&member) }
        });
        for (number, answer) in answers.iter().enumerate() {
            let removes = number / 4 % 2 == 1;
            assert!(answer.status == 204 || removes && answer.status == 404, "{number}: {answer:?}");
        }
    }
    let seen = world.gateway(1).user("bob").get(&room).json;
    let members: Vec<&str> =
        seen["members"].as_array().unwrap().iter().map(|user| user.as_str().unwrap()).collect();
    let events = all_events(&world, "bob");
    for user in ["cyd", "dan"] {
        let count = |kind: &str| {
            let of = events.iter().filter(|event| event["type"] == kind && event["data"]["user"] == user);
            i64::try_from(of.count()).unwrap()
        };
        let (added, removed) = (count("member.added"), count("member.removed"));
        assert!(added > 0, "{user} was never added");
        assert_eq!(
            added - removed,
            i64::from(members.contains(&user)),
            "{user}: {added} {removed} {members:?}"
        );
        // who is in the room reads it, and nobody else
        let status = world.gateway(0).user(user).get(&room).status;
        assert_eq!(status, if members.contains(&user) { 200 } else { 404 });
    }
}

fn mark(gateway: &Gateway, room: &str) -> i64 {
    gateway.user("bob").get(room).json["last_read_seq"].as_i64().unwrap()
}

/// Marks of one member at both gateways: what is seen of them never goes back, and the furthest stays.
#[rstest]
fn read_marks_at_once_never_go_back(#[values(Embedded, Production)] pair: Pair) {
    const MESSAGES: i64 = 64;
    let world = World::new(pair);
    let ann = world.gateway(0).user("ann");
    let room = format!("/v1/rooms/{}", ann.send("bob", "1").json["room"].as_str().unwrap());
    for number in 2..=MESSAGES {
        assert_eq!(ann.send("bob", &number.to_string()).status, 201);
    }
    thread::scope(|scope| {
        let marking = scope.spawn(|| {
            world.each_at_once(|number, gateway| {
                // each begins elsewhere, so that small marks come after great ones
                let mut last = None;
                for step in 0..MESSAGES / 4 {
                    let seq = (i64::try_from(number).unwrap() * 7 + step * 13) % MESSAGES + 1;
                    let answer = gateway.user("bob").post(&format!("{room}/read"), &json!({"seq": seq}));
                    assert_eq!(answer.status, 204, "{answer:?}");
                    // at whichever gateway one looks after the answer, it is there
                    assert!(mark(world.gateway(number + 1), &room) >= seq);
                    last = Some(answer);
                }
                last.unwrap()
            })
        });
        let mut seen = 0;
        for number in 0.. {
            let now = mark(world.gateway(number), &room);
            assert!(now >= seen, "it went back from {seen} to {now}");
            seen = now;
            if marking.is_finished() {
                break;
            }
        }
        marking.join().unwrap();
    });
    assert_eq!((mark(world.gateway(0), &room), mark(world.gateway(1), &room)), (MESSAGES, MESSAGES));
    let events = all_events(&world, "ann");
    let read = events.iter().filter(|event| event["type"] == "message.read");
    let mut told: Vec<i64> = read.map(|event| event["data"]["seq"].as_i64().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told.last(), Some(&MESSAGES));
    let count = told.len();
    told.dedup();
    assert_eq!(told.len(), count, "a mark moves to each place once");
}
