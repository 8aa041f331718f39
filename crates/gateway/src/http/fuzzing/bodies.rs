//! JSON bodies, queries, and what a foreign publisher puts into a mailbox.

use actix_web::http::Uri;
use actix_web::test::TestRequest;
use pollgate_model::{EncodedEvent, EventId, EventKind, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::stream::open::StreamQuery;
use super::super::strict::{self, parsed};
use super::super::{events, messages, poll, receipts, rooms, search, typing};
use super::{assert_refusal, choice};

/// Each body in turn, chosen by the first byte.
pub(super) fn body(data: &[u8]) {
    let Some((which, rest)) = choice(data, 7) else { return };
    match which {
        0 => read::<messages::Posted>(rest),
        1 => read::<events::Posted>(rest),
        2 => read::<events::PostedBatch>(rest),
        3 => read::<rooms::Posted>(rest),
        4 => read::<rooms::Patched>(rest),
        5 => read::<receipts::Posted>(rest),
        _ => read::<typing::Posted>(rest),
    }
}

/// What is taken is one JSON object; a field that nobody knows is refused.
fn read<T: DeserializeOwned>(body: &[u8]) {
    match parsed::<T>(body) {
        Err(problem) => assert_refusal(&problem),
        Ok(_taken) => {
            let whole = serde_json::from_slice::<Box<RawValue>>(body);
            assert!(whole.is_ok_and(|json| json.get().trim_start().starts_with('{')));
            let Ok(text) = std::str::from_utf8(body) else { return };
            let more = text.trim_end().strip_suffix('}').map(|rest| {
                let comma = if rest.trim_end().ends_with('{') { "" } else { "," };
                format!("{rest}{comma}\"no-such-field\":1}}")
            });
            assert!(more.is_some_and(|more| parsed::<T>(more.as_bytes()).is_err()), "{text}");
        }
    }
}

/// Each query in turn, chosen by the first byte.
pub(super) fn query(data: &[u8]) {
    let Some((which, rest)) = choice(data, 5) else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let Ok(uri) = format!("/x?{text}").parse::<Uri>() else { return };
    let request = TestRequest::default().uri(&uri.to_string()).to_http_request();
    let refused = match which {
        0 => strict::query::<poll::PollQuery>(&request).err(),
        1 => strict::query::<StreamQuery>(&request).err(),
        2 => strict::query::<rooms::ListQuery>(&request).err(),
        3 => strict::query::<messages::PageQuery>(&request).err(),
        _ => strict::query::<search::Asked>(&request).err(),
    };
    match refused {
        Some(problem) => assert_refusal(&problem),
        None => assert!(!text.contains("%00"), "{text}"),
    }
}

/// An event of ours may stand in an answer, whatever its data; and whatever may, leaves the answer whole.
pub(super) fn event(data: &[u8]) {
    if let Ok(own) = serde_json::from_slice::<Box<RawValue>>(data) {
        let kind = EventKind::try_from("order.updated".to_owned());
        let event = kind
            .ok()
            .and_then(|kind| EncodedEvent::new(EventId::new(), &kind, Timestamp::now(), None, &own).ok());
        assert!(event.is_some_and(|event| EncodedEvent::may_be(&event.json) && event.data() == own.get()));
    }
    if EncodedEvent::may_be(data) {
        let answer = [b"{\"events\":[", data, b",", data, b"],\"cursor\":\"x\"}"].concat();
        let whole = serde_json::from_slice::<Box<RawValue>>(&answer);
        assert!(whole.is_ok(), "{}", String::from_utf8_lossy(data));
        // deeper than a reader with a stack goes is another matter
        if let Ok(whole) = serde_json::from_slice::<Value>(&answer) {
            let events = whole.get("events").and_then(Value::as_array);
            assert!(events.is_some_and(|events| events.len() == 2));
            assert_eq!(whole.get("cursor"), Some(&"x".into()));
        }
    }
}
