//! Seats, who is online by them, and who hears of it.

use std::sync::Arc;
use std::time::Duration;

use pollgate_model::UserId;
use pollgate_store::{PresenceBatch, PresenceChange, PresenceWritten, Store};
use rstest::rstest;

use crate::support::{Database, Kind, futures, to_user, user};

const LEASE: Duration = Duration::from_secs(15);
const BEAT: Duration = Duration::from_secs(3);
const MONTH: Duration = Duration::from_secs(30 * 86_400);

fn here(users: &[(&str, bool)]) -> PresenceBatch {
    PresenceBatch {
        here: users.iter().map(|(name, watching)| (user(name), *watching)).collect(),
        gone: vec![],
    }
}

fn gone(users: &[(&str, u64)]) -> PresenceBatch {
    let gone = users.iter().map(|(name, ms)| (user(name), Duration::from_millis(*ms))).collect();
    PresenceBatch { here: vec![], gone }
}

async fn write(store: &Store, batch: PresenceBatch) -> PresenceWritten {
    store.write_presence(Arc::new(batch)).await.unwrap()
}

/// Who changed, in order, with a sign for how.
fn said(changes: &[PresenceChange]) -> Vec<String> {
    let mut said: Vec<String> =
        changes.iter().map(|c| format!("{}{}", if c.online { '+' } else { '-' }, c.user)).collect();
    said.sort();
    said
}

#[rstest]
#[tokio::test]
async fn a_user_comes_once_and_goes_with_the_last_seat(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let first = write(&store, here(&[("ann", false), ("bob", true), ("\"ä\\", false)])).await;
    assert!(first.anew, "nobody had heard of this gateway");
    assert_eq!(said(&first.changes), ["+\"ä\\", "+ann", "+bob"]);
    let again = write(&store, here(&[("bob", false), ("ann", true)])).await;
    assert_eq!(again, PresenceWritten { anew: false, changes: vec![] });
    let went = write(&store, gone(&[("ann", 0), ("eve", 0), ("\"ä\\", 5)])).await;
    assert_eq!(said(&went.changes), ["-\"ä\\", "-ann"], "who was not there does not go");
    let both = PresenceBatch { here: here(&[("ann", false)]).here, gone: gone(&[("bob", 0)]).gone };
    assert_eq!(said(&write(&store, both).await.changes), ["+ann", "-bob"]);
}

#[rstest]
#[tokio::test]
async fn since_grows_with_each_change_however_long_ago_it_was(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let mut last = None;
    for round in 0..6 {
        // longer ago than the change before
        let batch = if round % 2 == 0 { here(&[("ann", false)]) } else { gone(&[("ann", 60_000)]) };
        let since = write(&store, batch).await.changes[0].since;
        assert!(Some(since) > last, "{since} after {last:?}");
        last = Some(since);
    }
    database.run("UPDATE presence SET since_at_ms = since_at_ms - 60000, online = 1");
    let online = store.presence(None, vec![user("ann")]).await.unwrap()[0].since;
    let offline = write(&store, gone(&[("ann", 10_000)])).await.changes[0].since;
    let after = offline.as_ms() - online.as_ms();
    assert!((49_000..=60_000).contains(&after), "since ann was seen last: {after} ms later");
}

#[tokio::test]
async fn of_two_gateways_one_learns_of_a_change() {
    let database = Database::new(Kind::Pg);
    let ((a, _), (b, _)) = (database.open().await, database.open().await);
    assert_eq!(said(&write(&a, here(&[("ann", false)])).await.changes), ["+ann"]);
    assert_eq!(said(&write(&b, here(&[("ann", false)])).await.changes), Vec::<String>::new());
    assert_eq!(said(&write(&a, gone(&[("ann", 0)])).await.changes), Vec::<String>::new());
    assert_eq!(said(&write(&b, gone(&[("ann", 0)])).await.changes), ["-ann"]);
}

/// Four gateways say the same of the same users at once, in orders of their own, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_that_write_the_same_users_at_once_wait_for_nobody_for_long_and_each_change_is_told_once() {
    let database = Database::new(Kind::Pg);
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(database.open().await.0);
    }
    let names: Vec<String> = (0..200).map(|n| format!("user {n}")).collect();
    for round in 0..10 {
        let all = stores.iter().enumerate().map(|(number, store)| {
            let mut names = names.clone();
            names.rotate_left(number * 50);
            if number % 2 == 0 {
                names.reverse();
            }
            let batch = if round % 2 == 0 {
                here(&names.iter().map(|name| (name.as_str(), false)).collect::<Vec<_>>())
            } else {
                gone(&names.iter().map(|name| (name.as_str(), 0)).collect::<Vec<_>>())
            };
            let store = store.clone();
            async move { store.write_presence(Arc::new(batch)).await.unwrap().changes }
        });
        let told: Vec<String> = futures(all).await.iter().flat_map(|changes| said(changes)).collect();
        assert_eq!(told.len(), names.len(), "round {round}");
    }
}

#[rstest]
#[tokio::test]
async fn a_dead_gateways_seats_are_taken_away_once_and_those_of_the_living_stay(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    write(&store, here(&[("ann", false)])).await;
    // a gateway that never said goodbye, and had ann too
    let other = match kind {
        Kind::Pg => "'018f0000-0000-7000-8000-000000000001'",
        Kind::Sqlite => "x'018f0000000070008000000000000001'",
    };
    database.run(&format!(
        "INSERT INTO presence_gateways (instance, seen_at_ms) SELECT {other}, seen_at_ms - 60000 FROM presence_gateways; \
         INSERT INTO presence (user_id, online, since_at_ms) VALUES ('bob', 1, 0); \
         INSERT INTO presence_seats (user_id, instance, watching) VALUES ('ann', {other}, 1), ('bob', {other}, 0);"
    ));
    let hour = Duration::from_secs(3600);
    assert_eq!(store.clear_presence(LEASE, BEAT, hour).await.unwrap(), None, "it may come back");
    let cleared = store.clear_presence(LEASE, BEAT, Duration::from_secs(10)).await.unwrap().unwrap();
    assert_eq!(said(&cleared), ["-bob"]);
    assert_eq!(store.clear_presence(LEASE, BEAT, Duration::ZERO).await.unwrap(), None);
    assert_eq!(write(&store, here(&[])).await, PresenceWritten::default(), "this one lives");
}

