//! Lists of clusters: who used which, and for how long that is remembered.

use std::time::Duration;

use rstest::rstest;

use crate::support::{Database, Kind};

const HOUR: Duration = Duration::from_secs(3600);

#[rstest]
#[tokio::test]
async fn a_list_is_remembered_for_as_long_as_asked(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    store.use_list("a".into(), HOUR, 10).await.unwrap();
    database.run("UPDATE placements SET used_at_ms = used_at_ms - 60000");
    let seen = store.use_list("a b".into(), HOUR, 10).await.unwrap();
    let lists: Vec<&str> = seen.iter().map(|used| used.list.as_str()).collect();
    assert_eq!(lists, ["a b", "a"], "the one used last comes first");
    assert!(seen[1].used_at.age_at(seen[0].used_at) >= Duration::from_secs(60), "{seen:?}");
    assert_eq!(store.use_list("a b".into(), HOUR, 1).await.unwrap().len(), 1, "a bound is kept");
    // used again: young again
    database.run("UPDATE placements SET used_at_ms = used_at_ms - 1000");
    let seen = store.use_list("a".into(), HOUR, 10).await.unwrap();
    assert_eq!((seen.len(), seen[0].list.as_str()), (2, "a"));
    database.run("UPDATE placements SET used_at_ms = used_at_ms - 60000");
    let seen = store.use_list("a".into(), Duration::from_secs(30), 10).await.unwrap();
    assert_eq!(seen.len(), 1, "unused for longer than asked: {seen:?}");
}
