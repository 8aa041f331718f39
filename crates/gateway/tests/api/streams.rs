//! `GET /v1/stream`: Server-Sent Events.

use std::time::{Duration, Instant};

use pollgate_testkit::{Came, Frame, Sse, eventually};
use rstest::rstest;
use serde_json::{Value, json};

use crate::scrape::metric;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, bodies, world, world_with};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The next frame with data.
pub(crate) fn frame(stream: &mut Sse) -> Frame {
    match stream.next_event(LIMIT) {
        Came::Frame(frame) => frame,
        other => panic!("{other:?} instead of a frame"),
    }
}

/// The next message, and the cursor that confirms it.
fn message(stream: &mut Sse) -> (String, String) {
    loop {
        let frame = frame(stream);
        if frame.event.as_deref() == Some("message.created") {
            return (frame.data["data"]["body"].as_str().unwrap().to_owned(), frame.id.unwrap());
        }
    }
}

/// Why the stream ends.
pub(crate) fn end(stream: &mut Sse) -> Value {
    loop {
        let frame = frame(stream);
        if frame.event.as_deref() == Some("end") {
            assert_eq!(frame.retry, frame.data["pause_ms"].as_u64(), "{frame:?}");
            assert_eq!(stream.next(LIMIT), Came::End, "something came after the end");
            return frame.data;
        }
    }
}

