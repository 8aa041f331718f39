//! Everything that the description says of requests is asked: bounds, queries, and in which class they count.

use std::collections::BTreeSet;

use pollgate_testkit::{Answer, User};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, assert_problem, world, world_with};

/// What stands for the parameters of paths.
fn filled(path: &str, room: &str, message: &str, file: &str) -> String {
    [("{room}", room), ("{message}", message), ("{id}", file), ("{user}", "bob"), ("{desk}", "billing")]
        .into_iter()
        .fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
}

/// A schema, or the one that it refers to.
fn followed<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let reference = schema["$ref"].as_str();
    reference.map_or(schema, |reference| document.pointer(reference.trim_start_matches('#')).unwrap())
}

/// What a GET is answered; of a stream, which does not end, the head.
fn got(user: &User, path: &str) -> Answer {
    match path.strip_prefix("/v1/stream") {
        Some(query) => user.stream(query.trim_start_matches('?')).answer,
        None => user.get(path),
    }
}

/// The fuzzer's own check overlooks numbers in a query.
#[rstest]
fn a_number_past_its_described_bounds_is_refused(#[values(Embedded, Production)] pair: Pair) {
    // polls that find nothing need not be held for long
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_POLL__HOLD_MS", "50"));
    let ann = gateway.user_with("ann", "user operator");
    let document = ann.get("/openapi.json").json;
    let room = ann.send("bob", "hi").json["room"].as_str().unwrap().to_owned();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(parameters) = item["get"]["parameters"].as_array() else { continue };
        let queries = || parameters.iter().filter(|parameter| parameter["in"] == "query");
        let rest: String = queries()
            .filter(|parameter| parameter["required"] == true)
            .map(|parameter| format!("&{}=ann", parameter["name"].as_str().unwrap()))
            .collect();
        let path = path.replace("{room}", &room);
        for parameter in queries() {
            let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
            let ask = |value: i64| ann.get(&format!("{path}?{name}={value}{rest}"));
            if let Some(least) = schema["minimum"].as_i64() {
                assert_problem(&ask(least - 1), 400, "invalid-request");
                assert_eq!(ask(least).status, 200, "{path} {name}={least}");
                asked += 1;
            }
            if let Some(most) = schema["maximum"].as_i64() {
                assert_problem(&ask(most + 1), 400, "invalid-request");
                assert_eq!(ask(most).status, 200, "{path} {name}={most}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 12, "only {asked} bounds are described");
}

/// Past a bound of a parameter, in texts and in lists; the names of those that have such bounds.
fn past_bounds<'d>(ann: &User, document: &'d Value, path: &str, operation: &'d Value) -> Vec<&'d str> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let queries: Vec<&Value> = parameters.filter(|parameter| parameter["in"] == "query").collect();
    let mut asked = Vec::new();
    if path == "/v1/ws" {
        // it has the parameters of /v1/stream, and no answer to look at
        return asked;
    }
    for parameter in &queries {
        let name = parameter["name"].as_str().unwrap();
        // a session is somebody's
        let needed =
            |other: &Value| other["required"] == true || (name == "session" && other["name"] == "user");
        let others = queries.iter().filter(|other| needed(other) && other["name"] != name);
        let rest: String = others.map(|other| format!("{}=ann&", other["name"].as_str().unwrap())).collect();
        let ask = |given: &str| got(ann, format!("{path}?{rest}{given}").trim_end_matches(['&', '?']));
        let schema = followed(document, &parameter["schema"]);
        if let Some(most) = schema["maxLength"].as_u64() {
            let text = |length: u64| format!("{name}={}", "x".repeat(usize::try_from(length).unwrap()));
            assert_eq!(ask(&text(most)).status, 200, "{path} {name}");
            assert_problem(&ask(&text(most + 1)), 400, "invalid-request");
            asked.push(name);
        }
        if let Some(most) = schema["maxItems"].as_u64() {
            let list = |length: u64| (0..length).map(|n| format!("{name}=u{n}&")).collect::<String>();
            assert_eq!(ask(&list(most)).status, 200, "{path} {name}");
            assert_problem(&ask(&list(most + 1)), 400, "invalid-request");
            assert_eq!(schema["minItems"], 1, "{path} {name}");
            assert_problem(&ask(""), 400, "invalid-request");
            asked.push(name);
        }
    }
    asked
}

#[rstest]
fn a_text_or_a_list_past_its_described_bounds_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_POLL__HOLD_MS", "50"));
    let ann = gateway.user_with("ann", "user operator");
    let document = ann.get("/openapi.json").json;
    let room = ann.send("bob", "hi").json["room"].as_str().unwrap().to_owned();
    let mut asked = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        asked.extend(past_bounds(&ann, &document, &filled(path, &room, "", ""), &item["get"]));
    }
    let expected = ["assignee", "category", "context_id", "context_kind", "q", "session", "status", "user"];
    assert!(asked.iter().eq(&expected), "{asked:?}");
}

