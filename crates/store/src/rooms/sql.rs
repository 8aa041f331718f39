//! The one statement that reads rooms as somebody sees them, on both databases.

use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{QueryResult, RunQueryDsl};

use crate::rows::RoomRow;
use crate::sql::{Id, Id16};

/// A room, how far the asker has read, and its members as a JSON list.
pub(super) type Row = (RoomRow, i64, Option<String>);
type Columns = (
    (
        Id16,
        Text,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        BigInt,
        Nullable<Id16>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<BigInt>,
        BigInt,
    ),
    BigInt,
    Nullable<Text>,
);

/// The columns of a row but the last, in the order of `rows::ROOM_COLUMNS`, and how far the asker has read.
macro_rules! columns {
    ($read:literal) => {
        concat!(
            "SELECT r.id, r.kind, r.name, r.context_kind, r.context_id, r.category, r.status, r.assignee, \
             r.created_by, r.last_seq, r.last_message_id, r.last_message_sender, r.last_message_text, \
             r.last_message_at_ms, r.updated_at_ms, ",
            $read,
            " AS read_seq FROM "
        )
    };
}

/// Columns that must be equal to something, by name.
pub(super) type Equal = (&'static str, String);

/// Rooms as somebody sees them, newest activity first.
#[derive(Clone)]
pub(super) struct SeenRooms {
    /// Whose rooms; `None`: every room, as nobody in particular.
    pub(super) caller: Option<String>,
    /// Rooms that wait at a desk of the caller's, too.
    pub(super) desks: bool,
    /// This room only.
    pub(super) only: Option<Id>,
    /// Columns that are filtered by.
    pub(super) equal: Vec<Equal>,
    /// Only rooms that nobody looks after.
    pub(super) unassigned: bool,
    /// Only after this place: time and id.
    pub(super) before: Option<(i64, Id)>,
    /// Most rows.
    pub(super) limit: i64,
}

/// The statement's text is made for what is asked, and prepared once for each text: there are a few dozen.
impl QueryId for SeenRooms {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for SeenRooms {
    type SqlType = Columns;
}

/// Parts of one branch.
trait Narrow<DB: diesel::backend::Backend> {
    /// What the rooms of a branch are narrowed to.
    fn conditions<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
    /// The order and the limit.
    fn first_of<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
    /// The caller's own rooms.
    fn own<'b>(&'b self, caller: &'b str, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
    /// Rooms that wait at a desk of the caller's.
    fn waiting<'b>(&'b self, caller: &'b str, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

macro_rules! seen_rooms {
    ($backend:ty, $connection:ty, $each:literal, $end:literal, $members:literal) => {
        impl Narrow<$backend> for SeenRooms {
            fn conditions<'b>(&'b self, out: &mut AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                if let Some(only) = &self.only {
                    out.push_sql(" AND r.id = ");
                    out.push_bind_param::<Id16, _>(only)?;
                }
                for (column, value) in &self.equal {
                    out.push_sql(" AND r.");
                    out.push_sql(column);
                    out.push_sql(" = ");
                    out.push_bind_param::<Text, _>(value)?;
                }
                if self.unassigned {
                    out.push_sql(" AND r.assignee IS NULL");
                }
                if let Some((at, id)) = &self.before {
                    out.push_sql(" AND (r.updated_at_ms, r.id) < (");
                    out.push_bind_param::<BigInt, _>(at)?;
                    out.push_sql(", ");
                    out.push_bind_param::<Id16, _>(id)?;
                    out.push_sql(")");
                }
                Ok(())
            }

            fn first_of<'b>(&'b self, out: &mut AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                out.push_sql(" ORDER BY r.updated_at_ms DESC, r.id DESC LIMIT ");
                out.push_bind_param::<BigInt, _>(&self.limit)
            }

            fn own<'b>(
                &'b self,
                caller: &'b str,
                out: &mut AstPass<'_, 'b, $backend>,
            ) -> QueryResult<()> {
                out.push_sql(columns!("m.last_read_seq"));
                out.push_sql(concat!("members m CROSS JOIN ", $each, "r.id = m.room_id", $end));
                out.push_sql(" WHERE m.user_id = ");
                out.push_bind_param::<Text, _>(caller)?;
                if let Some(only) = &self.only {
                    out.push_sql(" AND m.room_id = ");
                    out.push_bind_param::<Id16, _>(only)?;
                }
                self.conditions(out)?;
                self.first_of(out)
            }

            fn waiting<'b>(
                &'b self,
                caller: &'b str,
                out: &mut AstPass<'_, 'b, $backend>,
            ) -> QueryResult<()> {
                out.push_sql(columns!("r.last_seq"));
                out.push_sql(concat!("desk_agents d CROSS JOIN ", $each, "r.category = d.category"));
                out.push_sql(" AND r.category IS NOT NULL AND r.assignee IS NULL");
                self.conditions(out)?;
                out.push_sql(concat!($end, " WHERE d.user_id = "));
                out.push_bind_param::<Text, _>(caller)?;
                out.push_sql(
                    " AND NOT EXISTS (SELECT 1 FROM members m WHERE m.room_id = r.id AND m.user_id = d.user_id)",
                );
                self.first_of(out)
            }
        }

        impl QueryFragment<$backend> for SeenRooms {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                out.push_sql("SELECT p.*, ");
                out.push_sql($members);
                out.push_sql(" FROM (SELECT * FROM (");
                match &self.caller {
                    None => {
                        out.push_sql(columns!("r.last_seq"));
                        out.push_sql("rooms r WHERE r.kind = 'group'");
                        Narrow::<$backend>::conditions(self, &mut out)?;
                        Narrow::<$backend>::first_of(self, &mut out)?;
                    }
                    Some(caller) => self.own(caller, &mut out)?,
                }
                out.push_sql(") AS own");
                if let (true, Some(caller)) = (self.desks, &self.caller) {
                    out.push_sql(" UNION ALL SELECT * FROM (");
                    self.waiting(caller, &mut out)?;
                    out.push_sql(") AS desk");
                }
                out.push_sql(" ORDER BY updated_at_ms DESC, id DESC LIMIT ");
                out.push_bind_param::<BigInt, _>(&self.limit)?;
                out.push_sql(") p ORDER BY p.updated_at_ms DESC, p.id DESC");
                Ok(())
            }
        }

        impl RunQueryDsl<$connection> for SeenRooms {}
    };
}

// Rooms are reached from the user, and from the user's desks, whatever the list is narrowed to: an index that a filter
// fits may hold thousands of rooms of others. Both databases would go by estimates; these forms leave them no choice.
seen_rooms!(
    Pg,
    PgConnection,
    "LATERAL (SELECT * FROM rooms r WHERE ",
    " OFFSET 0) r",
    "(SELECT json_agg(user_id ORDER BY user_id)::text FROM members WHERE room_id = p.id)"
);
// CROSS JOIN is what keeps SQLite from choosing the order
seen_rooms!(
    Sqlite,
    SqliteConnection,
    "rooms r ON ",
    "",
    "(SELECT json_group_array(user_id) FROM (SELECT user_id FROM members WHERE room_id = p.id ORDER BY user_id))"
);
