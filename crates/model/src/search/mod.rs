//! Searching messages: how a text becomes words, what is asked for, and a page of what was found.
//!
//! Both databases index the same words, made here, so that the same search finds the same messages on both.

mod cursor;
mod query;
mod words;

use serde::Serialize;

use crate::Message;

pub use cursor::{BadSearchCursor, SearchCursor};
pub use query::{BadQuery, SearchQuery, Term};
pub use words::words;

/// One page of what a search found, newest message first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SearchPage {
    /// The messages, newest first.
    pub messages: Vec<Message>,
    /// There are older ones.
    pub has_more: bool,
    /// Where they begin: what to ask for with `before`. None when there are none.
    pub next: Option<SearchCursor>,
}
