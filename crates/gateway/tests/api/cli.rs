//! `pollgate send` and `pollgate tail`, as they are typed.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use pollgate_testkit::{Gateway, eventually};
use serde_json::Value;

use crate::scrape::LIMIT;
use crate::world::Pair::Embedded;
use crate::world::{BINARY, World, world};

fn command(gateway: &Gateway, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).envs(gateway.environment()).env("POLLGATE_URL", gateway.url());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(world: &World, arguments: &[&str]) -> Output {
    let output = command(world, arguments).output().unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    output
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_one_sends_the_other_reads_once() {
    let world = world(Embedded);
    let sent = run(&world, &["send", "--user", "ann", "--to", "bob", "hi"]);
    let message = lines(&sent).remove(0);
    assert_eq!(
        (&message["body"], &message["sender"], &message["seq"]),
        (&"hi".into(), &"ann".into(), &1.into())
    );
    let room = message["room"].as_str().unwrap();
    assert!(run(&world, &["send", "--user", "ann", "--room", room, "ho"]).status.success());
    // the room, and the first message; the second one waits for the next reader
    for transport in ["poll", "sse"] {
        let count = if transport == "poll" { "2" } else { "1" };
        let tail = run(&world, &["tail", "--user", "bob", "--count", count, "--transport", transport]);
        assert!(tail.status.success());
        let kinds: Vec<_> = lines(&tail).iter().map(|event| event["type"].clone()).collect();
        assert_eq!(kinds.last(), Some(&"message.created".into()), "{kinds:?}");
        let last = lines(&tail).pop().unwrap();
        assert_eq!(last["data"]["seq"], if transport == "poll" { 1 } else { 2 });
    }
    eventually("all is confirmed", LIMIT, || {
        world.user("bob").poll("cursor=&wait=0").json["events"] == Value::Array(vec![])
    });
}

#[test]
fn a_tail_that_another_takes_over_ends_and_says_why() {
    let world = world(Embedded);
    let mut first = command(&world, &["tail", "--user", "bob", "--session", "desk"]).spawn().unwrap();
    let operator = world.user("x").operator();
    eventually("it polls", LIMIT, || {
        let rows = operator.get("/v1/mailboxes?user=bob").json["mailboxes"].as_array().unwrap().clone();
        rows.iter().any(|row| row["session"] == "desk")
    });
    eventually("it is superseded", LIMIT, || {
        world.user("bob").poll("cursor=&wait=0&session=desk");
        first.try_wait().unwrap().is_some()
    });
    let output = first.wait_with_output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("pollgate: superseded: superseded (409)"), "{said}");
}

#[test]
fn what_is_refused_is_said_at_once() {
    let world = world(Embedded);
    for arguments in [
        &["send", "--token", "nonsense", "--to", "bob", "hi"][..],
        &["tail", "--token", "nonsense"],
        &["send", "--user", "ann", "--room", "nonsense", "hi"],
    ] {
        let refused = run(&world, arguments);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{arguments:?}: {said}");
        assert!(said.contains("(401)") || said.contains("(400)") || said.contains("(404)"), "{said}");
    }
}

#[test]
fn mailboxes_ask_the_gateway_that_has_the_broker() {
    let world = world(Embedded);
    world.user("ann").send("bob", "hi");
    eventually("both events wait", LIMIT, || {
        let output = run(&world, &["mailboxes", "--user", "bob", "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).is_ok_and(|rows| rows["total_ready"] == 2)
    });
}
