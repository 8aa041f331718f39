//! `GET /v1/ws`: a WebSocket that carries everything.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pollgate_testkit::{Ws, WsCame, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scrape::metric;
use crate::streams::LIMIT;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{bodies, world, world_with};

/// The next event, and the cursor that confirms it.
fn event(ws: &mut Ws) -> (Value, String) {
    match ws.next_event(LIMIT) {
        WsCame::Json(mut frame) => {
            let cursor = frame["cursor"].as_str().unwrap().to_owned();
            (frame["event"].take(), cursor)
        }
        other => panic!("{other:?} instead of an event"),
    }
}

/// The next message, and the cursor that confirms it.
fn message(ws: &mut Ws) -> (String, String) {
    loop {
        let (event, cursor) = event(ws);
        if event["type"] == "message.created" {
            return (event["data"]["body"].as_str().unwrap().to_owned(), cursor);
        }
    }
}

/// Why it ends: what the gateway says, and the close frame.
fn end(ws: &mut Ws) -> (Value, u16, String) {
    let said = loop {
        match ws.next_event(LIMIT) {
            WsCame::Json(frame) if frame.get("end").is_some() => break frame,
            WsCame::Json(_) => {}
            other => panic!("{other:?} instead of the end"),
        }
    };
    match ws.next(LIMIT) {
        WsCame::Close(code, reason) => (said, code, reason),
        other => panic!("{other:?} instead of a close frame"),
    }
}

#[rstest]
fn one_websocket_carries_everything(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let (mut here, mut there) = (ann.ws("session=a"), bob.ws("session=b"));
    let sent = here.call("send", &json!({"to": "bob", "body": "hi", "client_id": "c-1"})).unwrap();
    let again = here.call("send", &json!({"to": "bob", "body": "hi", "client_id": "c-1"})).unwrap();
    assert_eq!((&sent["seq"], &again), (&json!(1), &sent));
    let room = sent["room"].as_str().unwrap();
    assert_eq!(event(&mut there).0["type"], "room.created");
    let (created, cursor) = event(&mut there);
    assert_eq!(created["data"], sent);
    assert_eq!(there.call("ack", &json!({"cursor": cursor})), Ok(json!({})));
    // what is answered is what HTTP answers
    let rooms = there.call("rooms", &json!({"limit": 10, "kind": "direct"})).unwrap();
    assert_eq!(rooms, bob.get("/v1/rooms?limit=10&kind=direct").json);
    assert_eq!(rooms["rooms"][0]["unread"], 1);
    assert_eq!(there.call("room", &json!({"room": room})).unwrap(), rooms["rooms"][0]);
    let history = there.call("history", &json!({"room": room, "limit": 5})).unwrap();
    assert_eq!(history, bob.get(&format!("/v1/rooms/{room}/messages?limit=5")).json);
    assert_eq!(there.call("read", &json!({"room": room, "seq": 1})), Ok(json!({})));
    let receipts = here.call("receipts", &json!({"room": room})).unwrap();
    assert_eq!(receipts, ann.get(&format!("/v1/rooms/{room}/receipts")).json);
    assert_eq!(there.call("typing", &json!({"room": room, "typing": true})), Ok(json!({})));
    let presence = here.call("presence", &json!({"user": ["bob"]})).unwrap();
    assert_eq!(presence["users"][0]["user"], "bob");
    let edited = here.call("edit", &json!({"room": room, "message": sent["id"], "body": "hello"})).unwrap();
    assert_eq!(edited["body"], "hello");
    assert_eq!(here.call("delete", &json!({"room": room, "message": sent["id"]})), Ok(json!({})));
    assert_eq!(here.call("ping", &json!({})), Ok(json!({})));
    eventually("what was deleted is not found", LIMIT, || {
        here.call("search", &json!({"q": "hello"})).unwrap()["messages"].as_array().unwrap().is_empty()
    });
}

#[rstest]
fn an_ack_confirms(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut ws = bob.ws("");
    for text in ["one", "two", "three"] {
        ann.send("bob", text);
    }
    let (_, _) = message(&mut ws);
    let (second, cursor) = message(&mut ws);
    assert_eq!(second, "two");
    ws.call("ack", &json!({"cursor": cursor})).unwrap();
    drop(ws);
    let mut again = bob.ws("");
    let (third, cursor) = message(&mut again);
    assert_eq!(third, "three");
    // a cursor in the address confirms, too
    assert_eq!(bodies(&bob.poll(&format!("cursor={cursor}&wait=0"))), Vec::<String>::new());
    let said = end(&mut again);
    assert_eq!(said, (json!({"end": "superseded", "pause_ms": 0}), 4409, "superseded".into()));
}

