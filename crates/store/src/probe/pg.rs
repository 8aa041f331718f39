//! What PostgreSQL says of itself.

use diesel::RunQueryDsl as _;
use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use crate::error::Failure;

/// What PostgreSQL says of itself, and of what the login may do there.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct PgFacts {
    /// `15.14 (Debian 15.14-0+deb12u1)`.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// `150014`.
    #[diesel(sql_type = BigInt)]
    pub version_number: i64,
    /// It follows another server, and takes no writes.
    #[diesel(sql_type = Bool)]
    pub standby: bool,
    /// Transactions may not write, whatever the server is.
    #[diesel(sql_type = Bool)]
    pub read_only: bool,
    /// What is committed reaches the disk.
    #[diesel(sql_type = Bool)]
    pub fsync: bool,
    /// A page that was written by half is mended after a crash.
    #[diesel(sql_type = Bool)]
    pub full_page_writes: bool,
    /// What a commit waits for, in a session of ours.
    #[diesel(sql_type = Text)]
    pub synchronous_commit: String,
    /// Most connections.
    #[diesel(sql_type = BigInt)]
    pub max_connections: i64,
    /// Of these, kept for superusers and others that are named.
    #[diesel(sql_type = BigInt)]
    pub reserved_connections: i64,
    /// Most connections of this login, or of this database; -1: no bound.
    #[diesel(sql_type = BigInt)]
    pub login_connections: i64,
    /// Connections of clients now.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// Of these, pollgate's to this database.
    #[diesel(sql_type = BigInt)]
    pub our_connections: i64,
    /// Milliseconds after which an idle session is ended; 0: never.
    #[diesel(sql_type = BigInt)]
    pub idle_session_ms: i64,
    /// Milliseconds after which a transaction is ended; 0: never.
    #[diesel(sql_type = BigInt)]
    pub transaction_ms: i64,
    /// Where tables are made; `None`: nowhere.
    #[diesel(sql_type = Nullable<Text>)]
    pub schema: Option<String>,
    /// Tables may be made there.
    #[diesel(sql_type = Bool)]
    pub may_create: bool,
    /// Messages may be read and written; also true while there is no table for them.
    #[diesel(sql_type = Bool)]
    pub may_write: bool,
    /// Text is UTF-8.
    #[diesel(sql_type = Text)]
    pub encoding: String,
}

#[derive(diesel::QueryableByName)]
struct Yes {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(diesel::QueryableByName)]
struct Backend {
    #[diesel(sql_type = BigInt)]
    pid: i64,
}

/// One statement. Settings that a version does not have count as 0.
const FACTS: &str = "SELECT current_setting('server_version') AS version, \
    current_setting('server_version_num')::bigint AS version_number, \
    pg_is_in_recovery() AS standby, \
    current_setting('transaction_read_only') = 'on' AS read_only, \
    current_setting('fsync') = 'on' AS fsync, \
    current_setting('full_page_writes') = 'on' AS full_page_writes, \
    current_setting('synchronous_commit') AS synchronous_commit, \
    current_setting('max_connections')::bigint AS max_connections, \
    current_setting('superuser_reserved_connections')::bigint \
        + coalesce(current_setting('reserved_connections', true), '0')::bigint AS reserved_connections, \
    (SELECT coalesce(min(bound), -1) FROM (SELECT rolconnlimit AS bound FROM pg_roles WHERE rolname = current_user \
        UNION ALL SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS bounds \
        WHERE bound >= 0)::bigint AS login_connections, \
    (SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database)::bigint AS connections, \
    (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pollgate' \
        AND datname = current_database()) AS our_connections, \
    coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'idle_session_timeout'), 0) AS idle_session_ms, \
    coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'transaction_timeout'), 0) AS transaction_ms, \
    current_schema()::text AS schema, \
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create, \
    coalesce(has_table_privilege(to_regclass('messages'), 'SELECT, INSERT'), true) \
        AND coalesce(has_table_privilege(to_regclass('outbox'), 'SELECT, INSERT'), true) AS may_write, \
    current_setting('server_encoding') AS encoding";

pub(super) fn facts(conn: &mut PgConnection) -> Result<PgFacts, Failure> {
    Ok(diesel::sql_query(FACTS).get_result(conn)?)
}

pub(super) fn has_table(conn: &mut PgConnection, name: &str) -> Result<bool, Failure> {
    let there = diesel::sql_query("SELECT to_regclass($1) IS NOT NULL AS yes").bind::<Text, _>(name);
    Ok(there.get_result::<Yes>(conn)?.yes)
}

/// While the first is idle, the second begins a transaction: a pooler that gives out a session for each transaction gives
/// it the one that the first had. The first holds a transaction in turn, and so has to get another one.
pub(super) fn share_a_session(first: &mut PgConnection, second: &mut PgConnection) -> Result<bool, Failure> {
    for _round in 0..3 {
        let before = backend(first)?;
        diesel::sql_query("BEGIN").execute(second)?;
        let other = backend(second)?;
        // asked only when there are two sessions: of one, the second holds it
        let meanwhile = if other == before { other } else { backend(first)? };
        diesel::sql_query("ROLLBACK").execute(second)?;
        if other == before || meanwhile != before {
            return Ok(true);
        }
    }
    Ok(false)
}

fn backend(conn: &mut PgConnection) -> Result<i64, Failure> {
    Ok(diesel::sql_query("SELECT pg_backend_pid()::bigint AS pid").get_result::<Backend>(conn)?.pid)
}
