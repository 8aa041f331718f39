//! Who is alive, and what they say of themselves.

use std::time::Duration;

use rstest::rstest;

use crate::support::{Database, Kind};

#[rstest]
#[tokio::test]
async fn an_instance_is_seen_with_its_last_report(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let first = store.instances(10).await.unwrap();
    let [own] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(own.report, None, "it has said nothing yet");

    store.heartbeat(Some(r#"{"name":"a"}"#.into())).await.unwrap();
    let seen = store.instances(10).await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].id, seen[0].report.as_deref()), (own.id, Some(r#"{"name":"a"}"#)));
    assert!(seen[0].heartbeat_at >= own.heartbeat_at && seen[0].seen_at >= seen[0].heartbeat_at);
}

#[rstest]
#[tokio::test]
async fn those_who_renewed_last_are_named_first_and_those_who_left_are_not() {
    let database = Database::new(Kind::Pg);
    let ((one, _), (two, _)) = (database.open().await, database.open().await);
    two.heartbeat(Some("two".into())).await.unwrap();
    one.heartbeat(Some("one".into())).await.unwrap();
    let reports = |seen: Vec<pollgate_store::SeenInstance>| -> Vec<_> {
        seen.into_iter().filter_map(|instance| instance.report).collect()
    };
    let both = reports(two.instances(10).await.unwrap());
    assert_eq!(
        both.iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>(),
        ["one", "two"].into()
    );
    assert_eq!(two.instances(1).await.unwrap().len(), 1);
    one.retire().await.unwrap();
    assert_eq!(reports(two.instances(10).await.unwrap()), ["two"]);
    // no report is no reason to be taken for dead, nor one to be kept
    assert!(two.adopt(Duration::from_secs(60), 10).await.unwrap().is_empty());
}
