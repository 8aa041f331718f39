//! Noted mailboxes: alarms that are told once, rows that are claimed by one, and what is left alone.

use std::sync::Arc;
use std::time::Duration;

use pollgate_model::Mailbox;
use pollgate_store::{AlarmChanges, DepthNotes, DepthSize, NotedAlarm, Revisits, Store};
use rstest::rstest;

use crate::support::{Database, Kind, futures, user};

const AT_ONCE: Revisits = Revisits {
    every: Duration::ZERO,
    quiet_after: Duration::from_secs(300),
    quiet_for: Duration::from_secs(630),
};

fn mailbox(name: &str) -> Mailbox {
    match name.split_once('/') {
        None => Mailbox::main(user(name)),
        Some((name, session)) => Mailbox::of_session(user(name), session.parse().unwrap()),
    }
}

fn size(name: &str, ready: u64) -> DepthSize {
    DepthSize { mailbox: mailbox(name), ready, unacked: None, consumers: 0 }
}

/// More than 100 is an alarm, which ends at 80; less than 10 is nothing.
fn found(looks: &[(&str, u64)]) -> DepthNotes {
    let mut notes = DepthNotes::default();
    for (name, ready) in looks {
        let alarm = match ready {
            0..10 => {
                notes.shallow.push(mailbox(name));
                continue;
            }
            10..=80 => NotedAlarm::Ends,
            81..=100 => NotedAlarm::Stays,
            _more => NotedAlarm::Stands,
        };
        notes.deep.push((size(name, *ready), alarm));
    }
    notes
}

async fn note(store: &Store, looks: &[(&str, u64)]) -> (Vec<String>, Vec<String>) {
    let AlarmChanges { started, ended } = store.note_depths(Arc::new(found(looks)), AT_ONCE).await.unwrap();
    let names = |of: Vec<Mailbox>| {
        let mut names: Vec<String> = of.iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    (names(started), names(ended))
}

fn said(started: &[&str], ended: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    (owned(started), owned(ended))
}

#[rstest]
#[tokio::test]
async fn an_alarm_starts_and_ends_once(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let quoted = "\"ä\\";
    assert_eq!(
        note(&store, &[("ann", 101), ("bob/a", 5000), (quoted, 10)]).await,
        said(&["ann", "bob/a"], &[])
    );
    assert_eq!(note(&store, &[("ann", 900), ("bob/a", 90), (quoted, 100)]).await, said(&[], &[]));
    let rows = store.noted_depths(None, 0, 10).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|r| (r.size.mailbox.to_string(), r.size.ready, r.alarm)).collect();
    let expected = [("ann", 900, true), (quoted, 100, false), ("bob/a", 90, true)];
    assert_eq!(rows, expected.map(|(name, ready, alarm)| (name.to_owned(), ready, alarm)));
    let totals = store.depth_totals().await.unwrap();
    assert_eq!((totals.noted, totals.alarms, totals.by_depth), (3, 2, [0, 1, 2, 0]));
    assert_eq!(note(&store, &[("ann", 3), ("bob/a", 80), ("eve", 1)]).await, said(&[], &["ann", "bob/a"]));
    assert_eq!(note(&store, &[("ann", 3), ("bob/a", 80)]).await, said(&[], &[]));
    assert_eq!(note(&store, &[("ann", 101)]).await, said(&["ann"], &[]), "it is a new one");
    let of_bob = store.noted_depths(Some(user("bob")), 0, 10).await.unwrap();
    assert_eq!((of_bob.len(), of_bob[0].size.unacked, of_bob[0].alarm), (1, None, false));
    assert_eq!(store.noted_depths(None, 101, 10).await.unwrap().len(), 1);
}

#[rstest]
#[tokio::test]
async fn what_is_unknown_of_a_mailbox_and_what_is_known(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let known = DepthSize { unacked: Some(7), consumers: 2, ..size("ann", 12) };
    let deep = vec![(known.clone(), NotedAlarm::Ends), (size("bob", 11), NotedAlarm::Ends)];
    store.note_depths(Arc::new(DepthNotes { deep, shallow: vec![] }), AT_ONCE).await.unwrap();
    let rows = store.noted_depths(None, 0, 10).await.unwrap();
    assert_eq!((&rows[0].size, &rows[1].size), (&known, &size("bob", 11)));
}