fn bounded(pair: Pair) -> World {
    world_with(pair, |builder| {
        builder
            .env("POLLGATE_LIMITS__ROOM_MEMBERS", "5")
            .env("POLLGATE_LIMITS__TEXT_BYTES", "50")
            .env("POLLGATE_ATTACHMENTS__PER_MESSAGE", "3")
            .env("POLLGATE_ATTACHMENTS__MOST_BYTES", "2000")
    })
}

/// The bound of a field of a body.
fn most(document: &Value, schema: &str, field: &str, bound: &str) -> usize {
    let most = document["components"]["schemas"][schema]["properties"][field][bound].as_u64();
    most.unwrap_or_else(|| panic!("{schema} {field} has no {bound}")).try_into().unwrap()
}

#[rstest]
fn a_room_past_its_described_bounds_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = bounded(pair);
    let ann = gateway.user("ann");
    let members = most(&ann.get("/openapi.json").json, "NewRoom", "members", "maxItems");
    // who makes it is one of them
    let room = |length: usize| {
        let members = (1..length).map(|n| format!("u{n}")).chain(["ann".to_owned()]);
        ann.post("/v1/rooms", &json!({ "members": members.collect::<Vec<_>>() }))
    };
    assert_eq!(room(members).status, 201);
    assert_problem(&room(members + 1), 400, "invalid-request");
    let often = json!({ "members": vec!["bob"; members + 1] });
    assert_problem(&ann.post("/v1/rooms", &often), 400, "invalid-request");
}

#[rstest]
fn messages_and_files_past_their_described_bounds_are_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = bounded(pair);
    let ann = gateway.user("ann");
    let document = ann.get("/openapi.json").json;
    let file = |length: usize| ann.upload("a.txt", "text/plain", &vec![b'x'; length]);
    let bytes = most(&document, "NewAttachment", "file", "maxLength");
    assert_eq!(file(bytes).status, 201);
    assert_problem(&file(bytes + 1), 413, "too-large");
    assert_problem(&file(0), 400, "invalid-request");

    let attachments = most(&document, "NewMessage", "attachments", "maxItems");
    let files: Vec<Value> = (0..=attachments).map(|_| file(1).json["id"].clone()).collect();
    let send = |files: &[Value]| {
        ann.post("/v1/messages", &json!({ "to": "bob", "body": "hi", "attachments": files }))
    };
    assert_problem(&send(&files), 400, "invalid-request");
    assert_problem(&send(&[files[0].clone(), files[0].clone()]), 400, "invalid-request");
    assert_eq!(send(&files[..attachments]).status, 201);

    let sent = ann.send("bob", "hi").json;
    let room = format!("/v1/rooms/{}", sent["room"].as_str().unwrap());
    let place = format!("{room}/messages/{}", sent["id"].as_str().unwrap());
    let edit = |length: usize| ann.patch(&place, &json!({ "body": "x".repeat(length) }));
    let text = most(&document, "MessagePatch", "body", "maxLength");
    assert_eq!(edit(text).status, 200);
    assert_problem(&edit(text + 1), 413, "too-large");

    let read = |seq: i64| ann.post(&format!("{room}/read"), &json!({ "seq": seq }));
    assert_eq!(most(&document, "NewReadMark", "seq", "minimum"), 0);
    assert_eq!(read(0).status, 204);
    assert_problem(&read(-1), 400, "invalid-request");
}

