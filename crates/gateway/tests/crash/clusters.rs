//! Several RabbitMQ clusters: one is away, one is added, one is there for half of a room.

use pollgate_broker::{ClusterName, Placement};
use pollgate_testkit::{Answer, Backends, Gateway, PgSchema, RabbitNode, User, Vhost, unique_prefix};
use serde_json::json;

use crate::world::{BINARY, Crew, LIMIT};

fn gateway_on(urls: &[String], schema: &PgSchema, prefix: &str) -> Gateway {
    Gateway::builder(BINARY)
        .backends(Backends::Production {
            pg_url: schema.url(),
            amqp_url: String::new(),
            prefix: prefix.to_owned(),
        })
        .env("POLLGATE_BROKER__URLS", &urls.join(","))
        .env("POLLGATE_POLL__LINGER_MS", "1000")
        .start()
}

/// A user of each cluster, in the order of the list.
fn users_of(urls: &[String]) -> Vec<&'static str> {
    const NAMES: [&str; 16] = [
        "ann", "bob", "cem", "dan", "eve", "fay", "gil", "hal", "ida", "jan", "kim", "lea", "max", "noa",
        "ole", "pia",
    ];
    let names = urls.iter().map(|url| ClusterName::of_url(url).unwrap()).collect();
    let placement = Placement::new(names).unwrap();
    let on = |lane| NAMES.into_iter().find(|name| placement.lane_of(&name.parse().unwrap()) == lane);
    (0..urls.len()).map(|lane| on(lane).unwrap()).collect()
}

/// One who is on the first of the two lists' clusters by the one list, and on the last by the other.
fn mover(before: &[String], after: &[String]) -> String {
    let placed = |urls: &[String]| {
        Placement::new(urls.iter().map(|url| ClusterName::of_url(url).unwrap()).collect()).unwrap()
    };
    let (before, after) = (placed(before), placed(after));
    let moves = |name: &String| {
        let user = name.parse().unwrap();
        before.cluster_of(&user) != after.cluster_of(&user)
    };
    (0..200).map(|n| format!("user-{n}")).find(moves).unwrap()
}

/// What `/readyz` says of each cluster, and of the whole.
fn readiness(gateway: &Gateway) -> (u16, Vec<String>, String) {
    let answer = gateway.at_operator_address().get("/readyz");
    let clusters = answer.json["clusters"].as_array().unwrap();
    let states = clusters.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect();
    (answer.status, states, answer.json["broker"].as_str().unwrap().to_owned())
}

/// Polls in a cursor loop until these texts have come, in whatever order.
fn until_they_come(reader: &User, cursor: &mut String, wanted: &[&str]) {
    let mut missing = wanted.to_vec();
    pollgate_testkit::eventually(&wanted.join(", "), LIMIT, || {
        let answer = reader.poll(&format!("cursor={cursor}&wait=1"));
        if answer.status == 200 {
            answer.json["cursor"].as_str().unwrap().clone_into(cursor);
            let came = texts(&answer);
            missing.retain(|text| !came.iter().any(|one| one == text));
        }
        missing.is_empty()
    });
}

fn texts(answer: &Answer) -> Vec<String> {
    let events = answer.json["events"].as_array().unwrap();
    events.iter().filter_map(|event| event["data"]["body"].as_str().map(ToOwned::to_owned)).collect()
}

