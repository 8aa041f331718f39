//! SQLite's plans.

use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

use super::LARGE;

/// The texts of the statements that a connection was asked for.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn texts(&self) -> Vec<String> {
        let mut texts = self.0.lock().unwrap().clone();
        texts.sort();
        texts.dedup();
        texts
    }
}

impl Instrumentation for Heard {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let whole = query.to_string();
            let text = whole.split(" -- binds").next().unwrap_or_default().to_owned();
            self.0.lock().unwrap().push(text);
        }
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The lines of a statement's plan; nothing for those that have none.
fn plan(conn: &mut SqliteConnection, text: &str) -> Vec<String> {
    let lines: Vec<Line> = sql_query(format!("EXPLAIN QUERY PLAN {text}")).load(conn).unwrap();
    lines.into_iter().map(|line| line.detail).collect()
}

/// The plans of everything that was heard.
pub(super) fn plans(conn: &mut SqliteConnection, heard: &Heard) -> Vec<(String, Vec<String>)> {
    let planned =
        |text: &String| ["SELECT", "INSERT", "UPDATE", "DELETE"].iter().any(|verb| text.starts_with(verb));
    heard.texts().into_iter().filter(planned).map(|text| (text.clone(), plan(conn, &text))).collect()
}

pub(super) fn complaints(conn: &mut SqliteConnection, heard: &Heard) -> (Vec<String>, usize) {
    let (mut wrong, mut large) = (Vec::new(), 0);
    for (text, plan) in plans(conn, heard) {
        let of_large = |line: &String| LARGE.iter().any(|table| names(table, line));
        large += usize::from(plan.iter().any(of_large));
        // an index that is read from end to end is a SCAN too
        if plan.iter().any(|line| line.starts_with("SCAN ") && of_large(line)) {
            wrong.push(format!("{text}\n{}", plan.join("\n")));
        }
    }
    (wrong, large)
}

/// Whether a line speaks of a table, by its name or by the letter that this crate's statements give it.
fn names(table: &str, line: &str) -> bool {
    let alias = if table == "desk_agents" { "d" } else { table.get(..1).unwrap() };
    let word = line.split(' ').nth(1).unwrap_or_default();
    // quoted where the query builder wrote it
    word.trim_matches('`') == table || word == alias
}

#[test]
fn what_is_read_from_end_to_end_is_complained_of() {
    use diesel::Connection as _;
    let connection = SqliteConnection::establish(":memory:").unwrap();
    let mut any = crate::connection::AnyConnection::Sqlite(connection);
    let crate::connection::AnyConnection::Sqlite(conn) = &mut any else { panic!("another database") };
    diesel_migrations::MigrationHarness::run_pending_migrations(conn, crate::migrate::SQLITE).unwrap();
    for (statement, wrong) in [
        ("SELECT count(*) FROM messages WHERE body = ?", true),
        ("SELECT user_id FROM members m WHERE last_read_seq = ?", true),
        ("SELECT id FROM rooms r ORDER BY direct_key LIMIT 1", true),
        ("UPDATE `rooms` SET name = ? WHERE name = ?", true),
        ("SELECT * FROM members WHERE user_id = ?", false),
        ("SELECT * FROM instances", false),
    ] {
        let heard = Heard(Arc::new(Mutex::new(vec![statement.to_owned()])));
        let (complaints, _) = complaints(conn, &heard);
        assert_eq!(complaints.len(), usize::from(wrong), "{statement}: {complaints:?}");
    }
}
