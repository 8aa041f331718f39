//! What diesel does not bring along: UUIDs that both databases know, and hand-written statements that are prepared
//! once per connection (`diesel::sql_query` prepares each time).

use std::io::Write as _;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Binary, SqlType};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

/// A UUID: `UUID` in PostgreSQL, 16 bytes in SQLite.
#[derive(Clone, Copy, Debug, Default, SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Id16;

/// A [`Uuid`] on its way to and from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Id16)]
pub struct Id(pub Uuid);

impl ToSql<Id16, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<Id16, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Id16, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.as_bytes())?))
    }
}

impl FromSql<Id16, Sqlite> for Id {
    fn from_sql(value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

/// Declares a statement whose text never changes, so that each connection prepares it once.
///
/// Text and values alternate: `"… WHERE id = " [id: &'a Id, Id16] " AND …"`.
macro_rules! statement {
    (
        $(#[$doc:meta])*
        $name:ident on $backend:ty => $connection:ty $(, rows $row:ty)? {
            $($sql:literal $([$field:ident: $rust:ty, $sql_type:ty])?)+
        }
    ) => {
        $(#[$doc])*
        pub(crate) struct $name<'a> {
            $($(pub(crate) $field: $rust,)?)+
        }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::QueryFragment<$backend> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                $(
                    out.push_sql($sql);
                    $(out.push_bind_param::<$sql_type, _>(&self.$field)?;)?
                )+
                Ok(())
            }
        }

        $(impl diesel::query_builder::Query for $name<'_> {
            type SqlType = $row;
        })?

        impl diesel::RunQueryDsl<$connection> for $name<'_> {}
    };
}
pub(crate) use statement;
