use std::time::Duration;

use pollgate_model::InstanceId;

use super::findings::{ClusterNow, DepthNow, LimitNow, Severity, Situation, findings};
use super::report::Report;
use super::roster::{Instance, Standing};

fn cluster(name: &str, up: bool, blocked: bool) -> ClusterNow {
    ClusterNow { name: name.into(), up, blocked }
}

fn instance(name: &str, own: bool, standing: Standing) -> Instance {
    let report = Report {
        name: name.into(),
        public: "10.0.0.1:8080".into(),
        version: "1".into(),
        ..Report::default()
    };
    Instance { id: InstanceId::new(), own, standing, heard_s: 1.0, clock_ms: Some(3), report: Some(report) }
}

fn calm() -> Situation {
    Situation {
        store_up: true,
        clusters: vec![cluster("one", true, false)],
        slow: Duration::from_millis(250),
        outbox_oldest: Some(Duration::ZERO),
        instances: vec![instance("own", true, Standing::Here), instance("other", false, Standing::Here)],
        ..Situation::default()
    }
}

fn limit(name: &'static str, most: u64, lasting: u64, met: u64) -> LimitNow {
    LimitNow { name, most, used: Some(lasting), lasting, met }
}

/// Code, severity and detail of what is found.
fn found(now: &Situation) -> Vec<(&'static str, Severity, String)> {
    findings(now).into_iter().map(|one| (one.words.code, one.severity, one.detail)).collect()
}

