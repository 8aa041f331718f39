//! Streams: `GET /v1/stream` (Server-Sent Events) and `GET /v1/ws` (WebSocket), over the same mailboxes as polls.
//!
//! | module | holds |
//! | --- | --- |
//! | `open` | who asks, and for which mailbox |
//! | `pump` | what there is to say next, whichever the form |
//! | `end` | why a stream ends, as its client reads it |
//! | `sse` | Server-Sent Events |
//! | `ws` | WebSocket, with the operations that it carries |
//! | `tickets` | `POST /v1/tickets` |

mod end;
pub(in crate::http) mod open;
mod pump;
pub(crate) mod sse;
pub(crate) mod tickets;
pub(crate) mod ws;

use std::time::Duration;

/// How streams behave at this gateway.
#[derive(Clone, Debug)]
pub(crate) struct StreamRules {
    /// Nothing went over it for so long: it says that it is there.
    pub(crate) heartbeat: Duration,
    /// Events may stay unconfirmed for so long.
    pub(crate) unconfirmed: Duration,
    /// A client that takes nothing for so long is cut off.
    pub(crate) slow: Duration,
    /// So many unconfirmed events end a stream whose client cannot confirm on it.
    pub(crate) most_unconfirmed: u64,
    /// Pages of these origins may open a WebSocket, besides our own.
    pub(crate) origins: Vec<String>,
}
