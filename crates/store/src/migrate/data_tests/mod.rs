//! Each migration, up, down and up again, with rows in every table: what was there stays there.
//!
//! The rows are those of `migrations/fixtures/<database>/<migration>.sql`, which runs when the migration has; a table
//! that still has none gets one by what the catalogue says of its columns. A new migration is taken as it is, and the
//! test says so when it needs rows written by hand.

mod pg;
mod sqlite;

use std::collections::BTreeMap;
use std::path::Path;

/// A column: its name, and a value for it as SQL.
pub(super) type Column = (String, String);
/// Rows by table; each row by column, as text.
pub(super) type Rows = BTreeMap<String, Vec<BTreeMap<String, String>>>;

/// A database that the migrations are tried on.
pub(super) trait Tried {
    /// Where its fixtures are.
    const NAME: &'static str;
    fn names(&self) -> Vec<String>;
    fn up(&mut self, at: usize);
    fn down(&mut self, at: usize);
    /// Does all of it, or nothing.
    fn run(&mut self, sql: &str) -> Result<(), String>;
    fn rows(&mut self) -> Rows;
    /// The columns of a table that a row must or may give.
    fn columns(&mut self, table: &str) -> Vec<Column>;
}

/// Fills what a migration has brought.
fn fill(on: &mut impl Tried, migration: &str) {
    let file = fixture(on, migration);
    if let Ok(sql) = std::fs::read_to_string(&file) {
        on.run(&sql).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    // a row may need another table's first: what fails is tried again as long as something succeeds
    loop {
        let empty: Vec<String> =
            on.rows().into_iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
        let tried: Vec<(String, Result<(), String>)> =
            empty.into_iter().map(|table| (table.clone(), make_up(on, &table))).collect();
        let Some((table, Err(error))) = tried.iter().find(|(_, made)| made.is_err()) else { return };
        assert!(
            tried.iter().any(|(_, made)| made.is_ok()),
            "no row could be made up for {table} ({error}): write one to {file}"
        );
    }
}

/// Puts a row into a table, by what the catalogue says of its columns.
fn make_up(on: &mut impl Tried, table: &str) -> Result<(), String> {
    let (names, values): (Vec<_>, Vec<_>) = on.columns(table).into_iter().unzip();
    on.run(&format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", ")))
}

fn fixture<T: Tried>(_of: &T, migration: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/fixtures").join(T::NAME);
    folder.join(format!("{migration}.sql")).display().to_string()
}

/// Everything of `before` is there, with the same values.
fn assert_kept(before: &Rows, after: &Rows, when: &str) {
    for (table, rows) in before {
        assert!(!rows.is_empty(), "{table} was empty before {when}: this would show nothing");
        let now = after.get(table).unwrap_or_else(|| panic!("{table} is gone after {when}"));
        for row in rows {
            let same = |other: &BTreeMap<String, String>| {
                row.iter().all(|(name, value)| other.get(name) == Some(value))
            };
            assert!(now.iter().any(same), "a row of {table} after {when}: {row:?}, there are {now:?}");
        }
        assert_eq!(now.len(), rows.len(), "rows of {table} after {when}");
    }
}

/// Takes every migration in turn.
pub(super) fn try_all(on: &mut impl Tried) {
    let names = on.names();
    let known = std::fs::read_dir(Path::new(&fixture(on, "x")).parent().unwrap()).unwrap();
    for file in known.map(|entry| entry.unwrap().path()) {
        let of = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(names.contains(&of), "{} belongs to no migration", file.display());
    }
    for (at, name) in names.iter().enumerate() {
        let before = on.rows();
        on.up(at);
        assert_kept(&before, &on.rows(), &format!("{name} up"));
        fill(on, name);
        let filled = on.rows();
        on.down(at);
        let after = on.rows();
        assert_kept_where_left(&filled, &after, &before, &format!("{name} down"));
        on.up(at);
        assert_kept(&after, &on.rows(), &format!("{name} up again"));
        fill(on, name);
    }
    let empty: Vec<_> = on.rows().into_iter().filter(|(_, rows)| rows.is_empty()).collect();
    assert!(empty.is_empty(), "{empty:?}");
}

/// After going down: the tables and columns of before, with the rows that were in them.
fn assert_kept_where_left(filled: &Rows, after: &Rows, before: &Rows, when: &str) {
    let shape = |rows: &Rows| -> BTreeMap<String, Vec<String>> {
        rows.iter()
            .map(|(table, rows)| {
                (table.clone(), rows.first().map(|row| row.keys().cloned().collect()).unwrap_or_default())
            })
            .collect()
    };
    assert_eq!(shape(after), shape(before), "tables and columns after {when}");
    let left: Rows = before
        .iter()
        .map(|(table, rows)| {
            let names: Vec<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
            let cut = |row: &BTreeMap<String, String>| {
                row.iter()
                    .filter(|(name, _)| names.contains(name))
                    .map(|(n, v)| (n.clone(), v.clone()))
                    .collect()
            };
            (table.clone(), filled[table].iter().map(cut).collect())
        })
        .collect();
    assert_kept(&left, after, when);
}

#[test]
fn a_row_that_is_lost_or_changed_is_noticed() {
    let row = |value: &str| BTreeMap::from([("a".to_owned(), value.to_owned())]);
    let rows = |values: &[&str]| Rows::from([("t".to_owned(), values.iter().map(|v| row(v)).collect())]);
    let kept =
        |after: Rows| std::panic::catch_unwind(|| assert_kept(&rows(&["1", "2"]), &after, "x")).is_ok();
    assert!(kept(rows(&["2", "1"])));
    assert!(!kept(rows(&["1"])));
    assert!(!kept(rows(&["1", "3"])));
    assert!(!kept(Rows::new()));
}
