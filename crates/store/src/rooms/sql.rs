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

/// The conditions, the order and the limit of one branch.
trait Narrow<DB: diesel::backend::Backend> {
    fn narrow<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

macro_rules! seen_rooms {
    ($backend:ty, $connection:ty, $members:literal) => {
        impl Narrow<$backend> for SeenRooms {
            fn narrow<'b>(&'b self, out: &mut AstPass<'_, 'b, $backend>) -> QueryResult<()> {
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
                out.push_sql(" ORDER BY r.updated_at_ms DESC, r.id DESC LIMIT ");
                out.push_bind_param::<BigInt, _>(&self.limit)
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
                        out.push_sql("rooms r WHERE TRUE");
                    }
                    Some(caller) => {
                        out.push_sql(columns!("m.last_read_seq"));
                        out.push_sql("members m JOIN rooms r ON r.id = m.room_id WHERE m.user_id = ");
                        out.push_bind_param::<Text, _>(caller)?;
                    }
                }
                self.narrow(&mut out)?;
                out.push_sql(") AS own");
                if let (true, Some(caller)) = (self.desks, &self.caller) {
                    out.push_sql(" UNION ALL SELECT * FROM (");
                    out.push_sql(columns!("r.last_seq"));
                    out.push_sql("desk_agents d JOIN rooms r ON r.category = d.category WHERE d.user_id = ");
                    out.push_bind_param::<Text, _>(caller)?;
                    out.push_sql(
                        " AND r.category IS NOT NULL AND r.assignee IS NULL AND NOT EXISTS (SELECT 1 FROM members m \
                         WHERE m.room_id = r.id AND m.user_id = d.user_id)",
                    );
                    self.narrow(&mut out)?;
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

seen_rooms!(
    Pg,
    PgConnection,
    "(SELECT json_agg(user_id ORDER BY user_id)::text FROM members WHERE room_id = p.id)"
);
seen_rooms!(
    Sqlite,
    SqliteConnection,
    "(SELECT json_group_array(user_id) FROM (SELECT user_id FROM members WHERE room_id = p.id ORDER BY user_id))"
);
