//! The description of the API: served, true of real answers, and shown by a page of our own.

use std::collections::BTreeSet;

use pollgate_testkit::Answer;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, events, world, world_with};

/// The fields that the document names for a schema.
fn described(document: &Value, schema: &str) -> BTreeSet<String> {
    document["components"]["schemas"][schema]["properties"].as_object().unwrap().keys().cloned().collect()
}

fn fields(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn answered(answer: &Answer, status: u16) -> &Value {
    assert_eq!(answer.status, status, "{answer:?}");
    &answer.json
}

#[rstest]
fn the_document_is_true_of_real_answers(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let document = gateway.anybody(None).get("/openapi.json").json;
    let ann = gateway.user_with("ann", "user publish operator");
    let same =
        |schema: &str, value: &Value| assert_eq!(fields(value), described(&document, schema), "{schema}");

    let sent = ann.post("/v1/messages", &json!({ "to": "bob", "body": "hi", "client_id": "1" }));
    same("Message", answered(&sent, 201));
    let event = json!({ "to": ["bob"], "type": "order.updated" });
    same("Accepted", answered(&ann.post("/v1/events", &event), 202));
    same("AcceptedBatch", answered(&ann.post("/v1/events/batch", &json!({ "events": [event] })), 202));
    let history = ann.get(&format!("/v1/rooms/{}/messages", sent.json["room"].as_str().unwrap()));
    same("History", answered(&history, 200));
    same("Message", &history.json["messages"][0]);
    let bob = gateway.user("bob");
    same("Polled", answered(&bob.poll("cursor=&wait=5"), 200));
    let seen = events(&bob, "", 4);
    same("Event", seen.iter().find(|event| event["type"] == "message.created").unwrap());
    let depths = ann.get("/v1/mailboxes?user=bob");
    same("MailboxDepths", answered(&depths, 200));
    same("MailboxDepth", &depths.json["mailboxes"][0]);
    same("Problem", answered(&ann.get("/v1/poll?limit=0"), 400));
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
        for parameter in queries() {
            let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
            let ask =
                |value: i64| ann.get(&format!("{}?{name}={value}{rest}", path.replace("{room}", &room)));
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
    assert!(asked >= 8, "only {asked} bounds are described");
}

#[rstest]
fn every_described_operation_is_served(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let anybody = gateway.anybody(None);
    let document = anybody.get("/openapi.json").json;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let answer = anybody.request(&method.to_uppercase(), path, &[], b"").unwrap();
            match operation.get("security") {
                Some(_) => assert_problem(&answer, 401, "unauthenticated"),
                None => assert_eq!(answer.status, 200, "{method} {path}"),
            }
        }
    }
}

#[test]
fn the_document_is_asked_for_again_only_when_it_changed() {
    let gateway = world(Embedded);
    let anybody = gateway.anybody(None);
    let first = anybody.get("/openapi.json");
    assert_eq!(first.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(
        (answered(&first, 200)["openapi"].as_str(), first.header("cache-control")),
        (Some("3.1.0"), Some("no-cache"))
    );
    let tag = first.header("etag").unwrap();
    for known in
        [tag.to_owned(), format!("\"other\", {tag}"), tag.trim_start_matches("W/").to_owned(), "*".to_owned()]
    {
        let again = anybody.get_with("/openapi.json", &[("if-none-match", &known)]);
        assert_eq!((again.status, again.body(), again.header("etag")), (304, &b""[..], Some(tag)), "{known}");
    }
    assert_eq!(anybody.get_with("/openapi.json", &[("if-none-match", "\"other\"")]).status, 200);
    let compressed = anybody.raw_length("/openapi.json", &[("accept-encoding", "gzip")]);
    assert!(compressed < first.body().len() / 3, "{compressed} of {}", first.body().len());
}

#[test]
fn the_document_names_the_limits_of_this_gateway() {
    let gateway = world_with(Embedded, |builder| {
        builder.env("POLLGATE_LIMITS__TEXT_BYTES", "777").env("POLLGATE_AUTH__ALLOW_QUERY_TOKEN", "false")
    });
    let document = gateway.anybody(None).get("/openapi.json").json;
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["NewMessage"]["properties"]["body"]["maxLength"], 777);
    assert_eq!(document["paths"]["/v1/poll"]["get"]["security"], json!([{ "bearer": [] }]));
    assert!(document["components"]["securitySchemes"].get("token").is_none());
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_can_be_switched_off() {
    let gateway = world(Embedded);
    let anybody = gateway.anybody(None);
    let moved = anybody.get("/docs");
    assert_eq!((moved.status, moved.header("location")), (308, Some("/docs/")));
    for (file, media_type) in [
        ("", "text/html; charset=utf-8"),
        ("docs.js", "text/javascript; charset=utf-8"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
    ] {
        let path = format!("/docs/{file}");
        let page = anybody.get(&path);
        assert_eq!((page.status, page.header("content-type")), (200, Some(media_type)), "{file}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("content-encoding"), None);
        assert!(anybody.raw_length(&path, &[("accept-encoding", "gzip")]) <= page.body().len(), "{file}");
    }
    // of Swagger UI, what the page uses, and not its own page
    for file in ["index.css", "swagger-initializer.js", "oauth2-redirect.html", "../Cargo.toml"] {
        assert_problem(&anybody.get(&format!("/docs/{file}")), 404, "not-found");
    }
    let without = world_with(Embedded, |builder| builder.env("POLLGATE_HTTP__DOCS", "false"));
    for path in ["/docs", "/docs/", "/openapi.json"] {
        assert_problem(&without.anybody(None).get(path), 404, "not-found");
    }
}
