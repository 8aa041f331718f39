//! The document against the route tables, against the contract, and against itself.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Bounds, finish};
use crate::http::problem::Code;
use crate::http::{described, versioned};

const BOUNDS: Bounds = Bounds {
    text_bytes: 1001,
    recipients: 1002,
    batch_events: 1003,
    most_events: 1004,
    poll_limit: 105,
    room_members: 1006,
    attachment_bytes: 1007,
    message_attachments: 108,
    query_token: true,
};

/// What the contract promises and this version serves. Whoever serves more of it adds it here.
const CONTRACT: &[(&str, &str)] = &[
    ("POST", "/v1/messages"),
    ("POST", "/v1/events"),
    ("POST", "/v1/events/batch"),
    ("GET", "/v1/poll"),
    ("GET", "/v1/stream"),
    ("GET", "/v1/ws"),
    ("POST", "/v1/tickets"),
    ("GET", "/v1/rooms"),
    ("POST", "/v1/rooms"),
    ("GET", "/v1/rooms/{room}"),
    ("PATCH", "/v1/rooms/{room}"),
    ("PUT", "/v1/rooms/{room}/members/{user}"),
    ("DELETE", "/v1/rooms/{room}/members/{user}"),
    ("GET", "/v1/rooms/{room}/messages"),
    ("PATCH", "/v1/rooms/{room}/messages/{message}"),
    ("DELETE", "/v1/rooms/{room}/messages/{message}"),
    ("POST", "/v1/rooms/{room}/read"),
    ("GET", "/v1/search"),
    ("POST", "/v1/rooms/{room}/typing"),
    ("GET", "/v1/presence"),
    ("POST", "/v1/attachments"),
    ("GET", "/v1/attachments/{id}"),
    ("GET", "/v1/mailboxes"),
    ("DELETE", "/v1/mailboxes/{user}"),
    ("GET", "/openapi.json"),
];

fn document() -> Value {
    super::document(&BOUNDS).unwrap()
}

fn described_operations() -> BTreeSet<(String, String)> {
    let mut document = document();
    finish::operations(&mut document).map(|(path, method, _)| (method.to_uppercase(), path)).collect()
}

