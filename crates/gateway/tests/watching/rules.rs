//! The recording rules and the alerts.

use std::collections::BTreeSet;

use pollgate_testkit::eventually;
use serde_json::Value;

use crate::expressions::{grouped_by, selectors};
use crate::world::{LIMIT, World};

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[test]
fn every_rule_asks_for_what_is_there() {
    let world = World::new();
    let rules = world.prometheus.rules();
    assert!(rules.len() > 25, "{} rules", rules.len());
    for rule in &rules {
        let (name, query) = (text(rule, "name"), text(rule, "query"));
        let mut labels = BTreeSet::from(["le".to_owned()]);
        let selectors = selectors(query);
        assert!(!selectors.is_empty(), "{name} asks for nothing: {query}");
        for selector in selectors {
            for sample in world.found(&selector) {
                labels.extend(sample["metric"].as_object().unwrap().keys().cloned());
            }
        }
        for label in grouped_by(query) {
            assert!(labels.contains(&label), "{name}: no series has the label {label}: {query}");
        }
        if rule["type"] == "recording" {
            world.found(name);
        }
    }
    eventually("all rules were evaluated", LIMIT, || {
        world.prometheus.rules().iter().all(|rule| rule["health"] == "ok")
    });
}

#[test]
fn an_alert_says_what_it_is_about() {
    let mut world = World::new();
    let about = |world: &World, name: &str| {
        let alerts = world.prometheus.alerts();
        let found = alerts.iter().find(|alert| alert["labels"]["alertname"] == name);
        found.map(|alert| text(&alert["annotations"], "summary").to_owned())
    };
    let deep = "1 mailboxes hold more than mailbox.alarm_depth events";
    eventually("the mailbox nobody reads", LIMIT, || {
        about(&world, "PollgateMailboxesDeep").as_deref() == Some(deep)
    });
    for away in ["PollgateBrokerAway", "RabbitmqNodeDown"] {
        assert_eq!(about(&world, away), None);
    }
    world.rabbitmq.kill();
    let node = format!("127.0.0.1:{}", world.rabbitmq.port());
    for (away, word) in [("PollgateBrokerAway", node.as_str()), ("RabbitmqNodeDown", "does not answer")] {
        eventually(away, LIMIT, || about(&world, away).is_some_and(|summary| summary.contains(word)));
    }
}
