//! On SQLite, in memory.

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource as _};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, sql_query};
use diesel_migrations::MigrationHarness as _;

use super::{Column, Rows, Tried, try_all};
use crate::migrate::SQLITE;

struct OnSqlite {
    conn: SqliteConnection,
    migrations: Vec<Box<dyn Migration<Sqlite>>>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Described {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

impl OnSqlite {
    /// Columns that hold what was put into them; generated ones do not.
    fn described(&mut self, table: &str) -> Vec<Described> {
        let query =
            format!("SELECT name, lower(type) AS kind FROM pragma_table_info('{table}') ORDER BY cid");
        sql_query(query).load(&mut self.conn).unwrap()
    }
}

impl Tried for OnSqlite {
    const NAME: &'static str = "sqlite";

    fn names(&self) -> Vec<String> {
        self.migrations.iter().map(|m| m.name().to_string()).collect()
    }

    fn up(&mut self, at: usize) {
        self.conn.run_migration(&self.migrations[at]).unwrap();
    }

    fn down(&mut self, at: usize) {
        self.conn.revert_migration(&self.migrations[at]).unwrap();
    }

    fn run(&mut self, sql: &str) -> Result<(), String> {
        self.conn.transaction(|conn| conn.batch_execute(sql)).map_err(|error| error.to_string())
    }

    fn rows(&mut self) -> Rows {
        // what a virtual table keeps its rows in is its own affair
        let tables: Vec<Line> = sql_query(
            "SELECT name AS line FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'",
        )
        .load(&mut self.conn)
        .unwrap();
        let mut rows = Rows::new();
        for Line { line: table } in tables {
            let pairs: Vec<String> = self
                .described(&table)
                .iter()
                .map(|column| format!("'{0}', quote({0})", column.name))
                .collect();
            let query = format!("SELECT json_object({}) AS line FROM {table}", pairs.join(", "));
            let found: Vec<Line> = sql_query(query).load(&mut self.conn).unwrap();
            let row = |found: Line| serde_json::from_str(&found.line).unwrap();
            rows.insert(table, found.into_iter().map(row).collect());
        }
        rows
    }

    fn columns(&mut self, table: &str) -> Vec<Column> {
        let value = |kind: &str| match kind {
            "binary" | "blob" => "x'00000000000000000000000000000001'",
            "text" => "'1'",
            _number => "1",
        };
        let described = self.described(table);
        described.into_iter().map(|column| (column.name, value(&column.kind).to_owned())).collect()
    }
}

#[test]
fn rows_outlive_every_migration_of_sqlite() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute("PRAGMA foreign_keys = ON").unwrap();
    // makes the table that migrations are noted in
    conn.applied_migrations().unwrap();
    let migrations = SQLITE.migrations().unwrap();
    try_all(&mut OnSqlite { conn, migrations });
}
