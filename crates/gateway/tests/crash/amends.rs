//! A gateway is killed right after it answered a change of a message.

use pollgate_testkit::{Backends, Gateway, eventually};
use serde_json::{Value, json};

use crate::world::{LIMIT, production, start};

fn path(message: &Value) -> String {
    format!("/v1/rooms/{}/messages/{}", message["room"].as_str().unwrap(), message["id"].as_str().unwrap())
}

fn found(gateway: &Gateway, q: &str) -> usize {
    let answer = gateway.user("bob").get(&format!("/v1/search?q={q}"));
    answer.json["messages"].as_array().map_or(0, Vec::len)
}

/// Each change is there after the kill, its event comes, and the index knows of it.
fn killed_after_the_answer(backends: Backends) {
    let mut gateway = start(backends);
    let mut expected = Vec::new();
    for round in 0..3 {
        let ann = gateway.user("ann");
        let (kept, gone) =
            (ann.send("bob", &format!("kept{round}")).json, ann.send("bob", &format!("gone{round}")).json);
        let edited = ann.patch(&path(&kept), &json!({"body": format!("edited{round}")}));
        let deleted = ann.delete(&path(&gone));
        gateway.kill();
        assert_eq!((edited.status, deleted.status), (200, 204), "{edited:?} {deleted:?}");
        expected.push(edited.json);
        expected.push(gone);
        gateway.start_again();
        eventually("the change is indexed", LIMIT, || found(&gateway, &format!("edited{round}")) == 1);
        assert_eq!(
            (found(&gateway, &format!("kept{round}")), found(&gateway, &format!("gone{round}"))),
            (0, 0)
        );
    }
    let bob = gateway.user("bob");
    let (mut cursor, mut told) = (String::new(), Vec::new());
    eventually("every change is told", LIMIT, || {
        let answer = bob.poll(&format!("cursor={cursor}&wait=1"));
        told.extend(answer.json["events"].as_array().unwrap().iter().cloned());
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        let of = |kind: &str, id: &Value| told.iter().any(|e| e["type"] == kind && e["data"]["id"] == *id);
        expected
            .chunks(2)
            .all(|pair| of("message.updated", &pair[0]["id"]) && of("message.deleted", &pair[1]["id"]))
    });
    for event in told.iter().filter(|event| event["type"] == "message.updated") {
        assert!(expected.contains(&event["data"]), "{event}");
    }
    let room = expected[0]["room"].as_str().unwrap();
    let page = bob.get(&format!("/v1/rooms/{room}/messages")).json;
    let seqs: Vec<_> =
        page["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=6).collect::<Vec<_>>());
    for pair in expected.chunks(2) {
        let of = |id: &Value| {
            page["messages"].as_array().unwrap().iter().find(|m| m["id"] == *id).cloned().unwrap()
        };
        assert_eq!(of(&pair[0]["id"]), pair[0]);
        assert_eq!(of(&pair[1]["id"])["body"], "");
    }
}

#[test]
fn a_change_outlives_a_kill_right_after_its_answer_on_the_embedded_pair() {
    let folder = tempfile::tempdir().unwrap();
    killed_after_the_answer(Backends::Embedded(folder.path().to_owned()));
}

#[test]
fn a_change_outlives_a_kill_right_after_its_answer_on_the_production_pair() {
    let (_schema, backends) = production();
    killed_after_the_answer(backends);
}
