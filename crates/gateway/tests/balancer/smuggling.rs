//! Requests that the balancer and a gateway might read differently: none hides in another one, and nobody gets an answer that
//! was somebody else's.

use std::thread;

use pollgate_testkit::eventually;
use pollgate_testkit::smuggling::{HIDDEN, cases, open_pipeline, some_answers};

use crate::world::{LIMIT, World};

/// So many are tried at once.
const AT_ONCE: usize = 8;

#[test]
fn no_request_hides_on_its_way_through_the_balancer() {
    let world = World::new();
    let address = world.nginx.address();
    let all = cases(&world.a.token("ann"));
    for some in all.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for case in some {
                scope.spawn(|| drop(some_answers(address, &case.bytes)));
            }
        });
    }
    // nginx reads some odd chunks as whole, and takes what stands behind them for a request of the same client. That is no
    // harm: it says so in its log, and sends it on as one. What a gateway did, and nginx knows nothing of, was hidden.
    let sent = || {
        let rooms = world.user("ann").get("/v1/rooms?limit=100");
        rooms.json["rooms"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|room| room.to_string().contains(HIDDEN))
            .count()
    };
    eventually("each message is one that the balancer knows", LIMIT, || {
        let log = world.nginx.access_log();
        let known = log.iter().filter(|line| line.contains("POST /v1/messages 201"));
        known.count() == sent()
    });
    // the connections that the balancer kept to the gateways carry answers to whom they belong
    thread::scope(|scope| {
        for n in 0..AT_ONCE {
            let world = &world;
            scope.spawn(move || {
                let (me, peer) = (format!("user-{n}"), format!("peer-{n}"));
                let user = world.user(&me);
                for turn in 0..10 {
                    let sent = user.send(&peer, &turn.to_string());
                    assert_eq!((sent.status, &sent.json["sender"]), (201, &me.as_str().into()), "{sent:?}");
                    let rooms = user.get("/v1/rooms");
                    let members = rooms.json["rooms"][0]["members"].to_string();
                    assert!(members.contains(&format!("\"{peer}\"")), "{rooms:?}");
                }
            });
        }
    });
}

/// What the others prove nothing without: through the balancer, too, two good requests are two.
#[test]
fn two_good_requests_pass_as_two() {
    let world = World::new();
    assert_eq!(some_answers(world.nginx.address(), &open_pipeline(&world.a.token("ann"))), [404, 201]);
    let rooms = world.user("ann").get("/v1/rooms");
    assert!(rooms.json.to_string().contains(HIDDEN), "{rooms:?}");
}
