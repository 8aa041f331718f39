//! PostgreSQL's plans.

use diesel::connection::SimpleConnection as _;
use diesel::deserialize::{self, QueryableByName};
use diesel::pg::{Pg, PgConnection};
use diesel::row::NamedRow;
use diesel::sql_types::{Array, Text};
use diesel::{Connection as _, RunQueryDsl as _, sql_query};
use serde_json::Value;

use super::LARGE;

/// A schema with nothing in it, gone at the end of the test.
pub(crate) struct Schema(String);

impl Schema {
    pub(crate) fn new() -> Self {
        let name = format!("plans_{}", uuid::Uuid::now_v7().simple());
        PgConnection::establish(&server()).unwrap().batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        Self(name)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}?options=-csearch_path%3D{}", server(), self.0)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Ok(mut conn) = PgConnection::establish(&server()) {
            let drop = format!("SET client_min_messages = warning; DROP SCHEMA {} CASCADE", self.0);
            // best effort: a schema left over does no harm to other tests
            let _dropped = conn.batch_execute(&drop);
        }
    }
}

fn server() -> String {
    std::env::var("POLLGATE_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into())
}

#[derive(diesel::QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    statement: String,
    #[diesel(sql_type = Array<Text>)]
    types: Vec<String>,
}

struct Plan(Value);

impl QueryableByName<Pg> for Plan {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let json = NamedRow::get::<Text, String>(row, "QUERY PLAN")?;
        Ok(Self(serde_json::from_str(&json)?))
    }
}

/// The generic plans of everything that this session has prepared.
pub(super) fn plans(conn: &mut PgConnection) -> Vec<(String, Value)> {
    let prepared: Vec<Prepared> = sql_query(
        "SELECT name, statement, parameter_types::text[] AS types FROM pg_prepared_statements ORDER BY name",
    )
    .load(conn)
    .unwrap();
    let plan = |one: Prepared| {
        let nothing = vec!["NULL"; one.types.len()].join(", ");
        let values = if nothing.is_empty() { String::new() } else { format!("({nothing})") };
        let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE \"{}\"{values}", one.name);
        let Plan(plan) = sql_query(explain).get_result(conn).unwrap();
        (one.statement, plan[0]["Plan"].clone())
    };
    prepared.into_iter().map(plan).collect()
}

pub(super) fn complaints(conn: &mut PgConnection) -> (Vec<String>, usize) {
    let (mut wrong, mut large) = (Vec::new(), 0);
    for (statement, plan) in plans(conn) {
        let mut touched = false;
        look(&plan, &mut |node| {
            let of_large = node["Relation Name"].as_str().is_some_and(|table| LARGE.contains(&table));
            touched |= of_large;
            if of_large && reads_everything(node) {
                wrong.push(format!("{}: {statement}\n{plan:#}", node["Relation Name"]));
            }
        });
        large += usize::from(touched);
    }
    (wrong, large)
}

/// A sequential scan, or an index that is read from end to end. What is written is found by another node below.
fn reads_everything(node: &Value) -> bool {
    let found_by = |node: &Value| node["Index Cond"].is_string();
    match node["Node Type"].as_str().unwrap() {
        "ModifyTable" => false,
        "Index Scan" | "Index Only Scan" => !found_by(node),
        "Bitmap Heap Scan" => {
            let mut all_found = true;
            look(node, &mut |below| {
                all_found &= below["Node Type"] != "Bitmap Index Scan" || found_by(below)
            });
            !all_found
        }
        _scan => true,
    }
}

/// Looks at a node and all below it.
pub(super) fn look(node: &Value, at: &mut impl FnMut(&Value)) {
    at(node);
    for below in node["Plans"].as_array().into_iter().flatten() {
        look(below, at);
    }
}

#[test]
fn what_is_read_from_end_to_end_is_complained_of() {
    let schema = Schema::new();
    let settings = crate::StoreSettings::new(schema.url());
    let connector = crate::connection::Connector::new(&settings).unwrap();
    crate::migrate::apply(&connector).unwrap();
    let mut conn = connector.connect_reader().unwrap();
    super::fill(&mut conn);
    let crate::connection::AnyConnection::Pg(c) = &mut conn else { panic!("another database") };
    for (statement, wrong) in [
        ("SELECT count(*) FROM messages WHERE body = $1", true),
        ("SELECT id FROM messages ORDER BY id LIMIT 1", true),
        ("SELECT user_id FROM members WHERE last_read_seq = $1::text::bigint", true),
        ("SELECT * FROM messages WHERE id::text = $1", true),
        ("SELECT * FROM members WHERE user_id = $1", false),
        ("INSERT INTO desk_agents VALUES ($1, 'x')", false),
        ("SELECT * FROM instances", false),
    ] {
        c.batch_execute(&format!("DEALLOCATE ALL; PREPARE p AS {statement}")).unwrap();
        let (complaints, _) = complaints(c);
        assert_eq!(complaints.len(), usize::from(wrong), "{statement}: {complaints:?}");
    }
}
