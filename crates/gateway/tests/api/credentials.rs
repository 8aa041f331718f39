//! Tokens: who is recognised, and who is told what.

use std::process::Command;
use std::time::Duration;

use rstest::rstest;

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{BINARY, assert_problem, world, world_with};

#[rstest]
fn nobody_is_recognised_without_a_good_token(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let nobody = gateway.anybody(None);
    let answer = nobody.poll("cursor=&wait=0");
    assert_problem(&answer, 401, "unauthenticated");
    assert!(answer.header("www-authenticate").is_some());
    for bad in ["Bearer nonsense", "Basic YTpi", "Bearer ", "Token pg_nonsense"] {
        let answer = gateway.anybody(Some(bad)).poll("cursor=&wait=0");
        assert_problem(&answer, 401, "unauthenticated");
    }
    let expired = gateway.token_with("bob", "user", -3600);
    let answer = gateway.anybody(Some(&format!("Bearer {expired}"))).poll("cursor=&wait=0");
    assert_problem(&answer, 401, "token-expired");
    for scheme in ["Bearer", "bearer", "Token", "TOKEN"] {
        let header = format!("{scheme} {}", gateway.token("bob"));
        assert_eq!(gateway.anybody(Some(&header)).poll("cursor=&wait=0").status, 200, "{scheme}");
    }
}

#[rstest]
fn a_poll_may_bring_its_token_in_the_query_unless_that_is_off(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let query = format!("cursor=&wait=0&token={}", gateway.token("bob"));
    assert_eq!(gateway.anybody(None).poll(&query).status, 200);
    // other routes take none
    let history = format!("/v1/rooms/x/messages?token={}", gateway.token("bob"));
    assert_problem(&gateway.anybody(None).get(&history), 401, "unauthenticated");

    let strict = world_with(pair, |builder| builder.env("POLLGATE_AUTH__ALLOW_QUERY_TOKEN", "false"));
    let query = format!("cursor=&wait=0&token={}", strict.token("bob"));
    assert_problem(&strict.anybody(None).poll(&query), 401, "unauthenticated");
    assert!(!gateway.log().contains(&gateway.token("bob")), "a token in the log");
}

/// API tokens made and revoked by the command line work and stop working, on a gateway that runs meanwhile.
#[test]
fn api_tokens_are_made_listed_and_revoked_on_the_command_line() {
    let gateway = world(Production);
    let run = |arguments: &[&str]| {
        let output = Command::new(BINARY).args(arguments).envs(gateway.environment()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let token = run(&["token", "create", "--user", "bob", "--ttl", "1h"]).trim().to_owned();
    let bob = gateway.anybody(Some(&format!("Token {token}")));
    assert_eq!(bob.poll("cursor=&wait=0").status, 200);
    let list = run(&["token", "list"]);
    assert!(list.contains("bob") && list.contains("until") && !list.contains(&token), "{list}");
    run(&["token", "revoke", &token]);
    pollgate_testkit::eventually("the token is refused", Duration::from_secs(10), || {
        bob.poll("cursor=&wait=0").status == 401
    });
    assert!(run(&["token", "list"]).contains("revoked"));
}
