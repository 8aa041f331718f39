//! On PostgreSQL, in a transaction that never commits, so that nothing is left over.

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, sql_query};
use diesel_migrations::MigrationHarness as _;
use serde_json::Value;

use super::{Column, Rows, Tried, try_all};
use crate::migrate::POSTGRES;

struct OnPg {
    conn: PgConnection,
    migrations: Vec<Box<dyn Migration<Pg>>>,
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

impl OnPg {
    fn lines(&mut self, query: &str) -> Vec<String> {
        let found: Vec<Line> = sql_query(query).load(&mut self.conn).unwrap();
        found.into_iter().map(|found| found.line).collect()
    }
}

impl Tried for OnPg {
    const NAME: &'static str = "postgres";

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
        let tables = self.lines(
            "SELECT table_name::text AS line FROM information_schema.tables WHERE table_type = 'BASE TABLE' \
             AND table_schema = current_schema() AND table_name NOT LIKE '\\_\\_diesel%'",
        );
        let mut rows = Rows::new();
        for table in tables {
            let found = self.lines(&format!("SELECT row_to_json(t)::text AS line FROM {table} t"));
            let row = |json: String| {
                let Value::Object(row) = serde_json::from_str(&json).unwrap() else { panic!("{json}") };
                row.into_iter().map(|(name, value)| (name, value.to_string())).collect()
            };
            rows.insert(table, found.into_iter().map(row).collect());
        }
        rows
    }

    fn columns(&mut self, table: &str) -> Vec<Column> {
        let described: Vec<Described> = sql_query(format!(
            "SELECT column_name::text AS name, udt_name::text AS kind FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = '{table}' AND is_generated = 'NEVER' \
             AND is_identity = 'NO' ORDER BY ordinal_position"
        ))
        .load(&mut self.conn)
        .unwrap();
        let value = |kind: &str| match kind {
            "uuid" => "'00000000-0000-0000-0000-000000000001'",
            "bytea" => "'\\x01'",
            "bool" => "true",
            "json" | "jsonb" => "'{}'",
            "int2" | "int4" | "int8" | "float4" | "float8" | "numeric" => "1",
            // what the database cannot read so it says, with the table's name
            _text => "'1'",
        };
        described.into_iter().map(|column| (column.name, value(&column.kind).to_owned())).collect()
    }
}

#[test]
fn rows_outlive_every_migration_of_postgresql() {
    let server = std::env::var("POLLGATE_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into());
    let mut conn = PgConnection::establish(&server).unwrap();
    conn.begin_test_transaction().unwrap();
    let schema = format!("migrations_{}", uuid::Uuid::now_v7().simple());
    conn.batch_execute(&format!("CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}")).unwrap();
    // makes the table that migrations are noted in
    conn.applied_migrations().unwrap();
    let migrations = POSTGRES.migrations().unwrap();
    try_all(&mut OnPg { conn, migrations });
}
