//! Both trees make the same tables, the ones that `schema.rs` tells diesel of, and undo what they did. The index of words is
//! each database's own: its tables differ.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration as _, MigrationSource};
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, sql_query};
use diesel_migrations::MigrationHarness as _;

use super::{POSTGRES, SQLITE};

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

/// Table, column, type as `schema.rs` writes it.
type Columns = BTreeSet<(String, String, String)>;

fn columns(found: Vec<Column>) -> Columns {
    let typed = |c: Column| {
        let kind = match c.kind.to_lowercase().as_str() {
            "int8" | "bigint" | "integer" => "BigInt",
            "text" => "Text",
            // SQLite has one type for both
            "uuid" | "bytea" | "binary" => "Bytes",
            other => panic!("{}.{} is {other}", c.of, c.name),
        };
        let kind = if c.nullable { format!("Nullable<{kind}>") } else { kind.to_owned() };
        (c.of, c.name, kind)
    };
    found.into_iter().map(typed).collect()
}

fn in_schema_rs() -> Columns {
    let mut columns = Columns::new();
    let mut table = "";
    for line in include_str!("../schema.rs").lines().map(str::trim) {
        if let Some((name, _)) = line.strip_suffix(") {").and_then(|l| l.split_once(" (")) {
            table = name;
        } else if let Some((column, kind)) = line.strip_suffix(',').and_then(|l| l.split_once(" -> ")) {
            let kind = kind.replace("Id16", "Bytes").replace("Binary", "Bytes");
            columns.insert((table.to_owned(), column.to_owned(), kind));
        }
    }
    columns
}

fn of_pg(conn: &mut PgConnection) -> Columns {
    let query = "SELECT table_name::text AS of, column_name::text AS name, udt_name::text AS kind, \
                 is_nullable = 'YES' AS nullable FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_diesel%' \
                 AND table_name <> 'search_words'";
    columns(sql_query(query).load(conn).unwrap())
}

fn of_sqlite(conn: &mut SqliteConnection) -> Columns {
    let query = "SELECT m.name AS of, c.name AS name, c.type AS kind, NOT c.\"notnull\" AS nullable \
                 FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' \
                 AND m.name NOT LIKE 'search\\_words%' ESCAPE '\\' AND m.name <> 'search_rows'";
    columns(sql_query(query).load(conn).unwrap())
}

#[test]
fn both_trees_have_the_same_migrations() {
    let pg = MigrationSource::<Pg>::migrations(&POSTGRES).unwrap();
    let sqlite = MigrationSource::<Sqlite>::migrations(&SQLITE).unwrap();
    let pg: Vec<String> = pg.iter().map(|m| m.name().to_string()).collect();
    let sqlite: Vec<String> = sqlite.iter().map(|m| m.name().to_string()).collect();
    assert_eq!(pg, sqlite);
    assert!(!pg.is_empty());
}

#[test]
fn postgres_comes_up_goes_down_and_comes_up_again() {
    let server = std::env::var("POLLGATE_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into());
    let mut conn = PgConnection::establish(&server).unwrap();
    // in a transaction that never commits, so that nothing is left over
    conn.begin_test_transaction().unwrap();
    conn.batch_execute(
        "CREATE SCHEMA migrations_up_and_down; SET LOCAL search_path = migrations_up_and_down",
    )
    .unwrap();
    conn.run_pending_migrations(POSTGRES).unwrap();
    assert_eq!(of_pg(&mut conn), in_schema_rs());
    conn.revert_all_migrations(POSTGRES).unwrap();
    assert_eq!(of_pg(&mut conn), Columns::new());
    conn.run_pending_migrations(POSTGRES).unwrap();
    assert_eq!(of_pg(&mut conn), in_schema_rs());
}

#[test]
fn sqlite_comes_up_goes_down_and_comes_up_again() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.run_pending_migrations(SQLITE).unwrap();
    assert_eq!(of_sqlite(&mut conn), in_schema_rs());
    conn.revert_all_migrations(SQLITE).unwrap();
    assert_eq!(of_sqlite(&mut conn), Columns::new());
    conn.run_pending_migrations(SQLITE).unwrap();
    assert_eq!(of_sqlite(&mut conn), in_schema_rs());
}