/// The second cluster stops under load: its users wait and get everything, the others notice nothing.
#[test]
fn an_outage_of_one_cluster_is_its_own_users_alone() {
    let (vhost, mut node, schema) = (Vhost::create(), RabbitNode::start(), PgSchema::create());
    let urls = [vhost.url(), node.url()];
    let gateway = gateway_on(&urls, &schema, &unique_prefix());
    let [near, far] = users_of(&urls)[..] else { panic!("two clusters") };
    // each has a direct room with a sender, and so the sender's own mailbox is concerned as well
    let (mut to_near, mut to_far) = (Crew::new(), Crew::new());
    to_near.sender(gateway.user("sender-1"), near);
    to_near.reader(gateway.user(near), near);
    to_far.sender(gateway.user("sender-2"), far);
    to_far.reader(gateway.user(far), far);
    to_near.until_accepted(20);
    to_far.until_accepted(20);
    assert_eq!(readiness(&gateway), (200, vec!["up".into(), "up".into()], "up".into()));

    node.stop();
    pollgate_testkit::eventually("readiness names the cluster that is away", LIMIT, || {
        readiness(&gateway) == (200, vec!["up".into(), "away".into()], "partly".into())
    });
    let name = ClusterName::of_url(&urls[1]).unwrap();
    let logged = |what: &str| {
        let log = gateway.log();
        log.lines().any(|line| line.contains(what) && line.contains(name.as_str()))
    };
    pollgate_testkit::eventually("so does the log", LIMIT, || logged("the cluster is away"));
    to_far.until_accepted(20); // sends need no broker
    to_near.until_accepted(20);
    // while it is away, whatever was sent to the other cluster's user comes
    to_near.until_nothing_is_missing();
    assert!(to_far.ledger.missing() > 0, "the node is down, so this waits");

    node.start_again();
    pollgate_testkit::eventually("readiness is whole again", LIMIT, || readiness(&gateway).2 == "up");
    pollgate_testkit::eventually("the log says so", LIMIT, || logged("the cluster is up again"));
    to_far.until_accepted(20);
    for crew in [to_near, to_far] {
        crew.until_nothing_is_missing();
        crew.stop();
    }
    pollgate_testkit::eventually("the outbox empties", LIMIT, || schema.count("outbox") == 0);
}

/// One event for users of both clusters, one of them away: it comes to the others at once, and to the rest later,
/// even when the gateway is killed in between.
#[test]
fn a_room_on_both_clusters_waits_for_neither() {
    let (vhost, mut node, schema) = (Vhost::create(), RabbitNode::start(), PgSchema::create());
    let urls = [vhost.url(), node.url()];
    let mut gateway = gateway_on(&urls, &schema, &unique_prefix());
    let [near, far] = users_of(&urls)[..] else { panic!("two clusters") };
    let announce = |gateway: &Gateway, text: &str| {
        let body = json!({"to": [near, far], "type": "notice", "data": {"body": text}});
        let answer = gateway.user_with("app", "publish").post("/v1/events", &body);
        assert_eq!(answer.status, 202, "{answer:?}");
    };
    let (mut of_near, mut of_far) = (String::new(), String::new());
    announce(&gateway, "both up");
    until_they_come(&gateway.user(near), &mut of_near, &["both up"]);
    until_they_come(&gateway.user(far), &mut of_far, &["both up"]);
    pollgate_testkit::eventually("both have answered", LIMIT, || schema.count("outbox") == 0);

    // no promise, but whoever polls on either cluster has a mailbox for it
    let ephemeral = json!({
        "to": [near, far], "type": "notice", "data": {"body": "in passing"}, "ephemeral": true,
    });
    let answer = gateway.user_with("app", "publish").post("/v1/events", &ephemeral);
    assert_eq!(answer.status, 202, "{answer:?}");
    until_they_come(&gateway.user(near), &mut of_near, &["in passing"]);
    until_they_come(&gateway.user(far), &mut of_far, &["in passing"]);

    node.stop();
    announce(&gateway, "one away");
    // a direct message between the two is one row of both lanes as well
    assert_eq!(gateway.user(far).send(near, "from over there").status, 201);
    until_they_come(&gateway.user(near), &mut of_near, &["from over there"]);
    assert!(schema.count("outbox") >= 2, "half of each still waits");
    let away = gateway.user(far).poll("cursor=&wait=1");
    assert_eq!((away.status, away.json["code"].as_str()), (503, Some("broker-unavailable")), "{away:?}");
    gateway.kill();
    gateway.start_again();
    announce(&gateway, "after the kill");
    until_they_come(&gateway.user(near), &mut of_near, &["after the kill"]);

    node.start_again();
    until_they_come(&gateway.user(far), &mut of_far, &["one away", "from over there", "after the kill"]);
    pollgate_testkit::eventually("the outbox empties", LIMIT, || schema.count("outbox") == 0);
}

