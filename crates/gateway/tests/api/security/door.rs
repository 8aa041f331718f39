//! The operator address: who gets in, with a token and without.

use std::process::{Command, Output};

use pollgate_testkit::{Answer, User};

use crate::world::Pair::Embedded;
use crate::world::{BINARY, World, assert_problem, world, world_with};

const TOKEN: &str = "an operator token of 32 bytes, or";
/// Of [`TOKEN`], as it must be: without spaces.
fn token() -> String {
    TOKEN.replace([' ', ','], "-")
}

fn guarded() -> World {
    world_with(Embedded, |builder| builder.env("POLLGATE_HTTP__OPERATOR_TOKEN", &token()))
}

fn with(gateway: &World, authorization: &str) -> User {
    let address = gateway.operator_url().trim_start_matches("http://").parse().unwrap();
    User::new(address, "", Some(authorization.to_owned()))
}

fn basic(login: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login))
}

#[test]
fn with_a_token_the_address_asks_everybody_but_those_who_look_after_health() {
    let gateway = guarded();
    let nobody = gateway.at_operator_address();
    for open in ["/healthz", "/readyz"] {
        assert_eq!(nobody.get(open).status, 200, "{open}");
    }
    let good = [
        format!("Bearer {}", token()),
        format!("Token {}", token()),
        basic(&format!("prometheus:{}", token())),
    ];
    for path in ["/metrics", "/v1/mailboxes?user=ann"] {
        let answer = nobody.get(path);
        assert_problem(&answer, 401, "unauthenticated");
        let challenges: Vec<_> =
            answer.headers.iter().filter(|(name, _)| name == "www-authenticate").collect();
        assert!(challenges.iter().any(|(_, value)| value.starts_with("Basic realm=")), "{answer:?}");
        for bad in [
            "Bearer nonsense",
            "Basic bm9uc2Vuc2U=",
            "Basic ?",
            &format!("Bearer {}x", token()),
            &basic(&token()),
        ] {
            assert_problem(&with(&gateway, bad).get(path), 401, "unauthenticated");
        }
        for good in &good {
            assert_eq!(with(&gateway, good).get(path).status, 200, "{path} {good}");
        }
    }
    // what is not there is not told to anybody either
    assert_problem(&nobody.get("/nothing"), 401, "unauthenticated");
    assert_problem(&with(&gateway, good.first().unwrap()).get("/nothing"), 404, "not-found");
}

#[test]
fn a_token_of_ones_own_with_the_scope_operator_opens_as_well() {
    let gateway = guarded();
    let own =
        |scope: &str, ttl: i64| with(&gateway, &format!("Bearer {}", gateway.token_with("op", scope, ttl)));
    for path in ["/metrics", "/v1/mailboxes?user=ann"] {
        assert_eq!(own("operator", 3600).get(path).status, 200, "{path}");
        assert_problem(&own("user publish", 3600).get(path), 403, "forbidden");
        assert_problem(&own("operator", -3600).get(path), 401, "token-expired");
    }
}

#[test]
fn the_operator_token_is_none_on_the_public_address() {
    let gateway = guarded();
    for header in [format!("Bearer {}", token()), basic(&format!("a:{}", token()))] {
        let somebody = gateway.anybody(Some(&header));
        assert_problem(&somebody.get("/v1/mailboxes?user=ann"), 401, "unauthenticated");
        assert_problem(&somebody.poll("wait=0"), 401, "unauthenticated");
    }
    assert_problem(&gateway.user_with("op", "operator").get("/metrics"), 404, "not-found");
}

/// A script of the page signs in by itself: a dialog of the browser's would be in its way.
#[test]
fn only_who_goes_there_is_asked_by_the_browser() {
    let gateway = guarded();
    let asked = |mode: &str| -> bool {
        let answer = gateway.at_operator_address().get_with("/metrics", &[("sec-fetch-mode", mode)]);
        assert_problem(&answer, 401, "unauthenticated");
        answer.headers.iter().any(|(name, value)| name == "www-authenticate" && value.starts_with("Basic"))
    };
    assert!(asked("navigate"));
    assert!(!asked("cors") && !asked("same-origin"));
}

#[test]
fn without_a_token_the_address_answers_to_names_of_this_machine_only() {
    let gateway = world(Embedded);
    // the test's own requests name 127.0.0.1; a second host line would be refused before, so this one is written by hand
    let asks = |host: &str, path: &str| -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let mut stream = gateway.at_operator_address().begin(request.as_bytes());
        let mut came = String::new();
        std::io::Read::read_to_string(&mut stream, &mut came).unwrap();
        came
    };
    for name in ["localhost:9090", "127.0.0.1", "[::1]:9090"] {
        assert!(asks(name, "/metrics").starts_with("HTTP/1.1 200 "), "{name}");
    }
    for name in ["rebound.example", "rebound.example:9090", "localhost.rebound.example", "10.1.2.3"] {
        let came = asks(name, "/metrics");
        assert!(came.starts_with("HTTP/1.1 403 ") && came.contains("http.operator_token"), "{name}: {came}");
        assert!(asks(name, "/healthz").starts_with("HTTP/1.1 200 "), "{name}");
    }
}

#[test]
fn pages_of_other_origins_change_nothing() {
    let gateway = guarded();
    let operator = with(&gateway, &format!("Bearer {}", token()));
    let delete = |headers: &[(&str, &str)]| -> Answer {
        operator.request("DELETE", "/v1/mailboxes/ann", headers, &[]).unwrap()
    };
    for elsewhere in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_problem(&delete(&[elsewhere]), 403, "forbidden");
    }
    let own = gateway.operator_url();
    for here in [vec![], vec![("origin", own.as_str()), ("sec-fetch-site", "same-origin")]] {
        let answer = delete(&here);
        assert!(answer.status != 403 && answer.status != 401, "{answer:?}");
    }
}

fn check(variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("timeout");
    command.args(["20", BINARY]).current_dir(folder.path());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("POLLGATE_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command.arg("check-config").output().unwrap()
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    for address in ["0.0.0.0:9090", "[::]:9090", "10.0.0.1:9090"] {
        for command in ["check-config", "serve"] {
            let folder = tempfile::tempdir().unwrap();
            let mut refused = Command::new("timeout");
            refused.args(["20", BINARY, command]).current_dir(folder.path());
            let refused = refused.env("POLLGATE_HTTP__OPERATOR_LISTEN", address).output().unwrap();
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(1), "{command} {address}: {said}");
            for word in ["http.operator_listen", "http.operator_token", "127.0.0.1"] {
                assert!(said.contains(word), "{command} {address}: {said}");
            }
        }
        let good = check(&[
            ("POLLGATE_HTTP__OPERATOR_LISTEN", address),
            ("POLLGATE_HTTP__OPERATOR_TOKEN", &token()),
        ]);
        assert!(good.status.success(), "{good:?}");
    }
    for address in ["127.0.0.1:9090", "127.1.2.3:9090", "[::1]:9090", "[::ffff:127.0.0.1]:9090"] {
        assert!(check(&[("POLLGATE_HTTP__OPERATOR_LISTEN", address)]).status.success(), "{address}");
    }
    for bad in ["short", "with a space in thirty-two bytes and more"] {
        let refused = check(&[("POLLGATE_HTTP__OPERATOR_TOKEN", bad)]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            !refused.status.success() && said.contains("http.operator_token") && !said.contains(bad),
            "{said}"
        );
    }
}