#[test]
fn every_route_stands_in_the_document_and_nothing_else_does() {
    let api = versioned().into_iter().map(|row| (format!("/v1{}", row.path), row.allow));
    let table = api.chain(described().into_iter().map(|row| (row.path.to_owned(), row.allow)));
    let served: BTreeSet<_> = table
        .flat_map(|(path, allow)| {
            allow.split(", ").map(move |method| (method.to_owned(), path.clone())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(described_operations(), served);
}

#[test]
fn the_contract_stands_in_the_document() {
    let described = described_operations();
    for (method, path) in CONTRACT {
        let operation = ((*method).to_owned(), (*path).to_owned());
        assert!(described.contains(&operation), "{method} {path} is not described");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_and_a_tag_that_is_explained() {
    let mut document = document();
    let tags: Vec<Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
    let mut names = BTreeSet::new();
    for (path, method, operation) in finish::operations(&mut document) {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name), "{method} {path}: its operationId is taken");
        assert!(
            operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{method} {path}: no summary"
        );
        let used = operation["tags"].as_array().unwrap();
        assert!(used.iter().all(|tag| tags.contains(tag)), "{method} {path}: {used:?}");
    }
}

#[test]
fn whoever_needs_a_token_says_so_and_what_happens_without() {
    let mut document = document();
    for (path, method, operation) in finish::operations(&mut document) {
        let secured = operation.get("security").is_some();
        assert_eq!(secured, path.starts_with("/v1/"), "{method} {path}");
        for status in ["401", "403", "503"] {
            assert_eq!(operation["responses"].get(status).is_some(), secured, "{method} {path}: {status}");
        }
        if operation.get("requestBody").is_some() {
            for status in ["400", "408", "413", "415"] {
                assert!(operation["responses"].get(status).is_some(), "{method} {path}: {status}");
            }
        }
    }
}

#[test]
fn every_answer_bears_its_headers() {
    let mut document = document();
    for (path, method, operation) in finish::operations(&mut document) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let always = |name: &str| answer["headers"][name]["required"] == true;
            assert!(always("x-request-id"), "{method} {path}: {status}");
            assert_eq!(
                always("retry-after"),
                matches!(status.as_str(), "429" | "503"),
                "{method} {path}: {status}"
            );
            assert_eq!(always("www-authenticate"), status == "401", "{method} {path}: {status}");
            let problem = status.starts_with(['4', '5']);
            assert_eq!(
                answer["content"].get("application/problem+json").is_some(),
                problem,
                "{method} {path}: {status}"
            );
        }
    }
}

#[test]
fn whoever_is_counted_says_what_is_left_and_may_hear_that_nothing_is() {
    let mut document = document();
    let mut classes = BTreeSet::new();
    for (path, method, operation) in finish::operations(&mut document) {
        let class = operation.get(finish::CLASS).and_then(Value::as_str).map(ToOwned::to_owned);
        for (status, answer) in operation["responses"].as_object().unwrap() {
            for field in ["ratelimit-policy", "ratelimit"] {
                let header = answer["headers"].get(field);
                assert_eq!(header.is_some(), class.is_some(), "{method} {path}: {status} {field}");
                assert!(header.is_none_or(|header| header.get("required").is_none()), "{method} {path}");
            }
        }
        if let Some(class) = class {
            assert!(operation["responses"].get("429").is_some(), "{method} {path}");
            classes.insert(class);
        }
    }
    assert!(classes.iter().eq(["general", "messages", "publish", "rooms", "signals"]), "{classes:?}");
}

#[test]
fn what_a_message_has_only_sometimes_is_not_required() {
    let document = document();
    let required = |schema: &str| document["components"]["schemas"][schema]["required"].to_string();
    let message = required("Message");
    for field in ["files", "edited_at", "deleted_at"] {
        assert!(!message.contains(field), "{message}");
    }
    assert!(message.contains("reply_to") && !required("Event").contains("room"), "{message}");
}

#[test]
fn a_field_of_a_change_may_be_null_or_left_out() {
    let patch = &document()["components"]["schemas"]["RoomPatch"];
    for field in ["name", "category", "status", "assignee"] {
        let null = patch["properties"][field]["oneOf"].as_array().unwrap();
        assert!(null.iter().any(|one| one["type"] == "null"), "{field}: {patch}");
    }
    assert!(patch.get("required").is_none(), "{patch}");
}

#[test]
fn what_is_read_refuses_unknown_fields() {
    let mut document = document();
    let bodies: Vec<String> = finish::operations(&mut document)
        .filter_map(|(_, _, operation)| {
            let schema = operation.pointer("/requestBody/content/application~1json/schema/$ref")?;
            Some(schema.as_str()?.trim_start_matches('#').to_owned())
        })
        .collect();
    assert!(bodies.len() >= 3, "{bodies:?}");
    for body in bodies {
        assert_eq!(document.pointer(&body).unwrap()["additionalProperties"], false, "{body}");
    }
}

#[test]
fn every_limit_of_this_gateway_is_named() {
    let text = document().to_string();
    for limit in ["1001", "1002", "1003", "1004", "105", "1006", "1007", "108"] {
        assert!(text.contains(&format!(":{limit},")) || text.contains(&format!(":{limit}}}")), "{limit}");
    }
    assert_eq!(text.matches("\"oneOf\":[{\"properties\":{\"room\"").count(), 2, "to or room");
}

#[test]
fn a_switched_off_query_token_is_not_offered() {
    assert!(document().to_string().contains("\"token\":[]"));
    let without = super::document(&Bounds { query_token: false, ..BOUNDS }).unwrap();
    assert!(!without.to_string().contains("\"token\""));
}

#[test]
fn unsigned_numbers_are_spelt_as_everywhere() {
    let text = document().to_string();
    assert!(text.contains("\"uint64\"") && !text.contains("u-int"));
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                into.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, into)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn the_codes_of_the_document_are_the_codes_of_the_answers() {
    let schema = serde_json::to_value(<Code as utoipa::PartialSchema>::schema()).unwrap();
    let described: BTreeSet<&str> =
        schema["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    // a code that is added to the enumeration is added to the table too, or it does not compile; the spelling is checked here
    let document = document();
    let text = document.to_string();
    for code in &described {
        let everywhere = *code == "method-not-allowed";
        assert!(
            everywhere || text.matches(&format!("\"{code}\"")).count() > 1,
            "{code} is answered by no operation"
        );
    }
}
