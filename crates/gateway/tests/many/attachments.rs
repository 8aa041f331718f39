//! Files in a folder that several gateways have: what one of them stored, all of them serve and send, and none removes
//! what another one is about to use.

use std::thread;

use pollgate_testkit::{Answer, User, eventually};
use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{LIMIT, World, all_events};

fn sharing(pair: Pair, folder: &TempDir, orphan_s: &str) -> World {
    let url = format!("file://{}", folder.path().join("shared").display());
    World::with(pair, |_number, builder| {
        builder
            .env("POLLGATE_ATTACHMENTS__URL", &url)
            .env("POLLGATE_ATTACHMENTS__UPLOAD_S", "1")
            .env("POLLGATE_ATTACHMENTS__ORPHAN_S", orphan_s)
    })
}

fn id(uploaded: &Answer) -> String {
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    uploaded.json["id"].as_str().unwrap().to_owned()
}

fn get(user: &User, id: &str) -> Answer {
    user.get(&format!("/v1/attachments/{id}"))
}

#[rstest]
fn a_file_goes_up_here_along_there_and_down_anywhere(#[values(Embedded, Production)] pair: Pair) {
    let folder = tempfile::tempdir().unwrap();
    let world = sharing(pair, &folder, "3600");
    let id = id(&world.gateway(0).user("ann").upload("notes.txt", "", b"hello"));
    let message = json!({"to": "bob", "attachments": [id]});
    let sent = world.gateway(1).user("ann").post("/v1/messages", &message);
    assert_eq!(sent.status, 201, "{sent:?}");
    for number in 0..2 {
        assert_eq!(get(&world.gateway(number).user("bob"), &id).body(), b"hello");
    }
    let events = all_events(&world, "bob");
    assert!(events.iter().any(|event| event["data"] == sent.json), "{events:?}");
}

/// Sent at the very time at which both gateways sweep: a file that a message holds is never gone.
#[rstest]
fn a_file_is_sent_or_swept_and_never_both(#[values(Embedded, Production)] pair: Pair) {
    const FILES: usize = 120;
    const SENDERS: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let world = sharing(pair, &folder, "2");
    let ann = world.gateway(0).user("ann");
    let ids: Vec<String> = (0..FILES).map(|n| id(&ann.upload(&format!("{n}"), "", b"hello"))).collect();
    // the others are as old, and both gateways are at it
    eventually("the first one is swept", LIMIT, || get(&ann, &ids[0]).status == 404);
    let sent: Vec<Vec<String>> = thread::scope(|scope| {
        let sender = |number: usize| {
            let (world, ids) = (&world, &ids);
            scope.spawn(move || {
                let ann = world.gateway(number).user("ann");
                let mut sent = Vec::new();
                for id in ids.iter().rev().skip(number).step_by(SENDERS) {
                    let answer = ann.post("/v1/messages", &json!({"to": "bob", "attachments": [id]}));
                    assert!(matches!(answer.status, 201 | 400), "{answer:?}");
                    if answer.status == 201 {
                        sent.push(id.clone());
                    }
                }
                sent
            })
        };
        let all: Vec<_> = (0..SENDERS).map(sender).collect();
        all.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    let sent: Vec<String> = sent.into_iter().flatten().collect();
    let left = ids.iter().filter(|id| !sent.contains(id)).cloned().collect::<Vec<_>>();
    eventually("the others are swept", LIMIT, || left.iter().all(|id| get(&ann, id).status == 404));
    let bob = world.gateway(1).user("bob");
    for id in &sent {
        assert_eq!(get(&bob, id).body(), b"hello", "{id} was sent, so it is there");
    }
}
