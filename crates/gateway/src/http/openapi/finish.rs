//! What no attribute can say: the headers of every answer, the limits of this gateway, and fields that depend on each
//! other. A test holds every line here to the document it ends in.

use serde_json::{Map, Value, json};

use super::Bounds;

/// Headers that an answer has only sometimes; all others that are described are always there.
const SOMETIMES: &[&str] = &["preference-applied", "ratelimit-policy", "ratelimit"];

/// Fields that are left out where there is nothing. Answers have all their other fields, null where there is nothing.
const LEFT_OUT: &[(&str, &str)] =
    &[("Event", "room"), ("Message", "files"), ("Message", "edited_at"), ("Message", "deleted_at")];

/// Says in whose class a user's request counts, at operations that are throttled.
pub(super) const CLASS: &str = "x-throttle-class";

/// Completes the document.
pub(super) fn finish(document: &mut Value, bounds: &Bounds) {
    formats(document);
    for (_path, _method, operation) in operations(document) {
        headers(operation);
        parameters(operation);
        if !bounds.query_token
            && let Some(ways) = operation.get_mut("security").and_then(Value::as_array_mut)
        {
            ways.retain(|way| way.get("token").is_none());
        }
    }
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for (name, schema) in schemas.into_iter().flatten() {
        always_whole(name, schema);
    }
    for (pointer, field, value) in limits(bounds) {
        if let Some(schema) = document.pointer_mut(pointer).and_then(Value::as_object_mut) {
            schema.insert(field.to_owned(), value);
        }
    }
    if let Some(parameters) =
        document.pointer_mut("/paths/~1v1~1poll/get/parameters").and_then(Value::as_array_mut)
    {
        let limit = parameters.iter_mut().find(|parameter| parameter.get("name") == Some(&json!("limit")));
        if let Some(schema) = limit.and_then(|limit| limit.get_mut("schema")).and_then(Value::as_object_mut) {
            schema.insert("maximum".to_owned(), json!(bounds.most_events));
            schema.insert("default".to_owned(), json!(bounds.poll_limit));
        }
    }
}

/// Every operation, with its path and its method.
pub(super) fn operations(document: &mut Value) -> impl Iterator<Item = (String, String, &mut Value)> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths.into_iter().flatten().flat_map(|(path, item)| {
        let methods = item.as_object_mut().into_iter().flatten();
        methods.map(|(method, operation)| (path.clone(), method.clone(), operation))
    })
}

/// Unsigned numbers, as the registry of formats spells them; the generator has a spelling of its own.
fn formats(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(format)) = fields.get_mut("format")
                && let Some(bits) = format.strip_prefix("u-int")
            {
                *format = format!("uint{bits}");
            }
            fields.values_mut().for_each(formats);
        }
        Value::Array(items) => items.iter_mut().for_each(formats),
        _ => {}
    }
}

/// What answers to a request that was counted bear (draft-ietf-httpapi-ratelimit-headers-10).
fn rate_limit() -> [(&'static str, Value); 2] {
    let field = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    [
        (
            "ratelimit-policy",
            field(
                "How many requests (`q`) of this class in how many seconds (`w`), where it is counted",
                r#""rooms";q=60;w=60"#,
            ),
        ),
        (
            "ratelimit",
            field(
                "How many of them are left (`r`), and in how many seconds all of them are there again (`t`)",
                r#""rooms";r=59;t=1"#,
            ),
        ),
    ]
}

fn headers(operation: &mut Value) {
    let counted = operation.get(CLASS).is_some();
    let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (_status, answer) in answers.into_iter().flatten() {
        let Some(answer) = answer.as_object_mut() else { continue };
        let headers = answer.entry("headers").or_insert_with(|| Value::Object(Map::new()));
        let Some(headers) = headers.as_object_mut() else { continue };
        headers.insert(
            "x-request-id".to_owned(),
            json!({
                "description": "Names the request in the gateway's log",
                "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
            }),
        );
        if counted {
            headers.extend(rate_limit().map(|(name, header)| (name.to_owned(), header)));
        }
        for (name, header) in headers.iter_mut() {
            if let (false, Some(header)) = (SOMETIMES.contains(&name.as_str()), header.as_object_mut()) {
                header.insert("required".to_owned(), json!(true));
            }
        }
    }
}

/// A field that may be null is not left out for that; only what we read (and read strictly) may leave fields out.
fn always_whole(name: &str, schema: &mut Value) {
    if schema.get("additionalProperties") == Some(&json!(false)) {
        return;
    }
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return };
    let always = |field: &&String| !LEFT_OUT.contains(&(name, field.as_str()));
    let names: Vec<String> = fields.keys().filter(always).cloned().collect();
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("required".to_owned(), json!(names));
    }
}

/// A parameter may be left out, but there is no writing null in a query or a header.
fn parameters(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let Some(kinds) = parameter.pointer_mut("/schema/type") else { continue };
        let named = kinds.as_array().and_then(|kinds| kinds.iter().find(|kind| *kind != "null")).cloned();
        if let Some(named) = named {
            *kinds = named;
        }
    }
}

/// Of two fields exactly one is given: the other is left out, or null.
fn exactly_one(one: &str, other: &str) -> Value {
    let only = |given: &str, left: &str| json!({ "required": [given], "properties": { given: { "not": { "type": "null" } }, left: { "type": "null" } } });
    json!([only(one, other), only(other, one)])
}

/// Where, which keyword, and its value.
fn limits(bounds: &Bounds) -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("/components/schemas/NewMessage", "oneOf", exactly_one("to", "room")),
        ("/components/schemas/NewEvent", "oneOf", exactly_one("to", "room")),
        ("/components/schemas/NewMessage/properties/body", "maxLength", json!(bounds.text_bytes)),
        (
            "/components/schemas/NewMessage/properties/attachments",
            "maxItems",
            json!(bounds.message_attachments),
        ),
        ("/components/schemas/NewMessage/properties/attachments", "uniqueItems", json!(true)),
        ("/components/schemas/NewRoom/properties/members", "maxItems", json!(bounds.room_members)),
        // it is read field by field, not by serde
        ("/components/schemas/NewAttachment", "additionalProperties", json!(false)),
        ("/components/schemas/NewAttachment/properties/file", "maxLength", json!(bounds.attachment_bytes)),
        ("/components/schemas/MessagePatch/properties/body", "maxLength", json!(bounds.text_bytes)),
        ("/components/schemas/NewEvent/properties/to", "maxItems", json!(bounds.recipients)),
        ("/components/schemas/NewBatch/properties/events", "maxItems", json!(bounds.batch_events)),
    ]
}
