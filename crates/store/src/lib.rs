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
//! | `send`, `publish`, `idempotency`, `change`, `reads`, `rooms`, `desks`, `history`, `members`, `outbox`, `lease`, `placements`, `tokens` | one operation each, or a few that belong together |

mod change;
mod checkpoint;
mod connection;
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
mod publish;
mod reads;
mod rooms;
mod rows;
mod schema;
mod send;
mod settings;
mod sql;
mod statements;
mod task;
mod tokens;
mod writer;

pub use change::{Change, Decide, Decided, Found, RoomView, Step, Told};
pub use error::StoreError;
pub use fill::{Fill, StoreFill};
pub use idempotency::{Digest, Keyed, Published, RequestKey};
pub use open::Store;
pub use outbox::OutboxStats;
pub use outgoing::{Audience, NewEvent, OnCommit, Outgoing, Sent};
pub use placements::ListUse;
pub use settings::StoreSettings;
pub use statements::Statements;
pub use tokens::{NewToken, Token, TokenRef};
