//! What the balancer makes of a request, and of an upstream that breaks off.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use pollgate_testkit::eventually;
use serde_json::json;

use crate::nginx::Nginx;
use crate::upstream::{Conduct, Upstream, answer, break_off, stream_events, switch_protocols};
use crate::world::LIMIT;

fn pair(conduct: Conduct) -> (Nginx, [Upstream; 2]) {
    let upstreams = [Upstream::start(conduct), Upstream::start(conduct)];
    (Nginx::start([upstreams[0].address, upstreams[1].address]), upstreams)
}

fn all_heard(upstreams: &[Upstream]) -> Vec<String> {
    upstreams.iter().flat_map(Upstream::heard).collect()
}

#[test]
fn a_gateway_hears_who_asks_and_under_which_id() {
    let (nginx, upstreams) = pair(answer);
    let caller = nginx.caller("a.token");
    let said = [("x-forwarded-for", "203.0.113.9"), ("x-request-id", "seven"), ("upgrade", "h2c")];
    assert_eq!(caller.get_with("/v1/poll?cursor=", &said).status, 200);
    let heard = all_heard(&upstreams).remove(0);
    assert!(heard.starts_with("get /v1/poll?cursor= http/1.1\r\n"), "{heard}");
    for line in [
        "authorization: bearer a.token".to_owned(),
        format!("host: {}", nginx.address()),
        "x-forwarded-for: 127.0.0.1".to_owned(),
        "x-request-id: seven".to_owned(),
    ] {
        assert!(heard.contains(&format!("\r\n{line}\r\n")), "no {line:?}: {heard}");
    }
    // neither another protocol than WebSocket, nor the end of the connection
    assert!(!heard.contains("\r\nupgrade:") && !heard.contains("\r\nconnection:"), "{heard}");

    assert_eq!(caller.get("/v1/poll").status, 200);
    let named = |request: &String| request.contains("\r\nx-request-id: ");
    assert!(all_heard(&upstreams).iter().all(named), "a request without an id of its own gets one");
}

#[test]
fn a_poll_is_repeated_at_the_other_gateway_and_a_post_that_was_sent_is_not() {
    let (nginx, upstreams) = pair(break_off);
    let caller = nginx.caller("a.token");
    assert_eq!(caller.get("/v1/poll?cursor=").status, 502);
    assert_eq!(upstreams.each_ref().map(|upstream| upstream.heard().len()), [1, 1]);

    // and neither is left alone for a single failure
    assert_eq!(caller.post("/v1/messages", &json!({"to": "bob", "body": "hi"})).status, 502);
    let posts = all_heard(&upstreams).into_iter().filter(|request| request.starts_with("post "));
    assert_eq!(posts.count(), 1);
}

#[test]
fn tokens_in_queries_stand_in_no_log() {
    let (nginx, _upstreams) = pair(break_off);
    let caller = nginx.caller("a.token");
    for n in 0..4 {
        caller.get(&format!("/v1/poll?cursor=&token=a-secret-token-{n}"));
        caller.get(&format!("/v1/stream?ticket=a-secret-ticket-{n}"));
    }
    eventually("all requests are logged", LIMIT, || nginx.access_log().len() == 8);
    let log = nginx.access_log().join("\n");
    assert!(log.contains("GET /v1/poll 502"), "{log}");
    assert!(!log.contains("secret"), "{log}");
    assert!(!nginx.error_log().contains("secret"), "{}", nginx.error_log());
}

/// What comes within a while on a connection that stays open.
fn comes(nginx: &Nginx, request: &str, wanted: &str) -> TcpStream {
    let mut stream = TcpStream::connect(nginx.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut came = String::new();
    while !came.contains(wanted) {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap_or_else(|error| panic!("{error} after {came:?}"));
        assert!(read > 0, "the connection ended after {came:?}");
        came.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    stream
}

#[test]
fn events_of_a_stream_are_passed_on_as_they_come() {
    let (nginx, _upstreams) = pair(stream_events);
    // buffered, not even the first few would have come within the time that is waited
    comes(&nginx, "GET /v1/stream HTTP/1.1\r\nhost: a\r\n\r\n", "data: 3\n\n");
}

#[test]
fn a_websocket_passes() {
    let (nginx, upstreams) = pair(switch_protocols);
    let request = "GET /v1/ws HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n\r\n";
    let mut stream = comes(&nginx, request, "a frame");
    assert!(all_heard(&upstreams)[0].contains("\r\nconnection: upgrade\r\nupgrade: websocket\r\n"));
    // what the client says arrives too; the upstream takes it for a request
    stream.write_all(b"a frame of the client\r\n\r\n").unwrap();
    eventually("the client's frame arrives", LIMIT, || {
        all_heard(&upstreams).iter().any(|heard| heard.starts_with("a frame of the client"))
    });
}
