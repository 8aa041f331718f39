//! Addresses that are taken.

use std::net::TcpListener;

use crate::world::SetUp;

#[test]
fn a_port_that_another_program_holds_is_a_problem() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let said = SetUp::embedded().env("HTTP__LISTEN", &address).only("system").doctor();
    said.assert("system.public-port", "problem", &["another program", &address]);
    said.assert("system.operator-port", "ok", &["free"]);
}

#[test]
fn an_address_that_is_not_of_this_machine_is_a_problem() {
    let said = SetUp::embedded().env("HTTP__LISTEN", "192.0.2.1:8080").only("system").doctor();
    said.assert("system.public-port", "problem", &["no address of this machine"]);
}

#[test]
fn limits_that_the_machine_does_not_meet_are_told() {
    let said = SetUp::embedded().env("HTTP__MOST_CONNECTIONS", "100000000000").only("system").doctor();
    let found = said.of("system.open-files");
    assert!(["warning", "problem"].contains(&found[0]["level"].as_str().unwrap()), "{found:?}");
    let said = SetUp::embedded().env("LIMITS__HELD_POLLS", "1000000000").only("system").doctor();
    said.assert("system.memory", "warning", &["limits.held_polls ="]);
}