/// Four gateways find the same mailboxes deep, then shallow, at once and in orders of their own.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_gateways_one_is_told_of_each_alarm() {
    let database = Database::new(Kind::Pg);
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(database.open().await.0);
    }
    let names: Vec<String> = (0..40).map(|number| format!("u{number}")).collect();
    for round in 0..3 {
        for ready in [500, 0] {
            let looks = stores.iter().enumerate().map(|(number, store)| {
                let (store, mut names) = (store.clone(), names.clone());
                names.rotate_left(number * 7);
                async move {
                    let looks: Vec<_> = names.iter().map(|name| (name.as_str(), ready)).collect();
                    note(&store, &looks).await
                }
            });
            let told = futures(looks).await;
            let count = |of: fn(&(Vec<String>, Vec<String>)) -> usize| told.iter().map(of).sum::<usize>();
            let (started, ended) = (count(|told| told.0.len()), count(|told| told.1.len()));
            assert_eq!((started, ended), if ready > 0 { (40, 0) } else { (0, 40) }, "round {round}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn each_row_that_is_due_is_claimed_by_one(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let names: Vec<String> = (0..30).map(|number| format!("u{number}")).collect();
    let looks: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 50)).collect();
    note(&store, &looks).await;
    let claims = (0..3).map(|_| {
        let store = store.clone();
        async move { store.claim_depths(10, Duration::from_secs(60)).await }
    });
    let claimed = futures(claims).await.into_iter().map(Result::unwrap);
    let mut claimed: Vec<String> = claimed.flatten().map(|mailbox| mailbox.to_string()).collect();
    claimed.extend(
        store.claim_depths(30, Duration::from_secs(60)).await.unwrap().iter().map(ToString::to_string),
    );
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), 30);
    assert_eq!(store.claim_depths(30, Duration::ZERO).await.unwrap(), [], "the claims last");
    database.run("UPDATE mailbox_depths SET due_at_ms = 0 WHERE user_id = 'u7'");
    assert_eq!(store.claim_depths(30, Duration::ZERO).await.unwrap(), [mailbox("u7")], "they run out");
}

/// A look keeps a queue alive, so a session that nobody reads is left alone until it must have expired.
#[rstest]
#[tokio::test]
async fn a_session_that_nobody_reads_is_left_alone(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let due = async || {
        let claimed = store.claim_depths(9, Duration::ZERO).await.unwrap();
        claimed.iter().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>()
    };
    note(&store, &[("ann", 50), ("ann/a", 50), ("ann/b", 50)]).await;
    assert_eq!(due().await.len(), 3);
    database.run("UPDATE mailbox_depths SET used_at_ms = used_at_ms - 400000");
    let read = DepthSize { consumers: 1, ..size("ann/b", 50) };
    let mut notes = found(&[("ann", 50), ("ann/a", 50)]);
    notes.deep.push((read, NotedAlarm::Ends));
    store.note_depths(Arc::new(notes), AT_ONCE).await.unwrap();
    let expected = ["ann", "ann/b"].map(str::to_owned);
    assert_eq!(due().await, expected.into());
    database.run("UPDATE mailbox_depths SET due_at_ms = due_at_ms - 630001");
    assert_eq!(due().await.len(), 3, "it has expired, or somebody came back");
}

#[rstest]
#[tokio::test]
async fn the_deepest_are_kept(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    note(&store, &[("ann", 101), ("bob", 99), ("eve", 50), ("zoe", 60)]).await;
    note(&store, &[("ann", 90)]).await; // its alarm stands
    assert_eq!(store.forget_depths(2).await.unwrap(), 2);
    let kept = store.noted_depths(None, 0, 9).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|row| row.size.mailbox.to_string()).collect();
    assert_eq!(kept, ["bob", "ann"]);
    assert_eq!(store.forget_depths(2).await.unwrap(), 0);
}

#[rstest]
#[tokio::test]
async fn purges_are_read_and_forgotten(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let (hour, soon) = (Duration::from_secs(3600), Duration::from_secs(3));
    store.note_purge(mailbox("ann"), soon).await.unwrap();
    store.note_purge(mailbox("ann/a"), Duration::ZERO).await.unwrap();
    let seen = store.purges(hour, 9).await.unwrap();
    assert_eq!((&seen[0].mailbox, &seen[1].mailbox), (&mailbox("ann"), &mailbox("ann/a")));
    assert!(seen[0].missed_at > seen[1].missed_at);
    assert_eq!(store.purges(hour, 1).await.unwrap().len(), 1);
    database.run("UPDATE mailbox_purges SET missed_at_ms = missed_at_ms - 4000000 WHERE session = 'a'");
    assert_eq!(store.purges(hour, 9).await.unwrap().len(), 1);
    store.forget_purges(hour).await.unwrap();
    store.note_purge(mailbox("ann"), Duration::ZERO).await.unwrap();
    assert_eq!(store.purges(Duration::from_secs(9000), 9).await.unwrap().len(), 1, "one row a mailbox");
}
