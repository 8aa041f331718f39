//! Requests that a proxy in front might read otherwise than the gateway: no request hides in another one.

use pollgate_testkit::smuggling::{Case, HIDDEN, answers, cases, open_pipeline};
use pollgate_testkit::{Gateway, eventually};

use crate::scrape::{LIMIT, until_used};
use crate::world::Pair::Embedded;
use crate::world::{World, world_with};

/// So many are tried at once.
const AT_ONCE: usize = 8;

fn hasty() -> World {
    world_with(Embedded, |builder| {
        let builder = builder.env("POLLGATE_HTTP__KEEP_ALIVE_MS", "1000");
        builder.env("POLLGATE_HTTP__HEADER_TIMEOUT_MS", "1000").env("POLLGATE_HTTP__BODY_TIMEOUT_MS", "1000")
    })
}

/// The people whom somebody has written to.
fn recipients(gateway: &Gateway) -> Vec<String> {
    let rooms = gateway.user("ann").get("/v1/rooms?limit=100");
    assert_eq!(rooms.status, 200, "{rooms:?}");
    let members = rooms.json["rooms"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|room| room["members"].as_array().unwrap().clone());
    members
        .map(|member| member.as_str().unwrap().to_owned())
        .filter(|member| member.starts_with(HIDDEN))
        .collect()
}

fn try_all(gateway: &World, cases: &[Case]) -> Vec<String> {
    let address = gateway.url().trim_start_matches("http://").parse().unwrap();
    let mut wrong = Vec::new();
    for some in cases.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let tries: Vec<_> =
                some.iter().map(|case| (case, scope.spawn(|| answers(address, &case.bytes)))).collect();
            for (case, tried) in tries {
                let came = tried.join().unwrap();
                // an answer to what was hidden would be a second one
                if came.len() > 1 || !came.first().is_none_or(|status| case.answered.contains(status)) {
                    wrong.push(format!("{}: answered {came:?}, not {:?}", case.name, case.answered));
                }
            }
        });
    }
    wrong
}

#[test]
fn no_request_hides_in_another_one() {
    let gateway = hasty();
    let wrong = try_all(&gateway, &cases(&gateway.token("ann")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(recipients(&gateway), [""; 0]);
    until_used(&gateway, "most_connections", 0.0);
}

/// The same on the operator address, whose only secret is in what it answers.
#[test]
fn nor_on_the_operator_address() {
    let gateway = hasty();
    let address = gateway.operator_url().trim_start_matches("http://").parse().unwrap();
    let token = gateway.token("ann");
    let malformed = cases(&token).into_iter().filter(|case| case.answered == [400]);
    for case in malformed {
        let came = answers(address, &case.bytes);
        // one whose head is good is refused for its host, before anybody looks at its body
        let refused = came.iter().all(|status| matches!(status, 400 | 403));
        assert!(refused && came.len() <= 1, "{}: {came:?}", case.name);
    }
}

/// Two good requests in one write are two requests: otherwise the others above would prove nothing.
#[test]
fn two_good_requests_are_two() {
    let gateway = hasty();
    let address = gateway.url().trim_start_matches("http://").parse().unwrap();
    assert_eq!(answers(address, &open_pipeline(&gateway.token("ann"))), [404, 201]);
    eventually("the second one was done", LIMIT, || recipients(&gateway) == [format!("{HIDDEN}0")]);
}

/// No upgrade but that to WebSocket, and that only where it is served.
#[test]
fn no_other_protocol_is_spoken() {
    let gateway = hasty();
    let address = gateway.url().trim_start_matches("http://").parse().unwrap();
    for upgrade in ["h2c", "HTTP/2.0", "TLS/1.0", "websocket"] {
        let request = format!(
            "GET /v1/poll?wait=0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: Upgrade, HTTP2-Settings\r\n\
             upgrade: {upgrade}\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
            gateway.token("ann")
        );
        assert_eq!(answers(address, request.as_bytes()), [200], "{upgrade}");
    }
}
