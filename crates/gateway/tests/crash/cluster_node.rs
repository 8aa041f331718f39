//! A node of a RabbitMQ cluster is lost, with the mailboxes that live on it.

use std::collections::BTreeMap;

use pollgate_testkit::{PgSchema, RabbitNode, User, eventually};

use crate::world::{LIMIT, on, start};

/// New queues go to the node that has fewest. From RabbitMQ 4.0 on: `queue_leader_locator = balanced`.
const SPREAD: &str = "queue_master_locator = min-masters\n";
const READERS: [&str; 8] = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"];

/// Reads on from its last cursor.
struct Reader {
    user: User,
    cursor: String,
}

impl Reader {
    /// What the next answer says: its events' texts, or `None` for one that is no 200.
    fn read(&mut self) -> Option<Vec<String>> {
        let answer = self.user.poll(&format!("cursor={}&wait=1", self.cursor));
        if answer.status != 200 {
            assert_eq!((answer.status, answer.json["code"].as_str()), (503, Some("broker-unavailable")));
            return None;
        }
        assert_eq!(answer.json["resync"], false, "nothing was lost: {answer:?}");
        answer.json["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        let events = answer.json["events"].as_array().unwrap().iter();
        let text = |event: &serde_json::Value| event["data"]["body"].as_str().map(ToOwned::to_owned);
        Some(events.filter_map(text).collect())
    }

    #[track_caller]
    fn until_it_has(&mut self, text: &str) {
        eventually(text, LIMIT, || self.read().is_some_and(|texts| texts.iter().any(|one| one == text)));
    }
}

/// Its users wait for it, those of the other node notice nothing, and nobody loses anything.
#[test]
fn a_lost_node_concerns_its_own_users_and_loses_nothing() {
    let (stays, mut lost) = (RabbitNode::start_with(&[], SPREAD), RabbitNode::start_with(&[], SPREAD));
    lost.join(&stays);
    let schema = PgSchema::create();
    let gateway = start(on(&schema.url(), &stays.url()));
    let ann = gateway.user("ann");
    let reader = |name: &str| Reader { user: gateway.user(name), cursor: String::new() };
    let mut readers: BTreeMap<&str, Reader> = READERS.map(|name| (name, reader(name))).into();
    for (name, reader) in &mut readers {
        assert_eq!(ann.send(name, "before").status, 201);
        reader.until_it_has("before");
    }
    let queues = stays.ctl(&["list_queues", "name", "pid"]);
    let lives_on = |node: &RabbitNode, user: &str| {
        let queue = queues.lines().find(|line| line.contains(&format!(".{user}\t"))).unwrap();
        queue.contains(node.name())
    };
    let with_the_lost: Vec<&str> = READERS.into_iter().filter(|user| lives_on(&lost, user)).collect();
    assert!((1..READERS.len()).contains(&with_the_lost.len()), "mailboxes are spread: {queues}");

    lost.kill();
    for name in READERS {
        assert_eq!(ann.send(name, "meanwhile").status, 201, "the database is there");
    }
    for (name, reader) in &mut readers {
        if with_the_lost.contains(name) {
            eventually("polls say that the broker is away", LIMIT, || reader.read().is_none());
        } else {
            reader.until_it_has("meanwhile");
        }
    }
    let (status, ready) = gateway.readiness();
    assert_eq!((status, &ready["broker"]), (200, &"up".into()), "the cluster is there");

    lost.start_again();
    for name in with_the_lost {
        readers.get_mut(name).unwrap().until_it_has("meanwhile");
    }
    eventually("the outbox is empty", LIMIT, || schema.count("outbox") == 0);
}
