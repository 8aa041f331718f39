//! The operator address, the demo, and the database's schema.

use std::process::Command;

use rstest::rstest;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{BINARY, assert_problem, world, world_with};

#[rstest]
fn health_lives_on_the_operator_address_only(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let operator = gateway.at_operator_address();
    assert_eq!(operator.get("/healthz").status, 200);
    let ready = operator.get("/readyz");
    assert_eq!((ready.status, &ready.json["status"]), (200, &serde_json::json!("ready")), "{ready:?}");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_problem(&gateway.user("ann").get(path), 404, "not-found");
    }
}

#[rstest]
fn mailboxes_are_for_operators(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    assert_problem(&gateway.user("ann").get("/v1/mailboxes?user=ann"), 403, "forbidden");
    let operator = gateway.user_with("op", "operator");
    assert_problem(&operator.get("/v1/mailboxes?user="), 400, "invalid-request");
    gateway.user("ann").send("bob", "hi");
    pollgate_testkit::eventually("it waits", std::time::Duration::from_secs(20), || {
        let depth = operator.get("/v1/mailboxes?user=bob").json;
        depth["mailboxes"][0]["ready"] == 2 && depth["mailboxes"][0]["alarm"] == false
    });
}

#[test]
fn the_demo_can_be_switched_off() {
    let gateway = world(Embedded);
    let page = gateway.user("ann").get("/demo/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'self'"));
    assert_problem(&gateway.user("ann").get("/demo/../Cargo.toml"), 404, "not-found");
    let without = world_with(Embedded, |builder| builder.env("POLLGATE_HTTP__DEMO", "false"));
    assert_problem(&without.user("ann").get("/demo/"), 404, "not-found");
    // the library is no example
    let library = without.user("ann").get("/client/pollgate.js");
    assert_eq!(
        (library.status, library.header("content-type")),
        (200, Some("text/javascript; charset=utf-8"))
    );
    assert_eq!(library.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_problem(&without.user("ann").get("/client/package.json"), 404, "not-found");
}

#[test]
fn an_old_schema_is_refused_when_migrating_is_not_ours() {
    let schema = pollgate_testkit::PgSchema::create();
    let run = |arguments: &[&str], migrate: &str| {
        Command::new(BINARY)
            .args(arguments)
            .env("POLLGATE_STORE__URL", schema.url())
            .env("POLLGATE_STORE__MIGRATE", migrate)
            .env("POLLGATE_HTTP__LISTEN", "127.0.0.1:0")
            .env("POLLGATE_HTTP__OPERATOR_LISTEN", "127.0.0.1:0")
            .env("POLLGATE_AUTH__JWT__HS256_SECRET", "0123456789abcdef0123456789abcdef")
            .output()
            .unwrap()
    };
    let refused = run(&["serve"], "false");
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("pollgate migrate"), "{said}");
    let migrated = run(&["migrate"], "false");
    assert!(migrated.status.success() && String::from_utf8_lossy(&migrated.stdout).contains("applied"));
    let again = run(&["migrate"], "false");
    assert!(String::from_utf8_lossy(&again.stdout).contains("up to date"));
}