/// Every route of the table is described, which another test sees to.
#[rstest]
fn a_query_that_is_not_described_is_refused_everywhere(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user_with("ann", "user publish operator");
    let document = ann.get("/openapi.json").json;
    let id = "018f6d00-0000-7000-8000-000000000000";
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = filled(path, id, id, id);
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let kind = [("content-type", "application/json")];
            for query in ["nonsense=1", "nonsense"] {
                let answer = ann.request(&method, &format!("{path}?{query}"), &kind, b"{}").unwrap();
                if method == "HEAD" {
                    assert_eq!(answer.status, 400, "{path}: {answer:?}");
                    continue;
                }
                assert_problem(&answer, 400, "invalid-request");
                let detail = answer.json["detail"].as_str().unwrap();
                assert!(detail.starts_with("query: unknown"), "{method} {path}: {detail}");
            }
            asked += 1;
        }
    }
    assert!(asked >= 27, "only {asked} operations are described");
}

/// In which class, not how much of it: the counting has tests of its own.
#[rstest]
fn an_operation_counts_in_the_class_that_is_described(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder
            .env("POLLGATE_THROTTLE__ENABLED", "true")
            .env("POLLGATE_THROTTLE__PUBLISH", "1000/min")
            .env("POLLGATE_POLL__HOLD_MS", "50")
    });
    let (ann, shop) = (gateway.user("ann"), gateway.user_with("shop", "publish"));
    let document = ann.get("/openapi.json").json;
    let room = ann.post("/v1/rooms", &json!({ "members": ["bob"] })).json["id"].as_str().unwrap().to_owned();
    let message = ann.post("/v1/messages", &json!({ "room": room, "body": "hi" })).json["id"].clone();
    let uploaded = ann.upload("a.txt", "text/plain", b"a text");
    assert!(uploaded.header("ratelimit-policy").unwrap().starts_with("\"general\""), "{uploaded:?}");
    let file = uploaded.json["id"].as_str().unwrap();
    let mut classes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let class = operation["x-throttle-class"].as_str();
            if path == "/v1/attachments" {
                // its form was sent above
                assert_eq!(class, Some("general"));
                continue;
            }
            let mut path = filled(path, &room, message.as_str().unwrap(), file);
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for one in parameters.filter(|one| one["in"] == "query" && one["required"] == true) {
                path.push_str(&format!("?{}=ann", one["name"].as_str().unwrap()));
            }
            let schema = operation.pointer("/requestBody/content/application~1json/schema");
            // one without an example may be left out
            let example = schema.map(|schema| &followed(&document, schema)["example"]);
            let body = example.filter(|example| !example.is_null()).map(Value::to_string);
            let caller = if class == Some("publish") { &shop } else { &ann };
            let kind = [("content-type", "application/json")];
            let body = body.unwrap_or_default();
            let answer = match path.as_str() {
                "/v1/stream" => got(caller, &path),
                _ => caller.request(&method.to_uppercase(), &path, &kind, body.as_bytes()).unwrap(),
            };
            let counted = answer.header("ratelimit-policy").and_then(|policy| policy.split('"').nth(1));
            assert_eq!(counted, class, "{method} {path}: {answer:?}");
            classes.extend(class);
        }
    }
    assert!(classes.iter().eq(&["general", "messages", "publish", "rooms", "signals"]), "{classes:?}");
}
