//! RabbitMQ that is away, refuses, or has an alarm.

use pollgate_testkit::{PgSchema, RabbitNode, Vhost, eventually, free_port, rabbitmq_url};
use rstest::rstest;

use crate::world::{LIMIT, Said, SetUp, assert_left_as_it_was};

fn doctor(url: &str) -> Said {
    let schema = PgSchema::create();
    SetUp::production(&schema.url(), url).only("broker").env("BROKER__TIMEOUT_MS", "3000").doctor()
}

#[test]
fn a_broker_that_is_away_is_told_with_what_to_look_at() {
    let said = doctor(&format!("amqp://guest:guest@127.0.0.1:{}/%2f", free_port()));
    said.assert("broker.reachable", "problem", &["is RabbitMQ running"]);
    assert_eq!((said.code, said.of("broker.").len()), (1, 1));
}

#[test]
fn a_wrong_password_and_a_virtual_host_that_is_not_there_are_told_apart() {
    let wrong = rabbitmq_url().replace("guest:guest", "guest:wrong");
    doctor(&wrong).assert("broker.reachable", "problem", &["user or password"]);
    let nowhere = rabbitmq_url().replace("%2f", "nowhere");
    doctor(&nowhere).assert("broker.reachable", "problem", &["add_vhost"]);
}

#[rstest]
#[case::no_rights(["", "", ""], "broker.exchange")]
#[case::no_queues(["^$", ".*", ".*"], "broker.exchange")]
#[case::no_reading([".*", ".*", ""], "broker.mailboxes")]
#[case::no_names_of_the_brokers(["^t.*", ".*", ".*"], "broker.control")]
fn rights_that_are_missing_are_found_by_doing(#[case] rights: [&str; 3], #[case] check: &str) {
    let vhost = Vhost::create();
    let said = doctor(&vhost.user(rights));
    said.assert(check, "problem", &["ACCESS_REFUSED", "rabbitmqctl set_permissions"]);
    assert_left_as_it_was(&vhost);
}

/// The rights that the doctor proposes are enough for it.
#[test]
fn the_rights_that_are_proposed_are_enough() {
    let (vhost, schema) = (Vhost::create(), PgSchema::create());
    let without = vhost.user(["", "", ""]);
    let set_up = SetUp::production(&schema.url(), &without).only("broker");
    let said = set_up.doctor();
    let change = said.of("broker.exchange")[0]["change"].as_str().unwrap().to_owned();
    let rights: Vec<&str> = change.split('\'').skip(1).step_by(2).collect();
    let with = vhost.user([rights[0], rights[1], rights[2]]);
    set_up.env("BROKER__URL", &with).doctor().assert_well();
}

#[test]
fn an_alarm_is_found_and_does_not_hold_the_doctor_up() {
    let node = RabbitNode::start();
    node.raise_alarm();
    let said = doctor(&node.url());
    said.assert("broker.alarm", "problem", &["blocks publishers", "rabbitmq-diagnostics alarms"]);
    said.assert("broker.mailboxes", "ok", &[]);
    assert!(said.of("broker.expiry").is_empty(), "nothing that publishes was begun");
    said.assert("broker.tidy", "ok", &[]);
    node.end_alarm();
    eventually("the alarm is over", LIMIT, || doctor(&node.url()).of("broker.alarm")[0]["level"] == "ok");
}

#[test]
fn a_broker_that_hangs_is_told_and_the_others_are_looked_at() {
    let (node, schema) = (RabbitNode::start(), PgSchema::create());
    node.pause();
    let urls = format!("{},{}", node.url(), rabbitmq_url());
    let said = SetUp::production(&schema.url(), "")
        .env("BROKER__URLS", &urls)
        .env("BROKER__TIMEOUT_MS", "3000")
        .only("broker")
        .doctor();
    node.resume();
    let hung = format!("127.0.0.1:{}", node.port());
    said.assert("broker.reachable", "problem", &[&hung]);
    said.assert("broker.reachable", "ok", &["127.0.0.1:5672"]);
    said.assert("broker.tidy", "ok", &[]);
}