/// The only finding.
fn only(now: &Situation) -> (&'static str, Severity, String) {
    let all = found(now);
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

#[test]
fn nothing_is_wrong_with_a_gateway_at_rest() {
    assert_eq!(found(&calm()), []);
}

#[test]
fn what_is_away_is_bad_and_named() {
    let mut now = Situation { store_up: false, ..calm() };
    assert_eq!(only(&now).0, "store-away");
    now = Situation { clusters: vec![cluster("one", false, false)], ..calm() };
    assert_eq!(only(&now), ("broker-away", Severity::Bad, "one.".into()));
    now.clusters =
        vec![cluster("one", true, false), cluster("two", false, true), cluster("three", true, true)];
    let both = found(&now);
    assert_eq!(both[0], ("broker-away", Severity::Bad, "Of 3 clusters: two.".into()));
    assert_eq!(both[1], ("broker-blocked", Severity::Bad, "Of 3 clusters: three.".into()));
}

#[test]
fn the_outbox_is_judged_by_its_age_and_only_where_a_broker_takes_it() {
    let aged = |s| Situation { outbox_oldest: Some(Duration::from_secs(s)), outbox_rows: 1, ..calm() };
    assert_eq!(found(&aged(9)), []);
    assert_eq!(only(&aged(10)), ("outbox-old", Severity::Warn, "1 event waits, the oldest for 10 s.".into()));
    assert_eq!(only(&aged(60)).1, Severity::Bad);
    assert_eq!(found(&Situation { embedded_broker: true, ..aged(600) }), []);
}

#[test]
fn a_bound_is_worth_a_word_when_it_is_near_for_long_or_was_met() {
    let with = |limit| Situation { limits: vec![limit], ..calm() };
    assert_eq!(found(&with(limit("held_polls", 100, 79, 0))), []);
    let (code, severity, detail) = only(&with(limit("held_polls", 100, 80, 0)));
    assert_eq!((code, severity), ("limit-near-full", Severity::Warn));
    assert!(detail.contains("80 % of 100") && detail.contains("limits.held_polls"), "{detail}");
    let (code, severity, detail) = only(&with(limit("writer_queue", 10, 10, 1)));
    assert_eq!((code, severity), ("limit-met", Severity::Bad));
    assert!(detail.contains("met 1 time in") && detail.contains("store.writer_queue"), "{detail}");
    // one user who uses all that is that user's, and a memory that starts anew, are nobody's trouble
    assert_eq!(found(&with(limit("held_polls_per_user", 8, 8, 0))), []);
    assert_eq!(found(&with(limit("audiences", 10, 10, 5))), []);
    assert_eq!(only(&with(limit("held_polls_per_user", 8, 8, 2))).1, Severity::Warn);
    assert_eq!(found(&with(limit("held_polls", 0, 0, 0))), []);
}

#[test]
fn rates_are_judged_where_there_is_enough_of_them() {
    let mut now = calm();
    (now.lately.sends, now.lately.send_p99) = (19, Some(3.0));
    assert_eq!(found(&now), []);
    now.lately.sends = 20;
    assert_eq!(only(&now).0, "sends-slow");
    now = calm();
    (now.lately.polls, now.lately.superseded) = (100, 29);
    assert_eq!(found(&now), []);
    now.lately.superseded = 30;
    assert_eq!(only(&now).0, "polls-superseded");
    now.lately.polls = 1000;
    assert_eq!(found(&now), []);
}

#[test]
fn what_failed_lately_is_said() {
    let mut now = calm();
    now.lately.unanswered = 2;
    now.lately.settle_failures = 1;
    now.lately.storage_errors = 1;
    let codes: Vec<_> = found(&now).into_iter().map(|(code, ..)| code).collect();
    assert_eq!(
        codes,
        ["attachments-failing", "handovers-unanswered", "throttle-unsettled"],
        "the worst first"
    );
}

#[test]
fn mailboxes_in_alarm_are_said() {
    let mut now = calm();
    now.depth = Some(DepthNow { alarming: 0, deepest: 90, alarm_depth: 100 });
    assert_eq!(found(&now), []);
    now.depth = Some(DepthNow { alarming: 1, deepest: 900, alarm_depth: 100 });
    let (code, _, detail) = only(&now);
    assert_eq!(code, "mailboxes-alarming");
    assert!(detail.contains("In 1 mailbox more than 100 events wait; 900 in the deepest"), "{detail}");
}

#[test]
fn gateways_that_left_in_order_are_no_trouble_and_those_that_are_gone_are() {
    let mut now = calm();
    now.instances.push(instance("old", false, Standing::Stopped));
    assert_eq!(found(&now), []);
    now.instances.push(instance("dead", false, Standing::Gone));
    assert_eq!(only(&now), ("instance-gone", Severity::Bad, "dead (10.0.0.1:8080).".into()));
    now = calm();
    now.instances.push(instance("slow", false, Standing::Late));
    assert_eq!(only(&now).0, "instance-late");
}

#[test]
fn gateways_that_differ_are_said() {
    let mut now = calm();
    now.instances[1].clock_ms = Some(-120_000);
    let (code, _, detail) = only(&now);
    assert_eq!(
        (code, detail.as_str()),
        ("clock-differs", "other (10.0.0.1:8080) is 120 s behind the database.")
    );
    now = calm();
    now.instances[1].report.as_mut().unwrap().version = "2".into();
    assert_eq!(only(&now), ("versions-differ", Severity::Info, "1, 2.".into()));
    now.instances[1].report = None;
    assert_eq!(only(&now).2, "1, an older one.");
}

#[test]
fn what_another_gateway_says_of_itself_is_passed_on_but_not_what_all_see() {
    let mut now = calm();
    let codes = ["instance-gone", "broker-away", "from-the-future"].map(str::to_owned);
    now.instances[1].report.as_mut().unwrap().findings = codes.to_vec();
    let (code, _, detail) = only(&now);
    assert_eq!((code, detail.as_str()), ("instance-troubled", "other (10.0.0.1:8080): rabbitmq is away."));
    // it is not here to have trouble
    now.instances[1].standing = Standing::Stopped;
    assert_eq!(found(&now), []);
}

#[test]
fn of_many_names_the_first_are_said() {
    let mut now = calm();
    for n in 0..5 {
        now.instances.push(instance(&format!("gw{n}"), false, Standing::Gone));
    }
    assert!(only(&now).2.ends_with("gw2 (10.0.0.1:8080) and 2 more."), "{:?}", found(&now));
}