/// More than the gateway may hold unconfirmed goes over one connection as long as the client confirms.
#[rstest]
fn a_client_that_confirms_gets_any_number_of_events(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_MAILBOX__PREFETCH", "8"));
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut ws = bob.ws("");
    let texts: Vec<String> = (0..50).map(|number| format!("message {number}")).collect();
    for text in &texts {
        ann.send("bob", text);
    }
    for (number, text) in texts.iter().enumerate() {
        let (came, cursor) = message(&mut ws);
        assert_eq!(came, *text);
        if number % 5 == 4 {
            ws.ask("ack", &json!({"cursor": cursor}));
        }
    }
}

#[rstest]
fn a_client_that_never_confirms_is_told_why_it_is_cut_off(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder
            .env("POLLGATE_MAILBOX__PREFETCH", "4")
            .env("POLLGATE_HTTP__WRITE_TIMEOUT_MS", "1000")
            .env("POLLGATE_STREAM__HEARTBEAT_MS", "200")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut ws = bob.ws("");
    for number in 0..10 {
        ann.send("bob", &format!("message {number}"));
    }
    assert_eq!(end(&mut ws), (json!({"end": "slow", "pause_ms": 0}), 4408, "slow".into()));
    assert_eq!(metric(&gateway, "pollgate_streams_total{kind=\"ws\",end=\"slow\"}"), 1.0);
    assert_eq!(message(&mut bob.ws("")).0, "message 0", "nothing is lost");
}

#[rstest]
fn operations_keep_their_order(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let mut ws = gateway.user("ann").ws("");
    let asked: Vec<u64> = (0..30)
        .map(|number| ws.ask("send", &json!({"to": "bob", "body": format!("message {number}")})))
        .collect();
    let (mut replies, mut texts) = (Vec::new(), Vec::new());
    while replies.len() < asked.len() {
        let WsCame::Json(frame) = ws.next(LIMIT) else { panic!("it ended") };
        if let Some(number) = frame["reply_to"].as_u64() {
            assert_eq!(frame["ok"]["seq"], replies.len() + 1);
            texts.push(frame["ok"]["body"].clone());
            replies.push(number);
        }
    }
    assert_eq!(replies, asked);
    assert_eq!(texts, (0..30).map(|number| json!(format!("message {number}"))).collect::<Vec<_>>());
}