#[rstest]
fn an_event_is_a_frame_with_its_cursor_and_its_type(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let mut stream = gateway.user("bob").stream("session=phone");
    assert_eq!(stream.answer.status, 200);
    assert_eq!(stream.answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.answer.header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(stream.answer.header("x-accel-buffering"), Some("no"));
    assert!(stream.answer.header("x-request-id").is_some());
    let Came::Frame(hello) = stream.next(LIMIT) else { panic!("no first frame") };
    assert!((500..=1500).contains(&hello.retry.unwrap()), "{hello:?}");
    let sent = gateway.user("ann").send("bob", "line one\nline two");
    let room = frame(&mut stream);
    assert_eq!((room.event.as_deref(), &room.data["type"]), (Some("room.created"), &json!("room.created")));
    let created = frame(&mut stream);
    assert_eq!(created.event.as_deref(), Some("message.created"));
    assert_eq!(created.data["data"], sent.json);
    assert_ne!(created.id, room.id);
}

#[rstest]
fn the_last_event_id_confirms_and_goes_before_the_cursor(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut stream = bob.stream("");
    for text in ["one", "two", "three"] {
        ann.send("bob", text);
    }
    let (first, cursor) = message(&mut stream);
    let (second, _) = message(&mut stream);
    assert_eq!((first.as_str(), second.as_str()), ("one", "two"));
    drop(stream);
    let mut again = bob.stream(&format!("cursor={cursor}"));
    let (second, newer) = message(&mut again);
    assert_eq!(second, "two");
    drop(again);
    let mut on = bob.stream_with(&format!("cursor={cursor}"), &[("last-event-id", &newer)]);
    assert_eq!(message(&mut on).0, "three");
    drop(on);
    // without either: everything that is unconfirmed
    assert_eq!(message(&mut bob.stream("")).0, "three");
}

#[rstest]
fn polls_and_streams_go_on_from_each_other(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut stream = bob.stream("session=tab");
    ann.send("bob", "by stream");
    let (text, cursor) = message(&mut stream);
    assert_eq!(text, "by stream");
    ann.send("bob", "by poll");
    let polled = bob.poll(&format!("session=tab&wait=5&cursor={cursor}"));
    assert_eq!(bodies(&polled), ["by poll"]);
    // the poll took the mailbox
    assert_eq!(end(&mut stream), json!({"end": "superseded", "pause_ms": 0}));
    ann.send("bob", "by stream again");
    let cursor = polled.json["cursor"].as_str().unwrap();
    assert_eq!(message(&mut bob.stream(&format!("session=tab&cursor={cursor}"))).0, "by stream again");
}

#[rstest]
fn a_stream_ends_a_held_poll(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let bob = gateway.user("bob");
    bob.poll("cursor=&wait=0");
    let held = {
        let bob = bob.clone();
        std::thread::spawn(move || bob.poll("cursor=&wait=5.5"))
    };
    eventually("the poll is held", LIMIT, || metric(&gateway, "pollgate_polls_held") == 1.0);
    let _stream = bob.stream("");
    assert_problem(&held.join().unwrap(), 409, "superseded");
    eventually("a stream is no poll", LIMIT, || {
        metric(&gateway, "pollgate_polls_held") == 0.0
            && metric(&gateway, "pollgate_streams_held{kind=\"sse\"}") == 1.0
    });
}

#[rstest]
fn it_says_that_it_is_there(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_STREAM__HEARTBEAT_MS", "200"));
    let mut stream = gateway.user("bob").stream("");
    let mut heartbeats = 0;
    while heartbeats < 3 {
        let Came::Frame(frame) = stream.next(LIMIT) else { panic!("it ended") };
        heartbeats += usize::from(frame.comment.is_some());
    }
}

/// A client cannot confirm on such a stream.
#[rstest]
fn it_ends_when_it_is_time_to_confirm(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder
            .env("POLLGATE_MAILBOX__PREFETCH", "4")
            .env("POLLGATE_STREAM__UNCONFIRMED_MS", "700")
            .env("POLLGATE_STREAM__HEARTBEAT_MS", "100")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let mut stream = bob.stream("");
    let texts: Vec<String> = (0..20).map(|number| format!("message {number}")).collect();
    for text in &texts {
        ann.send("bob", text);
    }
    let (mut came, mut cursor, mut streams) = (Vec::new(), String::new(), 1);
    while came.len() < texts.len() {
        let frame = frame(&mut stream);
        match frame.event.as_deref() {
            Some("end") => {
                assert_eq!(frame.data, json!({"end": "confirm", "pause_ms": 0}));
                stream = bob.stream_with("", &[("last-event-id", &cursor)]);
                streams += 1;
            }
            Some("message.created") => came.push(frame.data["data"]["body"].as_str().unwrap().to_owned()),
            _other => {}
        }
        cursor = frame.id.unwrap_or(cursor);
    }
    assert_eq!(came, texts);
    assert!(streams > 4, "{streams} streams for windows of four events");
    // one event alone must be confirmed some time, too
    let mut stream = bob.stream_with("", &[("last-event-id", &cursor)]);
    ann.send("bob", "last");
    assert_eq!(message(&mut stream).0, "last");
    assert_eq!(end(&mut stream)["end"], "confirm");
}

#[rstest]
fn what_may_have_been_missed_is_said_until_it_is_confirmed(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    ann.send("bob", "to the phone");
    let (_, foreign) = message(&mut bob.stream("session=phone"));
    // a cursor that says that there was a mailbox, of which there is none
    let query = format!("session=tablet&cursor={foreign}");
    let first = frame(&mut bob.stream(&query));
    assert_eq!((first.event.as_deref(), &first.data), (Some("resync"), &json!({"resync": true})));
    let mut again = bob.stream("session=tablet&cursor=");
    let told = frame(&mut again);
    assert_eq!(told.event.as_deref(), Some("resync"), "told again, as nobody confirmed it");
    drop(again);
    let mut heard = bob.stream_with("session=tablet", &[("last-event-id", told.id.as_deref().unwrap())]);
    ann.send("bob", "to both");
    assert_eq!(message(&mut heard).0, "to both");
}

#[rstest]
fn it_ends_with_its_credential(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_AUTH__JWT__LEEWAY_S", "0"));
    let token = gateway.token_with("bob", "user", 2);
    let bob = gateway.anybody(Some(&format!("Bearer {token}")));
    let mut stream = bob.stream("");
    assert_eq!(end(&mut stream), json!({"end": "token-expired", "pause_ms": 0}));
    assert_problem(&bob.stream("").answer, 401, "token-expired");
}

#[rstest]
fn a_stream_takes_a_place_among_held_polls(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_LIMITS__HELD_POLLS_PER_USER", "2"));
    let bob = gateway.user("bob");
    let (first, _second) = (bob.stream("session=a"), bob.stream("session=b"));
    assert_problem(&bob.stream("session=c").answer, 429, "throttled");
    drop(first);
    eventually("its place is free", LIMIT, || bob.stream("session=c").answer.status == 200);
}

#[rstest]
fn a_client_that_left_is_noticed(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let stream = gateway.user("bob").stream("");
    assert_eq!(metric(&gateway, "pollgate_streams_held{kind=\"sse\"}"), 1.0);
    let left = Instant::now();
    drop(stream);
    eventually("nobody is there", LIMIT, || {
        metric(&gateway, "pollgate_streams_total{kind=\"sse\",end=\"gone\"}") == 1.0
    });
    assert!(left.elapsed() < Duration::from_secs(5), "not by its end, but by a heartbeat");
}

/// It stays connected, and reads nothing. The system's own time-out is twice as long.
#[rstest]
fn a_client_that_does_not_read_is_cut_off(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder.env("POLLGATE_HTTP__WRITE_TIMEOUT_MS", "12000").env("POLLGATE_MAILBOX__PREFETCH", "2000")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let stream = bob.stream("");
    let text = "x".repeat(60_000);
    eventually("it is cut off", Duration::from_secs(60), || {
        ann.send("bob", &text);
        metric(&gateway, "pollgate_streams_total{kind=\"sse\",end=\"slow\"}") == 1.0
    });
    assert_eq!(metric(&gateway, "pollgate_streams_held{kind=\"sse\"}"), 0.0);
    // nothing is lost: all of it comes to whoever reads
    drop(stream);
    assert_eq!(message(&mut bob.stream("")).0, text);
}

#[rstest]
fn who_drains_says_when_to_come_back(#[values(Embedded, Production)] pair: Pair) {
    let mut gateway = world_with(pair, |builder| builder.env("POLLGATE_HTTP__GRACE_MS", "4000"));
    let mut streams: Vec<Sse> =
        (0..6).map(|number| gateway.user(&format!("user-{number}")).stream("")).collect();
    let began = Instant::now();
    let readers: Vec<_> = streams
        .drain(..)
        .map(|mut stream| {
            std::thread::spawn(move || {
                let end = end(&mut stream);
                (end, began.elapsed())
            })
        })
        .collect();
    assert!(gateway.gateway.terminate().success());
    let ends: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    for (end, _) in &ends {
        assert_eq!(end["end"], "drained");
        assert!((250..=1500).contains(&end["pause_ms"].as_u64().unwrap()), "{end}");
    }
    let (first, last) = (ends.iter().map(|(_, at)| *at).min(), ends.iter().map(|(_, at)| *at).max());
    assert!(last > first, "all at once");
}

#[rstest]
fn presence_is_told_while_the_stream_is_open(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder
            .env("POLLGATE_POLL__HOLD_MS", "200")
            .env("POLLGATE_POLL__LINGER_MS", "200")
            .env("POLLGATE_STREAM__HEARTBEAT_MS", "100")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    ann.send("bob", "hi");
    let mut stream = bob.stream("presence=true");
    assert_eq!(message(&mut stream).0, "hi");
    // long after a poll's wish would be forgotten
    for _each in 0..12 {
        assert!(matches!(stream.next(LIMIT), Came::Frame(_)));
    }
    let _here = ann.stream("session=phone");
    loop {
        let frame = frame(&mut stream);
        if frame.event.as_deref() == Some("presence") && frame.data["data"]["user"] == "ann" {
            assert_eq!(frame.data["data"]["online"], true);
            break;
        }
    }
}

#[rstest]
fn what_makes_no_sense_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let bob = gateway.user("bob");
    for query in ["cursor=nonsense", "wait=3", "session=", "presence=perhaps", "session=a&session=b"] {
        assert_problem(&bob.stream(query).answer, 400, "invalid-request");
    }
    assert_problem(&bob.stream_with("", &[("last-event-id", "nonsense")]).answer, 400, "invalid-request");
    assert_problem(&gateway.anybody(None).stream("").answer, 401, "unauthenticated");
    assert_problem(&gateway.user_with("shop", "publish").stream("").answer, 403, "forbidden");
    assert_eq!(gateway.anybody(None).stream(&format!("token={}", gateway.token("bob"))).answer.status, 200);
    assert_problem(&bob.post("/v1/stream", &json!({})), 405, "method-not-allowed");
}
