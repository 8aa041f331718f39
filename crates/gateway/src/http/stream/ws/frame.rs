//! What a client writes into a WebSocket, and what it reads there.

use bytes::Bytes;
use pollgate_core::Streamed;
use pollgate_model::Cursor;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::super::problem::Problem;

/// Largest `n`: what a number in JavaScript holds exactly.
const MOST: u64 = (1 << 53) - 1;

/// An operation that is asked for, with its fields.
#[derive(Debug)]
pub(in crate::http) struct Asked {
    pub(in crate::http) op: String,
    pub(in crate::http) fields: Fields,
}

/// The fields of an operation that were not read yet.
#[derive(Debug)]
pub(in crate::http) struct Fields(Map<String, Value>);

/// Reads a frame: the number that the reply shall bear, as far as there is one, and what is asked for.
pub(in crate::http) fn read(text: &str) -> (Option<u64>, Result<Asked, Problem>) {
    let mut fields: Map<String, Value> = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_other) => return (None, Err(Problem::invalid("frame: expected an object"))),
        Err(error) => return (None, Err(Problem::invalid(format!("frame: {error}")))),
    };
    let number = fields.remove("n").and_then(|n| n.as_u64()).filter(|n| *n <= MOST);
    if number.is_none() {
        return (None, Err(Problem::invalid("n: a number from 0 to 9007199254740991")));
    }
    let Some(Value::String(op)) = fields.remove("op") else {
        return (number, Err(Problem::invalid("op: the name of an operation")));
    };
    (number, Ok(Asked { op, fields: Fields(fields) }))
}

impl Fields {
    /// Takes out what stands in the path of a request.
    pub(super) fn text(&mut self, name: &str) -> Result<String, Problem> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(Problem::invalid(format!("{name}: a text"))),
        }
    }

    /// The rest, as the type that a request's body or query is read as.
    pub(in crate::http) fn into<T: DeserializeOwned>(self) -> Result<T, Problem> {
        serde_json::from_value(Value::Object(self.0))
            .map_err(|error| Problem::invalid(format!("frame: {error}")))
    }
}

/// `{"reply_to":1,"ok":{…}}`. `ok` is JSON.
pub(super) fn ok(number: Option<u64>, ok: &[u8]) -> Bytes {
    reply(number, b"\"ok\":", ok)
}

/// `{"reply_to":1,"error":{…}}`.
pub(super) fn error(number: Option<u64>, problem: &Problem) -> Bytes {
    reply(number, b"\"error\":", &problem.json())
}

fn reply(number: Option<u64>, name: &[u8], value: &[u8]) -> Bytes {
    let number = number.map_or_else(|| "null".to_owned(), |number| number.to_string());
    [b"{\"reply_to\":", number.as_bytes(), b",", name, value, b"}"].concat().into()
}

/// `{"event":{…},"cursor":"…"}`.
pub(super) fn event(one: &Streamed) -> Bytes {
    let cursor = one.cursor.to_string();
    [b"{\"event\":", &*one.event, b",\"cursor\":\"", cursor.as_bytes(), b"\"}"].concat().into()
}

/// `{"resync":true,"cursor":"…"}`.
pub(super) fn resync(cursor: &Cursor) -> Bytes {
    format!("{{\"resync\":true,\"cursor\":\"{cursor}\"}}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_names_its_number_and_what_is_asked_for() {
        let (number, asked) = read(r#"{"n":7,"op":"read","room":"r","seq":3}"#);
        let mut asked = asked.unwrap();
        assert_eq!((number, asked.op.as_str()), (Some(7), "read"));
        assert_eq!(asked.fields.text("room").unwrap(), "r");
        assert_eq!(asked.fields.into::<Value>().unwrap(), serde_json::json!({"seq": 3}));
    }

    #[test]
    fn what_is_no_frame_is_answered_under_its_number_when_it_has_one() {
        for (text, number) in [
            ("", None),
            ("[1]", None),
            (r#"{"op":"ping"}"#, None),
            (r#"{"n":-1,"op":"ping"}"#, None),
            (r#"{"n":"1","op":"ping"}"#, None),
            (r#"{"n":9007199254740992,"op":"ping"}"#, None),
            (r#"{"n":1}"#, Some(1)),
            (r#"{"n":1,"op":2}"#, Some(1)),
        ] {
            let (given, asked) = read(text);
            assert_eq!(given, number, "{text}");
            assert!(asked.is_err(), "{text}");
        }
    }

    #[test]
    fn replies_are_json() {
        let problem = Problem::invalid("say \"please\"");
        let read = |frame: Bytes| serde_json::from_slice::<Value>(&frame).unwrap();
        let refused = read(error(None, &problem));
        assert_eq!(refused["reply_to"], Value::Null);
        assert_eq!(refused["error"]["code"], "invalid-request");
        assert_eq!(refused["error"]["detail"], "say \"please\"");
        assert_eq!(read(ok(Some(1), b"{}")), serde_json::json!({"reply_to": 1, "ok": {}}));
    }
}
