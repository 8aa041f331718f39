//! The outbox, and the relay's memory in front of it.

use pollgate_testkit::{Answer, TcpProxy, User, eventually};
use rstest::rstest;

use super::{assert_refused, proxied_rabbitmq};
use crate::scrape::{LIMIT, Scrape, until, until_used};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, events, world_with};

/// A gateway whose way to RabbitMQ can be cut.
fn behind_proxy(settings: &[(&str, &str)]) -> (World, TcpProxy) {
    let (proxy, url) = proxied_rabbitmq();
    let world = world_with(Production, |builder| {
        let builder = builder.env("POLLGATE_BROKER__URL", &url);
        settings.iter().fold(builder, |builder, (name, value)| builder.env(name, value))
    });
    (world, proxy)
}

fn texts(user: &User, count: usize) -> Vec<String> {
    let all = events(user, "", count + 1); // the room comes first
    let messages = all.iter().filter(|event| event["type"] == "message.created");
    messages.map(|event| event["data"]["body"].as_str().unwrap().to_owned()).collect()
}

/// With the embedded pair a row stays until its recipients have confirmed it, with RabbitMQ until that has.
#[rstest]
fn rows_of_the_outbox(#[values(Embedded, Production)] pair: Pair) {
    let most = ("POLLGATE_LIMITS__OUTBOX_ROWS", "5");
    let (gateway, mut proxy) = match pair {
        Embedded => (world_with(pair, |builder| builder.env(most.0, most.1)), None),
        Production => {
            let (world, mut proxy) = behind_proxy(&[most]);
            proxy.cut();
            until(&world, "pollgate_broker_up", 0.0);
            (world, Some(proxy))
        }
    };
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut accepted = Vec::new();
    let send = |body: &str| -> Answer { ann.send("bob", body) };
    while accepted.len() < 100 {
        let text = format!("message {}", accepted.len());
        if send(&text).status != 201 {
            break;
        }
        accepted.push(text);
    }
    assert!((3..=5).contains(&accepted.len()), "{} were accepted", accepted.len());
    let [bound, used, _] = Scrape::of(&gateway).limit("outbox_rows");
    assert!(used >= bound, "{used} of {bound}");
    assert!(Scrape::of(&gateway).value("pollgate_outbox_rows") >= 5.0);
    eventually("the oldest row ages", LIMIT, || {
        Scrape::of(&gateway).value("pollgate_outbox_oldest_seconds") > 0.2
    });
    assert_refused(&gateway, "outbox_rows", (503, "overloaded", "outbox"), || send("refused"));
    if let Some(proxy) = &mut proxy {
        proxy.heal();
    }
    let mut came = Vec::new();
    let mut cursor = String::new();
    eventually("everything accepted comes, and there is room again", LIMIT, || {
        let polled = bob.poll(&format!("cursor={cursor}&wait=1"));
        if polled.status == 200 {
            came.extend(crate::world::bodies(&polled));
            crate::world::cursor(&polled).clone_into(&mut cursor);
        }
        came.len() >= accepted.len() && send("after").status == 201
    });
    came.truncate(accepted.len());
    assert_eq!(came, accepted);
}

/// Nothing is refused when the relay's memory is full: what finds no room is read from the outbox.
#[rstest]
#[case("relay_publications", "3")]
#[case("relay_bytes", "3000")]
fn the_relays_memory(#[case] limit: &str, #[case] most: &str) {
    let name = format!("POLLGATE_LIMITS__{}", limit.to_uppercase());
    let (gateway, mut proxy) = behind_proxy(&[(&name, most)]);
    proxy.cut();
    until(&gateway, "pollgate_broker_up", 0.0);
    let ann = gateway.user("ann");
    let sent: Vec<String> = (0..40).map(|number| format!("{number} {}", "x".repeat(1000))).collect();
    for text in &sent {
        assert_eq!(ann.send("bob", text).status, 201);
    }
    let [bound, used, overflowed] = Scrape::of(&gateway).limit(limit);
    assert!(overflowed > 0.0, "{used} of {bound}, and none overflowed");
    // a bound of bytes is met by the publication that passes it
    assert!(used < bound + 2000.0, "{used} of {bound}");
    proxy.heal();
    assert_eq!(texts(&gateway.user("bob"), sent.len()), sent);
    until(&gateway, "pollgate_outbox_rows", 0.0);
    until_used(&gateway, limit, 0.0);
}
