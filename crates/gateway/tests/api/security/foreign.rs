//! Bytes that somebody with a login of the broker's put into a mailbox.

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::Pair::Production;
use crate::world::{World, cursor, world};

/// Publishes to a user's mailboxes as gateways do.
fn publish(gateway: &World, user: &str, bodies: &[&[u8]]) {
    let environment = gateway.environment();
    let (url, prefix) = (&environment["POLLGATE_BROKER__URL"], &environment["POLLGATE_BROKER__PREFIX"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        for body in bodies {
            let properties = BasicProperties::default().with_message_id(Uuid::now_v7().to_string().into());
            let exchange = format!("{prefix}.mailboxes");
            let options = BasicPublishOptions::default();
            channel.basic_publish(exchange.into(), user.into(), options, body, properties).await.unwrap();
        }
        connection.close(200, "done".into()).await.unwrap();
    });
}

/// Events past a cursor until one with this data has come. Every answer on the way is whole: it could be read.
fn until(gateway: &World, data: &Value) -> Vec<Value> {
    let bob = gateway.user("bob");
    let (mut at, mut all) = (String::new(), Vec::new());
    while all.last().is_none_or(|event: &Value| &event["data"] != data) {
        let answer = bob.poll(&format!("cursor={at}&wait=5"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let events = answer.json["events"].as_array().unwrap_or_else(|| panic!("no JSON: {answer:?}"));
        all.extend(events.iter().cloned());
        cursor(&answer).clone_into(&mut at);
    }
    all
}

#[test]
fn what_is_no_event_breaks_no_answer() {
    let gateway = world(Production);
    // makes the mailbox
    assert_eq!(gateway.user("bob").poll("cursor=&wait=0").status, 200);
    let id = Uuid::now_v7();
    let good = format!(
        "{{\"id\":\"{id}\",\n\"type\":\"order.updated\",\"at\":\"2026-01-01T00:00:00.000Z\",\"data\":7}}"
    );
    let bad: [&[u8]; 9] = [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"{",
        b"{}{}",
        b"]},{\"events\":[",
        b"[1]",
        b"null",
        b"{\"a\":\"\xff\"}",
    ];
    publish(&gateway, "bob", &[&bad[..], &[good.as_bytes()]].concat());
    let came = until(&gateway, &json!(7));
    assert_eq!(came.len(), 1, "{came:?}");
    assert!(gateway.log().contains("what is no JSON object stood in a mailbox"));
}
