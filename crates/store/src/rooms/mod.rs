//! Reading rooms: one of them, a user's list, and how far its members have read. One statement each.

mod list;
mod receipts;
mod sql;
