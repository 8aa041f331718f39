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

/// Those of them that are always there.
fn required(document: &Value, schema: &str) -> BTreeSet<String> {
    let names = document["components"]["schemas"][schema]["required"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
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
    assert_eq!(fields(answered(&sent, 201)), required(&document, "Message"));
    let event = json!({ "to": ["bob"], "type": "order.updated" });
    same("Accepted", answered(&ann.post("/v1/events", &event), 202));
    same("AcceptedBatch", answered(&ann.post("/v1/events/batch", &json!({ "events": [event] })), 202));
    let history = ann.get(&format!("/v1/rooms/{}/messages", sent.json["room"].as_str().unwrap()));
    same("History", answered(&history, 200));
    assert_eq!(fields(&history.json["messages"][0]), required(&document, "Message"));
    let bob = gateway.user("bob");
    same("Polled", answered(&bob.poll("cursor=&wait=5"), 200));
    let seen = events(&bob, "", 4);
    same("Event", seen.iter().find(|event| event["type"] == "message.created").unwrap());
    let depths = ann.get("/v1/mailboxes?user=bob");
    same("MailboxDepths", answered(&depths, 200));
    same("MailboxDepth", &depths.json["mailboxes"][0]);
    same("Problem", answered(&ann.get("/v1/poll?limit=0"), 400));
}

#[rstest]
fn the_document_is_true_of_rooms_and_what_goes_on_in_them(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let document = gateway.anybody(None).get("/openapi.json").json;
    let ann = gateway.user_with("ann", "user publish operator");
    let same =
        |schema: &str, value: &Value| assert_eq!(fields(value), described(&document, schema), "{schema}");

    let new = json!({ "members": ["bob"], "context": { "kind": "order", "id": "7" }, "category": "billing" });
    let made = ann.post("/v1/rooms", &new);
    same("RoomSummary", answered(&made, 201));
    let room = format!("/v1/rooms/{}", made.json["id"].as_str().unwrap());
    same("RoomSummary", answered(&ann.patch(&room, &json!({ "status": "open" })), 200));
    same("Rooms", answered(&ann.get("/v1/rooms"), 200));
    let receipts = ann.get(&format!("{room}/receipts"));
    same("Receipts", answered(&receipts, 200));
    same("Receipt", &receipts.json["receipts"][0]);
    let presence = ann.get("/v1/presence?user=bob&user=eve");
    same("Presences", answered(&presence, 200));
    same("Presence", &presence.json["users"][0]);
    same("SearchPage", answered(&ann.get("/v1/search?q=again"), 200));
    same("Desks", answered(&ann.get("/v1/desks"), 200));
    same("Agents", answered(&ann.get("/v1/desks/billing/agents"), 200));
}

/// What a message has only sometimes is described, and nothing of it is said to be always there.
#[rstest]
fn the_document_is_true_of_messages_that_hold_files_and_change(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let document = ann.get("/openapi.json").json;
    let file = ann.upload("a.txt", "text/plain", b"a text");
    assert_eq!(fields(answered(&file, 201)), described(&document, "Attachment"));
    let plain = ann.send("bob", "hi");
    assert_eq!(fields(answered(&plain, 201)), required(&document, "Message"));

    let message = json!({ "to": "bob", "body": "hi", "attachments": [file.json["id"]] });
    let sent = ann.post("/v1/messages", &message).json;
    assert_eq!(fields(&sent["files"][0]), described(&document, "Attachment"));
    let room = format!("/v1/rooms/{}", sent["room"].as_str().unwrap());
    let place = format!("{room}/messages/{}", sent["id"].as_str().unwrap());
    let mut seen = fields(answered(&ann.patch(&place, &json!({ "body": "hi again" })), 200));
    assert_eq!(ann.delete(&place).status, 204);
    seen.extend(fields(&ann.get(&format!("{room}/messages")).json["messages"][1]));
    assert_eq!(seen, described(&document, "Message"));
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
                // such an answer has no body
                Some(_) if method == "head" => assert_eq!(answer.status, 401, "{path}"),
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
