//! `POST /v1/tickets`, and what a ticket opens.

use std::time::{Duration, SystemTime};

use pollgate_testkit::Answer;
use rstest::rstest;
use serde_json::json;

use crate::streams::end;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, assert_problem, world, world_with};

fn ticket(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json["ticket"].as_str().unwrap().to_owned()
}

fn stream_status(gateway: &World, ticket: &str) -> u16 {
    gateway.anybody(None).stream(&format!("ticket={ticket}")).answer.status
}

#[rstest]
fn a_ticket_opens_one_stream(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let made = ann.post("/v1/tickets", &json!({}));
    assert!(made.json["expires_at"].as_str().unwrap().ends_with('Z'), "{made:?}");
    let one = ticket(&made);
    let mut stream = gateway.anybody(None).stream(&format!("session=x&ticket={one}"));
    assert_eq!(stream.answer.status, 200);
    gateway.user("bob").send("ann", "for the ticket's user");
    let mut frame = crate::streams::frame(&mut stream);
    while frame.event.as_deref() != Some("message.created") {
        frame = crate::streams::frame(&mut stream);
    }
    assert_eq!(frame.data["data"]["body"], "for the ticket's user");
    assert_problem(&gateway.anybody(None).stream(&format!("ticket={one}")).answer, 401, "unauthenticated");
    let other = ticket(&ann.request("POST", "/v1/tickets", &[], &[]).unwrap());
    assert!(gateway.anybody(None).ws_with(&format!("ticket={other}"), &[]).is_ok());
    assert_eq!(gateway.anybody(None).ws_with(&format!("ticket={other}"), &[]).map(drop), Err(401));
}

#[rstest]
fn a_ticket_is_good_for_streams_only(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let one = ticket(&gateway.user("ann").post("/v1/tickets", &json!({})));
    assert_problem(&gateway.anybody(Some(&format!("Bearer {one}"))).get("/v1/rooms"), 401, "unauthenticated");
    assert_problem(&gateway.anybody(None).poll(&format!("ticket={one}")), 400, "invalid-request");
    assert_problem(&gateway.anybody(None).poll(&format!("token={one}")), 401, "unauthenticated");
    assert_eq!(stream_status(&gateway, &gateway.token("ann")), 401, "a token is no ticket");
    assert_eq!(stream_status(&gateway, &one), 200);
}

#[rstest]
fn what_makes_no_sense_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    assert_problem(&ann.post("/v1/tickets", &json!({"for": "bob"})), 400, "invalid-request");
    assert_problem(&ann.post("/v1/tickets?x=1", &json!({})), 400, "invalid-request");
    assert_problem(&ann.post_raw("/v1/tickets", "text/plain", b"{}"), 415, "unsupported-media-type");
    assert_problem(&gateway.anybody(None).post("/v1/tickets", &json!({})), 401, "unauthenticated");
    assert_problem(&gateway.user_with("shop", "publish").post("/v1/tickets", &json!({})), 403, "forbidden");
    for none in ["", "x", "a.b.c"] {
        assert_eq!(stream_status(&gateway, none), 401, "{none:?}");
    }
}

/// A stream lasts as long as what its ticket was made with.
#[rstest]
fn a_stream_ends_with_what_its_ticket_was_made_with(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_AUTH__JWT__LEEWAY_S", "0"));
    let token = gateway.token_with("bob", "user", 3);
    let one = ticket(&gateway.anybody(Some(&format!("Bearer {token}"))).post("/v1/tickets", &json!({})));
    let mut stream = gateway.anybody(None).stream(&format!("ticket={one}"));
    assert_eq!(end(&mut stream)["end"], "token-expired");
}

/// An API token is revoked while streams are open, with it and with a ticket of it.
#[rstest]
fn a_stream_ends_when_its_token_is_revoked(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(crate::world::BINARY);
        let done = command.args(arguments).envs(gateway.environment()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    let printed = run(&["token", "create", "--user", "ann"]);
    let token = printed.split_whitespace().find(|word| word.starts_with("pg_")).unwrap().to_owned();
    let ann = gateway.anybody(Some(&format!("Bearer {token}")));
    let one = ticket(&ann.post("/v1/tickets", &json!({})));
    let late = ticket(&ann.post("/v1/tickets", &json!({})));
    let (mut own, mut by_ticket) =
        (ann.stream("session=a"), gateway.anybody(None).stream(&format!("session=b&ticket={one}")));
    run(&["token", "revoke", &token]);
    let revoked = SystemTime::now();
    for stream in [&mut own, &mut by_ticket] {
        assert_eq!(end(stream), json!({"end": "unauthenticated", "pause_ms": 0}));
    }
    assert_eq!(stream_status(&gateway, &late), 401, "a ticket made before opens nothing after");
    assert!(revoked.elapsed().unwrap() < Duration::from_secs(15), "10 s, and some for a slow machine");
}

/// Where tokens are verified by a public key there is no secret to sign tickets with, unless one is given.
#[rstest]
fn a_gateway_without_a_secret_has_no_tickets(#[values(Embedded, Production)] pair: Pair) {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/ed25519.pub.pem");
    let with = |secret: &'static str| {
        world_with(pair, move |builder| {
            builder
                .env("POLLGATE_AUTH__JWT__HS256_SECRET", "")
                .env("POLLGATE_AUTH__JWT__PUBLIC_KEY_FILE", key)
                .env("POLLGATE_AUTH__TICKET_SECRET", secret)
        })
    };
    let ask = |gateway: &World| {
        let mut command = std::process::Command::new(crate::world::BINARY);
        command.args(["token", "create", "--user", "ann"]).envs(gateway.environment());
        let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let token = printed.split_whitespace().find(|word| word.starts_with("pg_")).unwrap().to_owned();
        gateway.anybody(Some(&format!("Bearer {token}"))).post("/v1/tickets", &json!({}))
    };
    assert_problem(&ask(&with("")), 404, "not-found");
    let given = with("a secret for the tickets of all gateways");
    let one = ticket(&ask(&given));
    assert_eq!(stream_status(&given, &one), 200);
}