#[rstest]
fn what_is_no_operation_is_answered_and_changes_nothing(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let mut ws = gateway.user("ann").ws("");
    for (frame, number) in [
        ("", Value::Null),
        ("[]", Value::Null),
        (r#"{"op":"ping"}"#, Value::Null),
        (r#"{"n":1.5,"op":"ping"}"#, Value::Null),
        (r#"{"n":1}"#, json!(1)),
        (r#"{"n":2,"op":"fly"}"#, json!(2)),
        (r#"{"n":3,"op":"ping","typo":1}"#, json!(3)),
        (r#"{"n":4,"op":"send","to":"bob"}"#, json!(4)),
        (r#"{"n":5,"op":"send","to":"bob","room":"r","body":"x"}"#, json!(5)),
        (r#"{"n":6,"op":"history","room":7}"#, json!(6)),
        (r#"{"n":7,"op":"read","room":"r"}"#, json!(7)),
        (r#"{"n":8,"op":"ack","cursor":"x"}"#, json!(8)),
        (r#"{"n":9,"op":"presence","user":[]}"#, json!(9)),
        (r#"{"n":10,"op":"search","q":""}"#, json!(10)),
    ] {
        ws.write(frame).unwrap();
        let WsCame::Json(reply) = ws.next(LIMIT) else { panic!("{frame} ended it") };
        assert_eq!(reply["reply_to"], number, "{frame}: {reply}");
        assert_eq!(
            (&reply["error"]["code"], &reply["error"]["status"]),
            (&json!("invalid-request"), &json!(400)),
            "{reply}"
        );
    }
    let missing = ws.call("history", &json!({"room": "0190b1a5-0000-7000-8000-000000000000"})).unwrap_err();
    assert_eq!((&missing["code"], missing.get("retry_after")), (&json!("not-found"), None));
    let from = ws.call("send", &json!({"to": "bob", "from": "cleo", "body": "x"})).unwrap_err();
    assert_eq!(from["code"], "forbidden");
    assert_eq!(ws.call("rooms", &json!({})).unwrap()["rooms"], json!([]));
}

#[rstest]
fn operations_are_throttled_like_requests(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder.env("POLLGATE_THROTTLE__ENABLED", "true").env("POLLGATE_THROTTLE__MESSAGES", "3/min")
    });
    let mut ws = gateway.user("ann").ws("");
    let outcomes: Vec<_> = (0..6).map(|_| ws.call("send", &json!({"to": "bob", "body": "x"}))).collect();
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(refused.len(), 3, "{outcomes:?}");
    for refusal in refused {
        assert_eq!(refusal["code"], "throttled");
        assert!(refusal["retry_after"].as_u64().unwrap() >= 1, "{refusal}");
    }
}

#[rstest]
fn frames_that_break_the_rules_close_it(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let mut binary = ann.ws("session=a");
    binary.write_binary(b"{}").unwrap();
    assert!(matches!(binary.next(LIMIT), WsCame::Close(1003, _)));
    let mut long = ann.ws("session=b");
    // more than any text may have, in whatever escapes
    long.write(&format!(r#"{{"n":1,"op":"send","to":"bob","body":"{}"}}"#, "x".repeat(600_000))).unwrap();
    assert!(matches!(long.next(LIMIT), WsCame::Close(1009, _)));
    // the longest text that may be is taken
    let mut fits = ann.ws("session=c");
    assert_eq!(fits.call("send", &json!({"to": "bob", "body": "x".repeat(65_536)})).unwrap()["seq"], 1);
    let too_long = fits.call("send", &json!({"to": "bob", "body": "x".repeat(65_537)})).unwrap_err();
    assert_eq!(too_long["code"], "too-large");
}

#[rstest]
fn pages_of_other_origins_must_be_named(#[values(Embedded, Production)] pair: Pair) {
    let gateway =
        world_with(pair, |builder| builder.env("POLLGATE_HTTP__CORS_ORIGINS", "[\"https://shop.example\"]"));
    let ann = gateway.user("ann");
    let opens = |origin: &str| ann.ws_with("", &[("origin", origin)]).map(drop);
    assert_eq!(opens("https://evil.example"), Err(403));
    assert_eq!(opens("null"), Err(403));
    assert_eq!(opens("https://shop.example"), Ok(()));
    assert_eq!(opens(&gateway.url()), Ok(()));
}

#[rstest]
fn what_is_no_handshake_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    crate::world::assert_problem(&ann.get("/v1/ws"), 400, "invalid-request");
    assert_eq!(ann.ws_with("cursor=nonsense", &[]).map(drop), Err(400));
    assert_eq!(ann.ws_with("wait=1", &[]).map(drop), Err(400));
    assert_eq!(gateway.anybody(None).ws_with("", &[]).map(drop), Err(401));
    assert_eq!(gateway.user_with("shop", "publish").ws_with("", &[]).map(drop), Err(403));
    assert_eq!(metric(&gateway, "pollgate_streams_held{kind=\"ws\"}"), 0.0);
}

/// The length that a head names is enough: nobody keeps what does not fit until all of it is there.
#[rstest]
fn a_frame_that_would_be_too_large_is_not_waited_for(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let after = |frames: &[u8]| {
        let mut ws = ann.ws("");
        ws.connection().write_all(frames).unwrap();
        match ws.next_event(LIMIT) {
            WsCame::Close(code, _) => code,
            other => panic!("{other:?}"),
        }
    };
    // text of 2^40 bytes, of which none comes
    assert_eq!(after(&[0x81, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1009);
    // a message whose fragments are too large together
    let fragment = [[0x01_u8, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0].as_slice(), &[b'x'; 65_535]].concat();
    let more = [[0x00_u8, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0].as_slice(), &[b'x'; 65_535]].concat();
    assert_eq!(after(&[fragment, more.repeat(7)].concat()), 1009);
    assert_eq!(after(&[0xC1, 0x82, 0, 0, 0, 0, b'{', b'}']), 1002, "an extension that nobody agreed upon");
    assert_eq!(after(&[0x81, 0x82, 0, 0, 0, 0, 0xFF, 0xFF]), 1007, "no UTF-8");
}

/// It writes as fast as it can, and answers to nothing.
#[rstest]
fn a_client_that_floods_holds_nobody_up(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_HTTP__WORKERS", "1"));
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let flood = ann.ws("");
    let connection = flood.connection().try_clone().unwrap();
    connection.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (stop, pongs) = (stop.clone(), [0x8A, 0x80, 1, 2, 3, 4].repeat(10_000));
        std::thread::spawn(
            move || while !stop.load(Ordering::Relaxed) && (&connection).write_all(&pongs).is_ok() {},
        )
    };
    for number in 0..20 {
        assert_eq!(bob.send("ann", &number.to_string()).status, 201);
        assert_eq!(bob.get("/v1/rooms").status, 200);
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}

/// What a page does that is being closed.
#[rstest]
fn an_ack_holds_though_the_client_leaves_at_once(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut ws = bob.ws("session=tab");
    for number in 0..6 {
        ann.send("bob", &number.to_string());
    }
    let cursors: Vec<String> = (0..6).map(|_| message(&mut ws).1).collect();
    ws.ask("ack", &json!({"cursor": cursors[5]}));
    // an older one, which came late, takes nothing back
    ws.ask("ack", &json!({"cursor": cursors[2]}));
    let farewell = [0x88, 0x80, 1, 2, 3, 4];
    ws.connection().write_all(&farewell).unwrap();
    while !matches!(ws.next(LIMIT), WsCame::Close(..) | WsCame::Broken) {}
    ann.send("bob", "later");
    assert_eq!(message(&mut bob.ws("session=tab")).0, "later");
}

/// The mailbox is there when the handshake is answered.
#[rstest]
fn what_is_sent_right_after_the_handshake_comes_back(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    for number in 0..10 {
        let mut ws = gateway.user("ann").ws(&format!("session=tab-{number}"));
        ws.ask("send", &json!({"to": "bob", "body": number.to_string()}));
        assert_eq!(message(&mut ws).0, number.to_string());
    }
}

/// Confirming at one's ease is one thing, a window that stays full another.
#[rstest]
fn patience_with_a_full_window_begins_when_it_is_full(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder
            .env("POLLGATE_MAILBOX__PREFETCH", "4")
            .env("POLLGATE_HTTP__WRITE_TIMEOUT_MS", "2000")
            .env("POLLGATE_STREAM__HEARTBEAT_MS", "200")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    ann.send("bob", "0");
    let mut ws = bob.ws("");
    message(&mut ws);
    let unconfirmed = Instant::now();
    while unconfirmed.elapsed() < Duration::from_millis(1500) {
        assert!(!matches!(ws.next(Duration::from_millis(100)), WsCame::Close(..)), "it was not full");
    }
    let full = Instant::now();
    for number in 1..10 {
        ann.send("bob", &number.to_string());
    }
    assert_eq!(end(&mut ws).0["end"], "slow");
    assert!(full.elapsed() >= Duration::from_millis(900), "{:?}", full.elapsed());
}

/// It answers no ping: its side reads nothing.
#[rstest]
fn a_dead_peer_is_found(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_STREAM__HEARTBEAT_MS", "200"));
    let ann = gateway.user("ann");
    let (_dead, mut alive) = (ann.ws("session=dead"), ann.ws("session=alive"));
    assert_eq!(metric(&gateway, "pollgate_streams_held{kind=\"ws\"}"), 2.0);
    let began = Instant::now();
    eventually("the dead one is gone", LIMIT, || {
        // reading answers the pings
        while alive.next(Duration::from_millis(20)) == WsCame::Ping {}
        metric(&gateway, "pollgate_streams_total{kind=\"ws\",end=\"gone\"}") == 1.0
    });
    assert!(began.elapsed() >= Duration::from_millis(400), "two pings may be missed");
    assert_eq!(alive.call("ping", &json!({})), Ok(json!({})), "the other one is there");
}

#[rstest]
fn who_drains_closes_and_says_when_to_come_back(#[values(Embedded, Production)] pair: Pair) {
    let mut gateway = world_with(pair, |builder| builder.env("POLLGATE_HTTP__GRACE_MS", "4000"));
    let mut ws = gateway.user("ann").ws("");
    let reader = std::thread::spawn(move || end(&mut ws));
    assert!(gateway.gateway.terminate().success());
    let (said, code, reason) = reader.join().unwrap();
    assert_eq!((&said["end"], code, reason.as_str()), (&json!("drained"), 1012, "drained"));
    assert!((250..=1500).contains(&said["pause_ms"].as_u64().unwrap()), "{said}");
}

#[rstest]
fn it_ends_with_its_credential(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_AUTH__JWT__LEEWAY_S", "0"));
    let token = gateway.token_with("bob", "user", 2);
    let mut ws = gateway.anybody(Some(&format!("Bearer {token}"))).ws("");
    let said = end(&mut ws);
    assert_eq!(said, (json!({"end": "token-expired", "pause_ms": 0}), 4401, "token-expired".into()));
}
