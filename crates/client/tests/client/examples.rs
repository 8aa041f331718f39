//! The examples, as they stand in the folders, against a gateway.

use std::process::Stdio;
use std::time::Duration;

use pollgate_client::{Item, MailboxQuery, NewMessage};
use pollgate_testkit::{eventually_async, example};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::world::Pair::Embedded;
use crate::world::{LIMIT, World, next, next_body, texts, world};

/// A process that ends with its handle.
fn run(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

fn with_token(program: impl AsRef<std::ffi::OsStr>, world: &World, user: &str, scope: &str) -> Command {
    let mut command = Command::new(program);
    command.env("POLLGATE_TOKEN", world.gateways[0].token_with(user, scope, 3600));
    command.env("POLLGATE_URL", world.url());
    command
}

fn in_examples(name: &str) -> String {
    format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The bot answers, also what was sent while it was away, and each message once.
#[tokio::test(flavor = "multi_thread")]
async fn the_bot_answers_once() {
    let world = world(Embedded);
    let ann = world.client("ann");
    let mut events = ann.events("");
    let answers = async |events: &mut _, expected: &str| {
        let mut own_first = next_body(events).await;
        if !own_first.starts_with("You said") {
            own_first = next_body(events).await;
        }
        assert_eq!(own_first, expected);
    };
    let bot = run(with_token(example("bot"), &world, "bot", "user"));
    ann.send(NewMessage::to("bot", "hello")).await.unwrap();
    answers(&mut events, "You said: hello").await;
    drop(bot); // killed
    ann.send(NewMessage::to("bot", "are you there?")).await.unwrap();
    let _bot = run(with_token(example("bot"), &world, "bot", "user"));
    answers(&mut events, "You said: are you there?").await;
    ann.send(NewMessage::to("bot", "good")).await.unwrap();
    answers(&mut events, "You said: good").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_back_end_publishes_orders() {
    let world = world(Embedded);
    let mut shop = run(with_token(example("orders"), &world, "shop", "publish"));
    let mut events = world.client("ann").events("");
    let mut seen = Vec::new();
    while seen.last().is_none_or(|status| status != "delivered") {
        let Item::Event(event) = next(&mut events).await else { panic!("a resync") };
        assert_eq!(event.kind, "order.updated");
        seen.push(event.data::<Value>().unwrap()["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["paid", "sent", "delivered"]);
    assert!(timeout(LIMIT, shop.wait()).await.unwrap().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_goes_through_its_story() {
    let world = world(Embedded);
    let mut command = Command::new(in_examples("curl.sh"));
    let token = |user| world.gateways[0].token(user);
    command.arg(world.url()).env("ANN", token("ann")).env("BOB", token("bob"));
    let output = timeout(LIMIT, command.stdin(Stdio::null()).output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for line in ["(status 200)", "\"text/plain\"", "\"receipts\":", "\"context\":{\"kind\":\"order\""] {
        assert!(said.contains(line), "no {line} in {said}");
    }
}

/// Python sends, and prints what comes; killed and started again it prints nothing twice that it confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn python_sends_and_receives() {
    let mut world = world(Embedded);
    let ann = world.client("ann");
    let python = |user: &str| {
        let mut command = with_token("python3", &world, user, "user");
        command.arg(in_examples("poll.py"));
        command
    };
    let mut sending = python("bob");
    let sent = timeout(LIMIT, sending.args(["send", "ann", "hi Ann"]).output()).await.unwrap().unwrap();
    let message: Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!((&message["body"], &message["sender"]), (&"hi Ann".into(), &"bob".into()));

    let mut bob = run(python("bob"));
    let mut lines = BufReader::new(bob.stdout.take().unwrap()).lines();
    let texts = texts(40);
    let sent = texts.clone();
    let sending = tokio::spawn(async move { crate::world::send_all(&ann, &sent).await });
    let mut came = Vec::new();
    while came.len() < texts.len() {
        if came.len() == 10 {
            world.way.cut();
            tokio::time::sleep(Duration::from_millis(100)).await; // the fault itself
            world.way.heal();
        }
        let line = timeout(LIMIT, lines.next_line()).await.expect("nothing came").unwrap().unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["type"] == "message.created" && event["data"]["sender"] == "ann" {
            came.push(event["data"]["body"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(came, texts);
    sending.await.unwrap();
    let operator = world.client_with("operator", "operator");
    eventually_async("all is confirmed", LIMIT, async || {
        let depths = operator.mailboxes(&MailboxQuery::of_user("bob")).await.unwrap();
        depths.mailboxes.iter().all(|mailbox| mailbox.ready == 0 && mailbox.unacked.unwrap_or(0) == 0)
    })
    .await;
}
