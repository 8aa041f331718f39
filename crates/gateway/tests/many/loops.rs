//! Poll loops whose polls go to two gateways in turn, as behind a balancer that knows no sessions.

use std::thread;

use pollgate_testkit::{User, eventually};
use serde_json::Value;

use crate::world::{LIMIT, Pair, World};

/// The linger time is a minute: what comes in a test's time comes because a gateway let go.
fn world() -> World {
    World::with(Pair::Production, |_number, builder| builder.env("POLLGATE_POLL__LINGER_MS", "60000"))
}

fn bodies(answer: &Value) -> Vec<String> {
    let events = answer["events"].as_array().unwrap().iter();
    let messages = events.filter(|event| event["type"] == "message.created");
    messages.map(|event| event["data"]["body"].as_str().unwrap().to_owned()).collect()
}

fn texts(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("message {number}")).collect()
}

fn send(world: &World, from: usize, to: usize) {
    for (number, text) in texts(from, to).iter().enumerate() {
        assert_eq!(world.gateway(number).user("ann").send("bob", text).status, 201);
    }
}

fn consumers(world: &World) -> u64 {
    let answer = world.gateway(0).user("ann").operator().get("/v1/mailboxes?user=bob");
    answer.json["mailboxes"][0]["consumers"].as_u64().unwrap_or(0)
}

#[test]
fn a_cursor_loop_that_alternates_gets_everything_once_and_in_order() {
    for query in ["", "&session=phone"] {
        let world = world();
        let (mut cursor, mut came) = (String::new(), Vec::new());
        for round in 0..20 {
            // one sender at one gateway: what two gateways publish side by side has its order by `seq` alone
            assert_eq!(world.gateway(0).user("ann").send("bob", &format!("message {round}")).status, 201);
            let bob = world.gateway(round).user("bob");
            while came.len() <= round {
                let answer = bob.poll(&format!("cursor={cursor}&wait=5.5{query}"));
                assert_eq!((answer.status, &answer.json["resync"]), (200, &Value::Bool(false)), "{answer:?}");
                came.extend(bodies(&answer.json));
                answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
            }
        }
        assert_eq!(came, texts(0, 20), "{query}");
        world.gateway(0).user("bob").poll(&format!("cursor={cursor}&wait=0{query}"));
    }
}

#[test]
fn a_simple_loop_that_alternates_gets_everything() {
    let world = world();
    let mut came = Vec::new();
    for round in 0..20 {
        send(&world, round, round + 1);
        // the first message to somebody brings its room with it, which may fill an answer of its own
        while came.len() <= round {
            came.extend(bodies(&world.gateway(round).user("bob").poll("wait=5.5").json));
        }
    }
    assert_eq!(came, texts(0, 20));
}

/// Each keeps working; what comes is split between them, and what one of them leaves the other gets.
#[test]
fn two_simple_loops_at_two_gateways_share_a_mailbox() {
    let world = world();
    // the first message to somebody brings its room with it: that is over before the two begin
    send(&world, 0, 1);
    while bodies(&world.gateway(0).user("bob").poll("wait=5.5").json).is_empty() {}
    let hold = |user: User| thread::spawn(move || bodies(&user.poll("wait=5.5").json));
    let (here, there) = (hold(world.gateway(0).user("bob")), hold(world.gateway(1).user("bob")));
    eventually("both are held", LIMIT, || consumers(&world) == 2);
    send(&world, 1, 3);
    let mut came = [here.join().unwrap(), there.join().unwrap()].concat();
    came.sort();
    assert_eq!(came, texts(1, 3));
    // the loop at the first gateway ends here
    send(&world, 3, 10);
    eventually("the other one gets the rest", LIMIT, || {
        came.extend(bodies(&world.gateway(1).user("bob").poll("wait=1").json));
        came.len() >= 9
    });
    came.sort();
    assert_eq!(came, texts(1, 10));
}
