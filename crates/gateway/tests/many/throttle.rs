//! Requests are counted over all gateways, in PostgreSQL and in Redis, and by each gateway alone when those are away.

use std::thread;

use pollgate_testkit::{Builder, PgSchema, RedisKeys, TcpProxy, eventually, redis_address, redis_url};
use rstest::rstest;
use serde_json::json;

use crate::world::{LIMIT, Pair, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Pg,
    Redis,
}

/// So slow that no token comes back while a test runs.
fn slow(builder: Builder) -> Builder {
    builder
        .env("POLLGATE_THROTTLE__ENABLED", "true")
        .env("POLLGATE_THROTTLE__MESSAGES", "60/h")
        .env("POLLGATE_THROTTLE__TIMEOUT_MS", "20000")
}

/// Requests at all gateways at once; how many pass at each. Whatever does not pass must be a 429.
fn at_once(world: &World, user: &str, requests: usize) -> usize {
    let one = |number: usize| {
        let sender = world.gateway(number).user(user);
        let statuses = (0..requests).map(|_| sender.send("bob", "hi").status);
        statuses
            .inspect(|status| assert!(matches!(status, 201 | 429), "{status}"))
            .filter(|status| *status == 201)
            .count()
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8).map(|number| scope.spawn(move || one(number))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    })
}

#[rstest]
fn sixty_are_sixty_at_two_gateways_too(#[values(Count::Pg, Count::Redis)] count: Count) {
    let keys = RedisKeys::new();
    let world = World::with(Pair::Production, |_number, builder| match count {
        Count::Pg => slow(builder),
        Count::Redis => slow(builder)
            .env("POLLGATE_THROTTLE__REDIS", &redis_url())
            .env("POLLGATE_THROTTLE__REDIS_PREFIX", keys.prefix()),
    });
    let mut passed = 0;
    // what one gateway had taken ahead and did not use is given back in between
    eventually("all of it is used", LIMIT, || {
        passed += at_once(&world, "ann", 10);
        passed >= 60
    });
    passed += at_once(&world, "ann", 20);
    assert!((60..=66).contains(&passed), "{passed}");
    let rows = world.schema().count("throttle");
    match count {
        Count::Pg => assert_eq!((rows, keys.count()), (1, 0)),
        Count::Redis => assert_eq!((rows, keys.count()), (0, 1)),
    }
    // a gateway that starts anew knows nothing; the shared count does
    let mut world = world;
    world.restart(0);
    assert!(at_once(&world, "ann", 5) <= 1);
    assert_eq!(world.gateway(1).user("eve").send("bob", "hi").status, 201);
}

#[test]
fn without_redis_requests_pass_by_each_gateways_own_count() {
    let keys = RedisKeys::new();
    let mut line = TcpProxy::start(&redis_address());
    let url = format!("redis://127.0.0.1:{}", line.port());
    let world = World::with(Pair::Production, |_number, builder| {
        slow(builder)
            .env("POLLGATE_THROTTLE__REDIS", &url)
            .env("POLLGATE_THROTTLE__REDIS_PREFIX", keys.prefix())
            .env("POLLGATE_THROTTLE__TIMEOUT_MS", "500")
    });
    assert_eq!(world.gateway(0).user("ann").send("bob", "hi").status, 201);
    eventually("it is counted in Redis", LIMIT, || keys.count() == 1);
    line.cut();
    // never a 503: two gateways, so at most two buckets
    let passed: usize = (0..2).map(|_| at_once(&world, "eve", 20)).sum();
    assert!((60..=120).contains(&passed), "{passed}");
    line.heal();
    // it is told afterwards, and said once
    eventually("it is counted in Redis again", LIMIT, || {
        world.gateway(0).user("ann").send("bob", "hi");
        keys.count() == 2
    });
    for number in 0..2 {
        eventually("the log says that it works again", LIMIT, || {
            world.gateway(number).user("dan").send("bob", "hi");
            world.gateway(number).log().contains("answers again")
        });
    }
    let said = |number: usize| world.gateway(number).log().matches("counts by itself").count();
    assert_eq!((said(0), said(1)), (1, 1));
}

#[test]
fn a_redis_that_is_away_at_the_start_stops_nobody() {
    let nobody = format!("redis://127.0.0.1:{}", pollgate_testkit::free_port());
    let world = World::with(Pair::Production, |_number, builder| {
        slow(builder).env("POLLGATE_THROTTLE__REDIS", &nobody).env("POLLGATE_THROTTLE__TIMEOUT_MS", "500")
    });
    let passed = at_once(&world, "ann", 30);
    assert!((60..=120).contains(&passed), "{passed}");
}

/// What needs no database goes on without it, and is counted by each gateway.
#[test]
fn without_the_database_requests_pass_by_each_gateways_own_count() {
    let schema = PgSchema::create();
    let url = schema.url();
    let address = url.split('@').nth(1).unwrap().split('/').next().unwrap();
    let mut line = TcpProxy::start(address);
    let through = url.replace(address, &format!("127.0.0.1:{}", line.port()));
    let world = World::with(Pair::Production, |_number, builder| {
        slow(builder)
            .env("POLLGATE_STORE__URL", &through)
            .env("POLLGATE_THROTTLE__PUBLISH", "20/h")
            .env("POLLGATE_THROTTLE__TIMEOUT_MS", "500")
    });
    let publish = |number: usize, requests: usize| {
        let shop = world.gateway(number).user_with("shop", "publish");
        let event = json!({"to": ["bob"], "type": "x", "ephemeral": true});
        let statuses: Vec<u16> = (0..requests).map(|_| shop.post("/v1/events", &event).status).collect();
        assert!(statuses.iter().all(|status| matches!(status, 202 | 429)), "{statuses:?}");
        statuses.iter().filter(|status| **status == 202).count()
    };
    line.blackhole();
    assert_eq!((publish(0, 30), publish(1, 30)), (20, 20), "one bucket at each gateway");
    line.heal();
    eventually("it is counted in the database", LIMIT, || {
        let debts = schema.query(&format!("select sum(spent) from {}.throttle", schema.name()));
        publish(0, 1) + publish(1, 1) == 0 && !debts.trim().is_empty()
    });
}
