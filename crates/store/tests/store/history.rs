//! Pages of history.

use pollgate_model::Range;
use rstest::rstest;

use crate::support::{Database, Kind, to_user, user};

#[rstest]
#[tokio::test]
async fn pages_go_up_and_down_and_say_whether_there_is_more(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let mut room = None;
    for n in 1..=10 {
        room = Some(store.send(to_user("ann", "bob", &format!("{n}"))).await.unwrap().room);
    }
    let cases: [(Range, u32, &[i64], bool); 11] = [
        (Range::Newest, 3, &[8, 9, 10], true),
        (Range::Newest, 10, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], false),
        (Range::Before(4), 2, &[2, 3], true),
        (Range::Before(4), 3, &[1, 2, 3], false),
        (Range::Before(1), 3, &[], false),
        (Range::After(7), 2, &[8, 9], true),
        (Range::After(7), 3, &[8, 9, 10], false),
        (Range::After(10), 3, &[], false),
        (Range::Between { after: 2, before: 6 }, 2, &[3, 4], true),
        (Range::Between { after: 2, before: 6 }, 3, &[3, 4, 5], false),
        (Range::Between { after: 6, before: 2 }, 3, &[], false),
    ];
    for (range, limit, seqs, more) in cases {
        let page = store.history(&user("bob"), room.unwrap(), range, limit).await.unwrap();
        let found: Vec<i64> = page.messages.iter().map(|m| m.seq).collect();
        assert_eq!((found.as_slice(), page.has_more), (seqs, more), "{range:?} {limit}");
        assert!(page.messages.iter().all(|m| m.body == m.seq.to_string()));
        assert_eq!((page.oldest_id, page.newest_id), (seqs.first().copied(), seqs.last().copied()));
    }
}