/// A second cluster is added between two runs: who moves is told to resync once, who stays is not.
#[test]
fn who_moves_to_a_new_cluster_is_told_and_nobody_else() {
    let (one, other, schema) = (Vhost::create(), Vhost::create(), PgSchema::create());
    let (before, after) = ([one.url()], [one.url(), other.url()]);
    let moving = mover(&before, &after);
    let staying = users_of(&after)[0];
    let prefix = unique_prefix();
    let mut gateway = gateway_on(&before, &schema, &prefix);
    let start = |name: &str| {
        let answer = gateway.user(name).poll("cursor=&wait=0");
        answer.json["cursor"].as_str().unwrap().to_owned()
    };
    let cursors = [start(&moving), start(staying)];
    assert_eq!(gateway.user("app").send(&moving, "left behind").status, 201);
    pollgate_testkit::eventually("it stands in the old place", LIMIT, || schema.count("outbox") == 0);
    assert!(gateway.terminate().success());

    let gateway = gateway_on(&after, &schema, &prefix);
    // what makes the mailbox in the new place is this, before its user comes: it is not the poll that makes it
    assert_eq!(gateway.user("app").send(&moving, "in the new place").status, 201);
    pollgate_testkit::eventually("it stands in the new place", LIMIT, || schema.count("outbox") == 0);
    let told = gateway.user(&moving).poll(&format!("cursor={}&wait=5", cursors[0]));
    assert_eq!(told.json["resync"], true, "{told:?}");
    assert_eq!(texts(&told), ["in the new place"]);
    let next = told.json["cursor"].as_str().unwrap();
    let heard = gateway.user(&moving).poll(&format!("cursor={next}&wait=0"));
    assert_eq!(heard.json["resync"], false, "{heard:?}");
    let stayed = gateway.user(staying).poll(&format!("cursor={}&wait=0", cursors[1]));
    assert_eq!(stayed.json["resync"], false, "{stayed:?}");
    // depths are asked of the user's own cluster, over HTTP and on the command line
    let depths = gateway.user(&moving).operator().get(&format!("/v1/mailboxes?user={moving}"));
    assert_eq!(depths.json["mailboxes"][0]["user"], moving.as_str(), "{depths:?}");
    let mut command = std::process::Command::new(BINARY);
    command.args(["mailboxes", "--user", &moving, "--json"]).envs(gateway.environment());
    let output = command.output().unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["mailboxes"][0]["user"], moving.as_str(), "{shown}");
}

/// The list changes while gateways run: what a gateway with the old list publishes after its reader has gone over to
/// the new place is seen by nobody, so the reader is told once that gateway is gone.
#[test]
fn what_a_gateway_with_another_list_publishes_is_made_good_by_a_resync() {
    let (one, other, schema) = (Vhost::create(), Vhost::create(), PgSchema::create());
    let (before, after) = ([one.url()], [one.url(), other.url()]);
    let moving = mover(&before, &after);
    let staying = users_of(&after)[0];
    let prefix = unique_prefix();
    let mut old = gateway_on(&before, &schema, &prefix);
    let new = gateway_on(&after, &schema, &prefix);
    let poll = |name: &str, cursor: &mut String, wait: u32| {
        let answer = new.user(name).poll(&format!("cursor={cursor}&wait={wait}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json["cursor"].as_str().unwrap().clone_into(cursor);
        answer
    };
    let mut cursor = String::new();
    let first = poll(&moving, &mut cursor, 0);
    assert_eq!(first.json["resync"], true, "whoever begins while lists differ may have missed something");
    assert_eq!(poll(&moving, &mut cursor, 0).json["resync"], false);
    let mut of_staying = String::new();
    assert_eq!(poll(staying, &mut of_staying, 0).json["resync"], false);

    assert_eq!(old.user("app").send(&moving, "to the old place").status, 201);
    pollgate_testkit::eventually("it stands in the old place", LIMIT, || schema.count("outbox") == 0);
    let nothing = poll(&moving, &mut cursor, 0);
    assert_eq!((texts(&nothing).len(), nothing.json["resync"].as_bool()), (0, Some(false)), "{nothing:?}");
    old.kill();
    pollgate_testkit::eventually("the reader is told", LIMIT, || {
        poll(&moving, &mut cursor, 1).json["resync"] == true
    });
    assert_eq!(poll(&moving, &mut cursor, 0).json["resync"], false, "told once");
    assert_eq!(poll(staying, &mut of_staying, 0).json["resync"], false);
    assert!(new.log().contains("another gateway uses another list of clusters"), "{}", new.log());
}
