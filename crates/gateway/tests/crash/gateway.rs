//! The gateway is killed.

use pollgate_testkit::Backends;
use serde_json::json;

use crate::ledger::Ledger;
use crate::world::{Crew, LIMIT, production, start, until_held};

/// Right after the 201 the process is gone; the message is not.
fn killed_after_the_answer(backends: Backends) {
    let mut gateway = start(backends);
    let ledger = Ledger::default();
    for round in 0..5 {
        let answer =
            gateway.user("ann").post("/v1/messages", &json!({"to": "bob", "body": round.to_string()}));
        gateway.kill();
        assert_eq!(answer.status, 201, "{answer:?}");
        ledger.accepted("bob", &answer.json);
        gateway.start_again();
    }
    let bob = gateway.user("bob");
    let mut cursor = String::new();
    pollgate_testkit::eventually("what was accepted comes", LIMIT, || {
        let answer = bob.poll(&format!("cursor={cursor}&wait=1"));
        ledger.came("bob", &answer.json);
        cursor = answer.json["cursor"].as_str().unwrap().to_owned();
        ledger.missing() == 0
    });
}

#[test]
fn a_message_outlives_a_kill_right_after_its_201_on_the_embedded_pair() {
    let folder = tempfile::tempdir().unwrap();
    killed_after_the_answer(Backends::Embedded(folder.path().to_owned()));
}

#[test]
fn a_message_outlives_a_kill_right_after_its_201_on_the_production_pair() {
    let (_schema, backends) = production();
    killed_after_the_answer(backends);
}

/// Killed again and again in the middle of sends and polls.
fn killed_under_load(backends: Backends) {
    let mut gateway = start(backends);
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.sender(gateway.user("eve"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    for _ in 0..3 {
        crew.until_accepted(50);
        gateway.kill();
        gateway.start_again();
    }
    crew.until_accepted(50);
    crew.until_nothing_is_missing();
    crew.stop();
}

#[test]
fn kills_under_load_lose_nothing_on_the_embedded_pair() {
    let folder = tempfile::tempdir().unwrap();
    killed_under_load(Backends::Embedded(folder.path().to_owned()));
}

#[test]
fn kills_under_load_lose_nothing_on_the_production_pair() {
    let (_schema, backends) = production();
    killed_under_load(backends);
}

#[test]
fn an_answer_that_the_client_never_read_comes_again() {
    let (_schema, backends) = production();
    let gateway = start(backends);
    let ledger = Ledger::default();
    let ann = gateway.user("ann");
    for n in 0..20 {
        ledger.accepted("bob", &ann.send("bob", &n.to_string()).json);
    }
    // the request goes out whole, and the socket is closed before a byte of the answer is read
    for _ in 0..5 {
        gateway.user("bob").poll_and_hang_up("cursor=&wait=1");
    }
    let answer = gateway.user("bob").poll("cursor=&wait=5");
    ledger.came("bob", &answer.json);
    let cursor = answer.json["cursor"].as_str().unwrap();
    ledger.came("bob", &gateway.user("bob").poll(&format!("cursor={cursor}&wait=1")).json);
    assert_eq!(ledger.missing(), 0);
}

#[test]
fn sigterm_ends_held_polls_with_advice_and_the_process_with_success() {
    let (_schema, backends) = production();
    let mut gateway = start(backends);
    let bob = gateway.user("bob");
    let held = std::thread::spawn(move || bob.poll("cursor=&wait=5.5"));
    until_held(&gateway, "bob");
    let status = gateway.terminate();
    let answer = held.join().unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json["pause_ms"].as_u64().unwrap() > 0, "{answer:?}");
    assert!(status.success(), "{status:?}: {}", gateway.log());
}
