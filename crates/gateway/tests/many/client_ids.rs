//! One `client_id` is one message, at however many gateways it is tried at once.

use rstest::rstest;
use serde_json::json;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{CLIENTS, World, all_events};

const ROUNDS: usize = 8;

#[rstest]
fn retries_at_once_are_one_message(#[values(Embedded, Production)] pair: Pair) {
    let world = World::new(pair);
    let mut accepted = Vec::new();
    for round in 0..ROUNDS {
        // the first of each pair makes a room as well, which is raced for too
        let message =
            json!({"to": "bob", "body": format!("round {round}"), "client_id": format!("c{round}")});
        let sender = format!("ann{}", round / 2);
        let answers = world.at_once(|gateway| gateway.user(&sender).post("/v1/messages", &message));
        let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(created.len(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), CLIENTS - 1, "{answers:?}");
        assert!(answers.iter().all(|answer| answer.json == created[0].json), "{answers:?}");
        accepted.push(created[0].json.clone());
        let other = json!({"to": "bob", "body": "another text", "client_id": format!("c{round}")});
        let refused = world.at_once(|gateway| gateway.user(&sender).post("/v1/messages", &other));
        assert!(refused.iter().all(|r| r.status == 409 && r.json["code"] == "conflict"), "{refused:?}");
    }
    let mut came: Vec<_> = all_events(&world, "bob")
        .into_iter()
        .filter(|event| event["type"] == "message.created")
        .map(|event| event["data"].clone())
        .collect();
    for messages in [&mut came, &mut accepted] {
        messages.sort_unstable_by_key(|message| message["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(came, accepted, "one event for each message");
}
