//! The gateway is killed while rooms are made and changed: each change is there whole, with its events, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pollgate_testkit::{Backends, PgSchema, User, eventually};
use serde_json::{Value, json};

use crate::world::{LIMIT, production, start};

const MAKERS: usize = 4;
const KILLS: usize = 4;

/// What was answered with a 2xx.
#[derive(Default)]
struct Answered {
    /// Rooms by the name that they were asked for with: their ids.
    made: BTreeMap<String, String>,
    /// Rooms that got another status.
    closed: BTreeSet<String>,
    /// Rooms that `dan` was added to.
    joined: BTreeSet<String>,
}

fn attempt(user: &User, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
    let bytes = body.map(|json| json.to_string().into_bytes()).unwrap_or_default();
    let answer = user.request(method, path, &[("content-type", "application/json")], &bytes).ok()?;
    assert!(answer.status < 300 || answer.status >= 500, "refused for good: {answer:?}");
    (answer.status < 300).then_some(answer.json)
}

/// Makes a room, closes it, and brings somebody in, again and again; notes what was answered.
fn change_rooms(user: &User, maker: usize, stop: &AtomicBool, answered: &Mutex<Answered>) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("{maker}-{number}");
        let asked = json!({"name": name, "members": ["bob", "cyd"], "category": "desk", "status": "open"});
        let Some(room) = attempt(user, "POST", "/v1/rooms", Some(&asked)) else { continue };
        let id = room["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/rooms/{id}");
        answered.lock().unwrap().made.insert(name.clone(), id);
        if attempt(user, "PATCH", &path, Some(&json!({"status": "closed"}))).is_some() {
            answered.lock().unwrap().closed.insert(name.clone());
        }
        if attempt(user, "PUT", &format!("{path}/members/dan"), None).is_some() {
            answered.lock().unwrap().joined.insert(name);
        }
    }
}

/// All rooms of a user, by name.
fn list(user: &User) -> BTreeMap<String, Value> {
    let (mut rooms, mut next) = (BTreeMap::new(), String::new());
    loop {
        let page = user.get(&format!("/v1/rooms?limit=100{next}"));
        assert_eq!(page.status, 200, "{page:?}");
        for room in page.json["rooms"].as_array().unwrap() {
            let before = rooms.insert(room["name"].as_str().unwrap().to_owned(), room.clone());
            assert!(before.is_none(), "two rooms of one request: {room}");
        }
        match page.json["next"].as_str() {
            Some(place) => next = format!("&before={place}"),
            None => return rooms,
        }
    }
}

/// Reads a user's mailbox until this is true of the events that came, by type and by room.
fn until_told(user: &User, enough: impl Fn(&BTreeSet<(String, String)>) -> bool) {
    let (mut told, mut cursor) = (BTreeSet::new(), String::new());
    eventually("all that was answered is told", LIMIT, || {
        let answer = user.poll(&format!("cursor={cursor}&wait=1&limit=1000"));
        assert_eq!((answer.status, &answer.json["resync"]), (200, &json!(false)), "{answer:?}");
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        for event in answer.json["events"].as_array().unwrap() {
            let word = |name: &str| event[name].as_str().unwrap().to_owned();
            told.insert((word("type"), word("room")));
        }
        enough(&told)
    });
}

fn killed_while_rooms_change(backends: Backends, without_members: impl Fn() -> String) {
    let mut gateway = start(backends);
    let (stop, answered) = (AtomicBool::new(false), Mutex::new(Answered::default()));
    thread::scope(|scope| {
        for maker in 0..MAKERS {
            let (user, stop, answered) = (gateway.user("ann"), &stop, &answered);
            scope.spawn(move || change_rooms(&user, maker, stop, answered));
        }
        for _kill in 0..KILLS {
            let before = answered.lock().unwrap().joined.len();
            eventually("rooms change", LIMIT, || answered.lock().unwrap().joined.len() >= before + 20);
            gateway.kill();
            gateway.start_again();
        }
        stop.store(true, Ordering::Relaxed);
    });
    let answered = answered.into_inner().unwrap();
    let rooms = list(&gateway.user("bob"));
    for (name, id) in &answered.made {
        assert_eq!(
            rooms.get(name).map(|room| &room["id"]),
            Some(&json!(id)),
            "{name} was answered, and is not there"
        );
    }
    for (name, room) in &rooms {
        // what was not answered is there whole too, if it is there
        let members: Vec<&str> =
            room["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
        let with_dan = members == ["ann", "bob", "cyd", "dan"];
        assert!(with_dan || members == ["ann", "bob", "cyd"], "{room}");
        assert!(with_dan || !answered.joined.contains(name), "dan is not in {room}");
        assert!(room["status"] == "closed" || !answered.closed.contains(name), "{room}");
        assert_eq!(room["category"], "desk");
    }
    assert_eq!(without_members().trim(), "0", "rooms that nobody is in");
    let event = |kind: &str, id: &Value| (kind.to_owned(), id.as_str().unwrap().to_owned());
    until_told(&gateway.user("bob"), |told| {
        rooms.iter().all(|(name, room)| {
            let is_told = |kind| told.contains(&event(kind, &room["id"]));
            is_told("room.created")
                && (!answered.closed.contains(name) || is_told("room.updated"))
                && (!answered.joined.contains(name) || is_told("member.added"))
        })
    });
    println!("{} rooms, {} of them answered", rooms.len(), answered.made.len());
}

/// How many rooms nobody is in.
const WITHOUT_MEMBERS: &str =
    "select count(*) from rooms r where not exists (select 1 from members m where m.room_id = r.id)";

#[test]
fn kills_while_rooms_change_leave_them_whole_and_told_on_the_embedded_pair() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("pollgate.db");
    killed_while_rooms_change(Backends::Embedded(folder.path().to_owned()), || {
        let asked = Command::new("sqlite3").arg(&file).arg(WITHOUT_MEMBERS).output().unwrap();
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        String::from_utf8(asked.stdout).unwrap()
    });
}

#[test]
fn kills_while_rooms_change_leave_them_whole_and_told_on_the_production_pair() {
    let (schema, backends): (PgSchema, Backends) = production();
    killed_while_rooms_change(backends, || schema.query(WITHOUT_MEMBERS));
}
