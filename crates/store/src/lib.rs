//! The database: PostgreSQL and SQLite behind one door.
//!
//! Reads go through a pool of connections; everything that is accepted (messages, an application's events) goes
//! through writers that commit for many senders at once. What was committed stands in the outbox until the broker has
//! answered for it.
//!
//! | module | holds |
//! | --- | --- |
//! | `settings`, `error`, `outgoing` | what callers see |
//! | `open` | opening, closing, health |
//! | `statements` | how many statements there were |
//! | `connection`, `pool`, `sql`, `schema`, `migrate` | the databases and what they have in common |
//! | `writer` | group commit |
//! | `directs` | direct rooms known to this process |
//! | `aside` | writing beside the messages |
//! | `search`, `retention` | the index of words; the end of old messages |
//! | `chores` | what one gateway does for all |
//! | [`probe`] | looking at a database without changing it |
//! | `send`, `publish`, `idempotency`, `change`, `reads`, `rooms`, `desks`, `history`, `members`, `outbox`, `lease`, `placements`, `presence`, `depths`, `throttle`, `tokens`, `attachments` | one operation each, or a few that belong together |

mod aside;
mod attachments;
mod change;
mod checkpoint;
mod chores;
mod connection;
mod depths;
mod desks;
mod directs;
mod error;
mod fill;
mod health;
mod history;
mod idempotency;
mod lease;
mod members;
mod migrate;
mod open;
mod outbox;
mod outgoing;
mod placements;
#[cfg(test)]
mod plans;
mod pool;
mod presence;
pub mod probe;
mod publish;
mod reads;
mod retention;
mod rooms;
mod rows;
mod schema;
mod search;
mod send;
mod settings;
mod sql;
mod statements;
mod task;
mod throttle;
mod tokens;
mod writer;

pub use attachments::{FoundAttachment, UnusedPage};
pub use change::{Change, Decide, Decided, Found, RoomView, Step, Told};
pub use depths::{AlarmChanges, DepthNotes, DepthSize, DepthTotals, NotedAlarm, NotedDepth, Purge, Revisits};
pub use error::StoreError;
pub use fill::{Fill, StoreFill};
pub use idempotency::{Digest, Keyed, Published, RequestKey};
pub use lease::SeenInstance;
pub use open::Store;
pub use outbox::OutboxStats;
pub use outgoing::{Audience, NewEvent, OnCommit, Outgoing, Sent};
pub use placements::ListUse;
pub use presence::{PresenceBatch, PresenceChange, PresenceWritten};
pub use retention::Removed;
pub use search::{Behind, Indexed};
pub use settings::StoreSettings;
pub use statements::Statements;
pub use tokens::{NewToken, Token, TokenRef};
