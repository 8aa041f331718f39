//! Where a page of a search begins.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

/// A place among the messages that a search goes through, newest first. What the number means is the database's business;
/// to clients the whole is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchCursor(u128);

/// A text that is no such cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of a search")]
pub struct BadSearchCursor;

impl SearchCursor {
    /// At this place.
    #[must_use]
    pub const fn new(place: u128) -> Self {
        Self(place)
    }

    /// The place.
    #[must_use]
    pub const fn place(self) -> u128 {
        self.0
    }
}

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.to_be_bytes()))
    }
}

impl FromStr for SearchCursor {
    type Err = BadSearchCursor;

    fn from_str(text: &str) -> Result<Self, BadSearchCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_no_base64| BadSearchCursor)?;
        let bytes = <[u8; 16]>::try_from(bytes).map_err(|_length| BadSearchCursor)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }
}

impl Serialize for SearchCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        for place in [0, 1, u128::MAX, 0x0189_abcd << 96] {
            let cursor = SearchCursor::new(place);
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "1", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAAAA", "ä"] {
            assert_eq!(text.parse::<SearchCursor>(), Err(BadSearchCursor), "{text}");
        }
    }
}
