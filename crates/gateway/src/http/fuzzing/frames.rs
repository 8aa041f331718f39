//! What a client writes into a WebSocket: frames, and operations in them.

use std::fmt::Debug;

use super::super::stream::ws::frame;
use super::super::stream::ws::guard::Walker;
use super::super::{messages, receipts, rooms, search, typing};
use super::assert_refusal;

/// Longest message in these checks.
const MOST: u64 = 1000;

/// However the bytes are cut into pieces, the same frames are found in them; and no message that is let through is longer
/// than it may be.
pub(super) fn frame(data: &[u8]) {
    let whole = walked(data, data.len().max(1));
    for piece in [1, 2, 7, 64] {
        assert_same(&walked(data, piece), &whole, data);
    }
    if let Ok(frames) = whole {
        assert!(frames <= data.len() as u64 / 2, "a frame has two bytes at least");
    }
}

fn walked(data: &[u8], piece: usize) -> Result<u64, String> {
    let mut walker = Walker::new(MOST);
    let mut frames = 0;
    for bytes in data.chunks(piece) {
        frames += walker.walk(bytes).map_err(|broken| format!("{broken:?}"))?;
    }
    Ok(frames)
}

fn assert_same<T: PartialEq + Debug>(one: &T, other: &T, data: &[u8]) {
    assert_eq!(one, other, "{data:02x?}");
}

/// A frame asks for something, or is refused; and what it asks for is read like a body, or refused like one.
pub(super) fn operation(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (number, asked) = frame::read(text);
    let asked = match asked {
        Ok(asked) => asked,
        Err(problem) => return assert_refusal(&problem),
    };
    assert!(number.is_some_and(|number| number < 1 << 53), "{text}");
    let fields = asked.fields;
    let refused = match asked.op.as_str() {
        "send" => fields.into::<messages::Posted>().err(),
        "rooms" => fields.into::<rooms::ListQuery>().err(),
        "search" => fields.into::<search::Asked>().err(),
        "history" => fields.into::<messages::PageQuery>().err(),
        "read" => fields.into::<receipts::Posted>().err(),
        "typing" => fields.into::<typing::Posted>().err(),
        _other => None,
    };
    if let Some(problem) = refused {
        assert_refusal(&problem);
    }
}
