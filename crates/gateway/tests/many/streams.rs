//! A session that changes between polls, Server-Sent Events and WebSocket at any event, at any gateway, under load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pollgate_testkit::{Came, User, WsCame};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{LIMIT, Pair, World};

const MESSAGES: usize = 300;
/// More changes than this are not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a session got, and where it stands.
struct Session<'a> {
    world: &'a World,
    name: &'static str,
    cursor: String,
    came: Vec<String>,
    changes: [usize; 3],
    seed: u64,
}

impl Session<'_> {
    /// A number below `most`; the same story each time (xorshift, Marsaglia 2003).
    fn chance(&mut self, most: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % most
    }

    fn take(&mut self, event: &Value, cursor: &str) {
        if event["type"] == "message.created" {
            self.came.push(event["data"]["body"].as_str().unwrap().to_owned());
        }
        cursor.clone_into(&mut self.cursor);
    }

    fn read(&mut self) {
        let number = usize::try_from(self.chance(2)).unwrap();
        let bob = self.world.gateway(number).user("bob");
        let how = self.chance(3);
        self.changes[usize::try_from(how).unwrap()] += 1;
        match how {
            0 => self.by_polls(&bob),
            1 => self.by_stream(&bob),
            _ => self.by_socket(&bob),
        }
    }

    fn by_polls(&mut self, bob: &User) {
        for _each in 0..=self.chance(3) {
            let limit = 1 + self.chance(20);
            let query = format!("session={}&cursor={}&wait=1&limit={limit}", self.name, self.cursor);
            let polled = bob.poll(&query);
            assert_eq!((polled.status, &polled.json["resync"]), (200, &json!(false)), "{polled:?}");
            let cursor = polled.json["cursor"].as_str().unwrap().to_owned();
            for event in polled.json["events"].as_array().unwrap() {
                self.take(event, &cursor);
            }
            self.cursor = cursor;
        }
    }

    /// Leaves at any event: what was on its way then was not had.
    fn by_stream(&mut self, bob: &User) {
        let mut stream =
            bob.stream_with(&format!("session={}", self.name), &[("last-event-id", &self.cursor)]);
        assert_eq!(stream.answer.status, 200, "{:?}", stream.answer);
        for _each in 0..self.chance(40) {
            match stream.next_event(PATIENCE) {
                Came::Frame(frame) if frame.event.as_deref() == Some("end") => {
                    assert_eq!(frame.data["end"], "confirm");
                    return;
                }
                Came::Frame(frame) => self.take(&frame.data, &frame.id.unwrap()),
                Came::Nothing => return,
                broken => panic!("{broken:?}"),
            }
        }
    }

    fn by_socket(&mut self, bob: &User) {
        let mut ws = bob.ws(&format!("session={}&cursor={}", self.name, self.cursor));
        for _each in 0..self.chance(40) {
            match ws.next_event(PATIENCE) {
                WsCame::Json(frame) => {
                    assert!(frame.get("event").is_some(), "{frame}");
                    self.take(&frame["event"], frame["cursor"].as_str().unwrap());
                }
                WsCame::Nothing => return,
                broken => panic!("{broken:?}"),
            }
            if self.chance(3) == 0 {
                ws.ask("ack", &json!({"cursor": self.cursor}));
            }
        }
    }
}

#[rstest]
fn a_session_changes_at_any_event_and_loses_and_repeats_nothing(
    #[values(Pair::Embedded, Pair::Production)] pair: Pair,
    #[values(1, 2, 3)] seed: u64,
) {
    let world = World::with(pair, |_number, builder| builder.env("POLLGATE_MAILBOX__PREFETCH", "64"));
    let mut session = Session {
        world: &world,
        name: "phone",
        cursor: String::new(),
        came: Vec::new(),
        changes: [0; 3],
        seed: 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed),
    };
    // it is there before the first message
    session.by_polls(&world.gateway(0).user("bob"));
    let (sent, done) = (texts(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for text in &sent {
                // one sender at one gateway: what two publish side by side has its order by `seq` alone
                assert_eq!(world.gateway(0).user("ann").send("bob", text).status, 201);
            }
            done.store(true, Ordering::SeqCst);
        });
        let until = std::time::Instant::now() + LIMIT;
        while session.came.len() < MESSAGES && std::time::Instant::now() < until {
            session.read();
        }
    });
    assert!(done.load(Ordering::SeqCst));
    assert_eq!(session.came, sent, "changes: {:?}", session.changes);
    assert!(session.changes.iter().all(|times| *times > 0), "{:?}", session.changes);
}

fn texts() -> Vec<String> {
    (0..MESSAGES).map(|number| format!("message {number}")).collect()
}

/// A gateway dies with streams open; the session goes on at the other one, or at the same one when it is back.
#[rstest]
fn nothing_is_lost_when_a_gateway_dies_with_streams_open(
    #[values(Pair::Embedded, Pair::Production)] pair: Pair,
) {
    let mut world = World::new(pair);
    let (mut came, mut cursor): (Vec<String>, String) = (Vec::new(), String::new());
    let session = "session=phone";
    drop(world.gateway(0).user("bob").poll(&format!("{session}&cursor=&wait=0")));
    let sent = &texts()[..60];
    for round in 0..6 {
        let part = &sent[round * 10..(round + 1) * 10];
        let at = if round % 2 == 0 { 0 } else { 1 };
        let ws = round % 3 == 0;
        for text in part {
            assert_eq!(world.gateway(at).user("ann").send("bob", text).status, 201);
        }
        let bob = world.gateway(at).user("bob");
        let mut note = |event: &Value, at: &str| {
            if event["type"] == "message.created" {
                came.push(event["data"]["body"].as_str().unwrap().to_owned());
            }
            at.clone_into(&mut cursor);
        };
        // some of it is read, and then it dies in the middle
        if ws {
            let mut socket = bob.ws(session);
            for _each in 0..5 {
                let WsCame::Json(frame) = socket.next_event(LIMIT) else { panic!("no event") };
                note(&frame["event"], frame["cursor"].as_str().unwrap());
            }
            world.restart(at);
            assert!(matches!(socket.next_event(LIMIT), WsCame::Broken | WsCame::Json(_)));
        } else {
            let mut stream = bob.stream(session);
            for _each in 0..5 {
                let Came::Frame(frame) = stream.next_event(LIMIT) else { panic!("no event") };
                note(&frame.data, &frame.id.unwrap());
            }
            world.restart(at);
        }
    }
    let until = std::time::Instant::now() + LIMIT;
    let complete = |came: &[String]| sent.iter().all(|text| came.contains(text));
    while !complete(&came) {
        assert!(
            std::time::Instant::now() < until,
            "lost: {:?}",
            sent.iter().filter(|t| !came.contains(t)).collect::<Vec<_>>()
        );
        let polled = world.gateway(0).user("bob").poll(&format!("{session}&cursor={cursor}&wait=1"));
        for event in polled.json["events"].as_array().unwrap() {
            if event["type"] == "message.created" {
                came.push(event["data"]["body"].as_str().unwrap().to_owned());
            }
        }
        polled.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
    }
}