#[tokio::test]
async fn a_gateway_that_was_taken_for_dead_is_told_so() {
    let database = Database::new(Kind::Pg);
    let ((a, _), (b, _)) = (database.open().await, database.open().await);
    write(&a, here(&[("ann", false)])).await;
    write(&b, here(&[("bob", false)])).await;
    database.run("DELETE FROM instances");
    b.heartbeat(None).await.unwrap();
    let cleared = b.clear_presence(LEASE, BEAT, Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(said(&cleared), ["-ann"]);
    let again = write(&a, here(&[("ann", false)])).await;
    assert!(again.anew);
    assert_eq!(said(&again.changes), ["+ann"]);
    assert!(!write(&a, here(&[])).await.anew);
}

#[rstest]
#[tokio::test]
async fn a_gateway_that_stopped_is_cleared_by_the_next_one(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let many: Vec<String> = (0..1500).map(|n| n.to_string()).collect();
    write(&store, here(&many.iter().map(|name| (name.as_str(), true)).collect::<Vec<_>>())).await;
    store.retire_presence().await.unwrap();
    store.retire().await.unwrap();
    drop(store);
    let (next, _) = database.open().await;
    write(&next, here(&[("7", false)])).await;
    let mut cleared = Vec::new();
    while let Some(mut some) = next.clear_presence(LEASE, BEAT, Duration::ZERO).await.unwrap() {
        assert!(some.len() <= 1000, "a bounded number");
        cleared.append(&mut some);
    }
    assert_eq!(cleared.len(), 1499, "all but the one who is here");
}

#[rstest]
#[tokio::test]
async fn who_was_not_seen_for_a_month_is_forgotten(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    write(&store, here(&[("ann", false), ("bob", false), ("eve", false), ("joe", false)])).await;
    write(&store, gone(&[("bob", 0), ("eve", 0), ("joe", 0)])).await;
    // ann has been online for that long
    database.run("UPDATE presence SET since_at_ms = 0 WHERE user_id <> 'joe'");
    assert_eq!(store.forget_presence(MONTH, 1).await.unwrap(), 1, "a bound is kept");
    assert_eq!(store.forget_presence(MONTH, 10).await.unwrap(), 1);
    assert_eq!(store.forget_presence(MONTH, 10).await.unwrap(), 0);
    let all = ["ann", "bob", "eve", "joe"].map(user).to_vec();
    let mut left: Vec<UserId> =
        store.presence(None, all).await.unwrap().into_iter().map(|known| known.user).collect();
    left.sort();
    assert_eq!(left, [user("ann"), user("joe")]);
}

#[rstest]
#[tokio::test]
async fn one_sees_oneself_and_those_one_shares_a_room_with(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    store.send(to_user("ann", "bob", "hi")).await.unwrap();
    database.group(&["ann", "cyd"]);
    write(&store, here(&[("ann", false), ("bob", false), ("cyd", false), ("eve", false)])).await;
    write(&store, gone(&[("cyd", 0)])).await;
    let asked = ["eve", "cyd", "bob", "ann", "zoe"].map(user).to_vec();
    let seen = |found: Vec<PresenceChange>| said(&found);
    assert_eq!(
        seen(store.presence(Some(user("ann")), asked.clone()).await.unwrap()),
        ["+ann", "+bob", "-cyd"]
    );
    assert_eq!(seen(store.presence(Some(user("bob")), asked.clone()).await.unwrap()), ["+ann", "+bob"]);
    assert_eq!(seen(store.presence(None, asked).await.unwrap()), ["+ann", "+bob", "+eve", "-cyd"]);
}

#[rstest]
#[tokio::test]
async fn those_hear_who_share_a_small_room_and_watch(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let pairs = async |users: &[&str], members, limit| {
        let users = users.iter().map(|name| user(name)).collect();
        let found = store.watchers(users, members, limit).await.unwrap();
        found.into_iter().map(|(of, who)| format!("{who} of {of}")).collect::<Vec<_>>()
    };
    database.group(&["ann", "bob", "cyd"]);
    database.group(&["ann", "bob"]);
    database.group(&["ann", "dan", "eve", "joe"]);
    assert_eq!(pairs(&["ann"], 100, 100).await, Vec::<String>::new(), "nobody watches");
    write(&store, here(&[("bob", true), ("cyd", false), ("dan", true), ("ann", true)])).await;
    assert_eq!(
        pairs(&["ann", "cyd"], 100, 100).await,
        ["bob of ann", "dan of ann", "ann of cyd", "bob of cyd"]
    );
    assert_eq!(pairs(&["ann", "cyd"], 100, 3).await.len(), 3);
    assert_eq!(pairs(&["ann"], 4, 100).await, ["bob of ann", "dan of ann"]);
    assert_eq!(pairs(&["ann"], 3, 100).await, ["bob of ann"], "a room of four is too large");
    write(&store, here(&[("bob", false)])).await;
    write(&store, gone(&[("dan", 0)])).await;
    assert_eq!(pairs(&["ann"], 100, 100).await, Vec::<String>::new(), "not any more");
}
