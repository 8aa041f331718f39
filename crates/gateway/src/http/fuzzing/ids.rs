//! Cursors and names: what is taken is what was given, within its bounds.

use std::fmt::Display;
use std::str::FromStr;

use pollgate_model::{
    AttachmentId, ClientId, ContextId, Cursor, EventId, Label, MessageId, RoomId, RoomName, SessionId, UserId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::choice;

/// A cursor stands in a query, whole.
const LONGEST_CURSOR: usize = 256;

/// Printed again, a cursor is the same cursor; what is printed needs no escape anywhere.
pub(super) fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(cursor) = text.parse::<Cursor>() else { return };
    let printed = cursor.to_string();
    assert!(printed.len() <= LONGEST_CURSOR, "{printed}");
    assert!(
        printed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'),
        "{printed}"
    );
    assert_eq!(printed.parse::<Cursor>(), Ok(cursor));
}

/// Each kind of name in turn, chosen by the first byte.
pub(super) fn names(data: &[u8]) {
    let Some((which, rest)) = choice(data, 10) else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match which {
        0 => opaque::<UserId>(text, UserId::MOST_BYTES),
        1 => opaque::<SessionId>(text, SessionId::MOST_BYTES),
        2 => opaque::<ClientId>(text, ClientId::MOST_BYTES),
        3 => opaque::<RoomName>(text, RoomName::MOST_BYTES),
        4 => opaque::<Label>(text, Label::MOST_BYTES),
        5 => opaque::<ContextId>(text, ContextId::MOST_BYTES),
        6 => random::<RoomId>(text),
        7 => random::<MessageId>(text),
        8 => random::<EventId>(text),
        _ => random::<AttachmentId>(text),
    }
}

/// Taken exactly when it has its length and no NUL, and unchanged; JSON and texts agree on it.
fn opaque<T: FromStr + Display + Serialize + DeserializeOwned>(text: &str, most: usize) {
    let parsed = text.parse::<T>();
    assert_eq!(parsed.is_ok(), (1..=most).contains(&text.len()) && !text.contains('\0'), "{text:?}");
    let json = serde_json::Value::from(text);
    assert_eq!(serde_json::from_value::<T>(json.clone()).is_ok(), parsed.is_ok(), "{text:?}");
    if let Ok(name) = parsed {
        assert_eq!(name.to_string(), text);
        assert!(serde_json::to_value(&name).is_ok_and(|written| written == json));
    }
}

/// An id of ours has one form when it is printed, and that is taken again.
fn random<T: FromStr + Display>(text: &str) {
    let Ok(id) = text.parse::<T>() else { return };
    let printed = id.to_string();
    assert_eq!(printed.len(), 36, "{printed}");
    assert!(printed.parse::<T>().is_ok_and(|again| again.to_string() == printed));
}
