//! What SQLite says of its file.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;

use crate::error::Failure;

/// What SQLite says of its file.
#[derive(Clone, Debug)]
pub struct SqliteFacts {
    /// The library's version.
    pub version: String,
    /// The file.
    pub path: String,
    /// `wal` once a gateway has had it.
    pub journal_mode: String,
    /// The file's size.
    pub bytes: u64,
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Wrong places that are named.
const MOST_NAMED: usize = 5;

pub(super) fn facts(conn: &mut SqliteConnection, path: &str) -> Result<SqliteFacts, Failure> {
    Ok(SqliteFacts {
        version: word(conn, "SELECT sqlite_version() AS word")?,
        path: path.to_owned(),
        journal_mode: word(conn, "SELECT journal_mode AS word FROM pragma_journal_mode")?,
        bytes: u64::try_from(number(
            conn,
            "SELECT page_count * page_size AS number FROM pragma_page_count, pragma_page_size",
        )?)
        .unwrap_or(0),
    })
}

pub(super) fn has_table(conn: &mut SqliteConnection, name: &str) -> Result<bool, Failure> {
    let found = diesel::sql_query("SELECT count(*) AS number FROM sqlite_master WHERE name = ?");
    Ok(found.bind::<Text, _>(name).get_result::<Number>(conn)?.number > 0)
}

pub(super) fn quick_check(conn: &mut SqliteConnection) -> Result<Vec<String>, Failure> {
    let question = format!("SELECT quick_check AS word FROM pragma_quick_check LIMIT {MOST_NAMED}");
    let said: Vec<Word> = diesel::sql_query(question).load(conn)?;
    Ok(said.into_iter().map(|row| row.word).filter(|word| word != "ok").collect())
}

fn word(conn: &mut SqliteConnection, question: &str) -> Result<String, Failure> {
    Ok(diesel::sql_query(question).get_result::<Word>(conn)?.word)
}

fn number(conn: &mut SqliteConnection, question: &str) -> Result<i64, Failure> {
    Ok(diesel::sql_query(question).get_result::<Number>(conn)?.number)
}
