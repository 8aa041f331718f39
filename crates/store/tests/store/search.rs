//! Finding messages by their words; what is found is the same on both databases.

use pollgate_model::{Message, RoomId, SearchPage, SearchQuery};
use pollgate_store::{Store, StoreError};
use rstest::rstest;
use uuid::Uuid;

use crate::support::{Database, Kind, rewritten, to_room, to_user, user};

const BATCH: usize = 100;

/// Indexes whatever is not indexed.
pub(crate) async fn index_all(store: &Store) -> usize {
    let mut messages = 0;
    loop {
        let mut rooms = store.rooms_behind(None).await.unwrap().rooms;
        if rooms.is_empty() {
            return messages;
        }
        while !rooms.is_empty() {
            let done = store.index(rooms, BATCH).await.unwrap();
            messages += done.messages;
            rooms = done.again;
        }
    }
}

async fn search(store: &Store, who: &str, q: &str) -> SearchPage {
    store.search(&user(who), SearchQuery::parse(q).unwrap(), None, None, 50).await.unwrap()
}

/// The texts that are found, newest first.
pub(crate) async fn texts(store: &Store, who: &str, q: &str) -> Vec<String> {
    search(store, who, q).await.messages.into_iter().map(|message| message.body).collect()
}

#[rstest]
#[tokio::test]
async fn words_are_found_whatever_their_case_accents_and_form(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    for body in [
        "Crème brûlée for two",
        "creme fraiche",
        "order-4711 is late",
        "4711 orders",
        "Straßenbahn",
        "東京へ行く",
        "ﬁne wide ｗｉｄｅ",
        "the cat's \"quoted\" tail & (brackets) | 100%",
        "कि",
        "!!! 😀",
        "мир Мир МИР",
    ] {
        store.send(to_user("ann", "bob", body)).await.unwrap();
    }
    assert_eq!(index_all(&store).await, 11);
    for (q, found) in [
        ("CREME", vec!["creme fraiche", "Crème brûlée for two"]),
        ("crème brulee", vec!["Crème brûlée for two"]),
        ("brulee creme", vec!["Crème brûlée for two"]),
        ("\"brulee creme\"", vec![]),
        ("\"creme brulee\" tw", vec!["Crème brûlée for two"]),
        ("\"creme bru\"", vec![]),
        ("order-4711", vec!["order-4711 is late"]),
        ("order 4711", vec!["order-4711 is late"]),
        ("4711 order", vec!["4711 orders", "order-4711 is late"]),
        ("\"4711 order", vec![]),
        ("strassen", vec!["Straßenbahn"]),
        ("東京", vec!["東京へ行く"]),
        ("京東", vec![]),
        ("行", vec!["東京へ行く"]),
        ("\"fine wide wide\"", vec!["ﬁne wide ｗｉｄｅ"]),
        ("cat's & tail", vec!["the cat's \"quoted\" tail & (brackets) | 100%"]),
        ("brackets OR", vec![]),
        ("NOT 100", vec![]),
        ("की", vec![]),
        ("कि", vec!["कि"]),
        ("мир", vec!["мир Мир МИР"]),
        ("nothing", vec![]),
    ] {
        assert_eq!(texts(&store, "bob", q).await, found, "{q}");
    }
}

#[rstest]
#[tokio::test]
async fn pages_go_from_new_to_old_over_all_rooms(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let mut sent = Vec::new();
    for n in 0..40 {
        let to = ["bob", "cyd", "dan"][n % 3];
        sent.push(store.send(to_user("ann", to, &format!("apple {n}"))).await.unwrap().id);
        store.send(to_user("ann", to, "pear")).await.unwrap();
    }
    // in an order of its own: the last room first
    let mut rooms = store.rooms_behind(None).await.unwrap().rooms;
    rooms.reverse();
    for room in rooms {
        store.index(vec![room], 1000).await.unwrap();
    }
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let query = SearchQuery::parse("apple").unwrap();
        let page = store.search(&user("ann"), query, None, before, 7).await.unwrap();
        assert_eq!(page.has_more, page.next.is_some());
        assert!(page.messages.len() == 7 || !page.has_more);
        found.extend(page.messages.iter().map(|message| (message.created_at, message.id)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert!(found.is_sorted_by(|newer, older| newer.0 >= older.0));
    let mut ids: Vec<_> = found.into_iter().map(|(_, id)| id).collect();
    sent.reverse();
    if kind == Kind::Sqlite {
        // within one millisecond the order is SQLite's own, and nothing is missing or there twice
        ids.sort_unstable();
        sent.sort_unstable();
    }
    assert_eq!(ids, sent);
}

#[rstest]
#[tokio::test]
async fn only_rooms_that_one_is_in_now_are_searched(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let group = database.group(&["ann", "bob"]);
    store.send(to_room("ann", group, "secret of the group")).await.unwrap();
    let direct = store.send(to_user("ann", "cyd", "secret of the two")).await.unwrap().room;
    index_all(&store).await;
    assert_eq!(texts(&store, "ann", "secret").await, ["secret of the two", "secret of the group"]);
    assert_eq!(texts(&store, "bob", "secret").await, ["secret of the group"]);
    assert_eq!(texts(&store, "eve", "secret").await, Vec::<String>::new());
    let within = async |who: &str, room: RoomId| {
        let query = SearchQuery::parse("secret").unwrap();
        let page = store.search(&user(who), query, Some(room), None, 50).await?;
        Ok::<_, StoreError>(
            page.messages.into_iter().map(|message: Message| message.body).collect::<Vec<_>>(),
        )
    };
    assert_eq!(within("ann", direct).await.unwrap(), ["secret of the two"]);
    assert_eq!(within("bob", direct).await, Err(StoreError::NotFound("room")));
    assert_eq!(within("ann", RoomId::new()).await, Err(StoreError::NotFound("room")));
    database.run("DELETE FROM members WHERE user_id = 'bob'");
    assert_eq!(texts(&store, "bob", "secret").await, Vec::<String>::new());
}

#[rstest]
#[tokio::test]
async fn a_text_is_not_found_any_more_once_it_is_changed_or_deleted(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let mut sent = Vec::new();
    for body in ["first apple", "second apple", "third apple"] {
        sent.push(store.send(to_user("ann", "bob", body)).await.unwrap());
    }
    index_all(&store).await;
    rewritten(&store, &sent[0], Some("first pear")).await;
    rewritten(&store, &sent[1], None).await;
    assert_eq!(texts(&store, "bob", "apple").await, ["third apple"]);
    assert_eq!(texts(&store, "bob", "pear").await, ["first pear"]);
    assert_eq!(texts(&store, "bob", "second").await, Vec::<String>::new());
    // changed before it is indexed
    let late = store.send(to_user("ann", "bob", "fourth apple")).await.unwrap();
    let gone = store.send(to_user("ann", "bob", "fifth apple")).await.unwrap();
    rewritten(&store, &late, Some("fourth plum")).await;
    rewritten(&store, &gone, None).await;
    index_all(&store).await;
    assert_eq!(texts(&store, "bob", "apple").await, ["third apple"]);
    assert_eq!(texts(&store, "bob", "plum").await, ["fourth plum"]);
}

#[rstest]
#[tokio::test]
async fn a_message_that_had_no_word_is_found_by_those_it_is_given(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let sent = store.send(to_user("ann", "bob", "👍")).await.unwrap();
    store.send(to_user("ann", "bob", "apple")).await.unwrap();
    index_all(&store).await;
    rewritten(&store, &sent, Some("invoice 4711")).await;
    assert_eq!(texts(&store, "bob", "invoice").await, ["invoice 4711"]);
    rewritten(&store, &sent, Some("👎")).await;
    assert_eq!(texts(&store, "bob", "invoice").await, Vec::<String>::new());
}

#[rstest]
#[tokio::test]
async fn a_room_whose_messages_are_gone_is_not_looked_at_for_ever(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    store.send(to_user("ann", "bob", "apple")).await.unwrap();
    database.run("DELETE FROM messages");
    let rooms = store.rooms_behind(None).await.unwrap().rooms;
    assert_eq!(rooms.len(), 1);
    assert_eq!(store.index(rooms, BATCH).await.unwrap().messages, 0);
    assert_eq!(store.rooms_behind(None).await.unwrap().rooms, vec![]);
}

#[rstest]
#[tokio::test]
async fn a_batch_has_a_bound_and_what_is_left_is_named(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    for n in 0..25 {
        store.send(to_user("ann", "bob", &format!("apple {n}"))).await.unwrap();
        store.send(to_user("ann", "cyd", &format!("apple {n}"))).await.unwrap();
    }
    let rooms = store.rooms_behind(None).await.unwrap().rooms;
    assert_eq!(rooms.len(), 2);
    let first = store.index(rooms.clone(), 30).await.unwrap();
    assert_eq!((first.messages, first.again), (30, rooms.clone()));
    assert_eq!(store.index(rooms.clone(), 30).await.unwrap().messages, 20);
    let rest = store.index(rooms, 30).await.unwrap();
    assert_eq!((rest.messages, rest.again), (0, vec![]));
    assert_eq!(store.rooms_behind(None).await.unwrap().rooms, vec![]);
    let all =
        store.search(&user("ann"), SearchQuery::parse("apple").unwrap(), None, None, 100).await.unwrap();
    assert_eq!(all.messages.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_index_the_same_rooms_once() {
    let database = Database::new(Kind::Pg);
    let ((one, _), (two, _)) = (database.open().await, database.open().await);
    for n in 0..60 {
        one.send(to_user("ann", ["bob", "cyd", "dan"][n % 3], &format!("apple {n}"))).await.unwrap();
    }
    let (first, second) = tokio::join!(index_all(&one), index_all(&two));
    assert_eq!(first + second, 60, "{first} and {second}");
    assert_eq!(texts(&two, "ann", "apple").await.len(), 50);
    assert_eq!(texts(&two, "ann", "\"apple 59\"").await, ["apple 59"]);
}

/// Messages of one millisecond, whose numbers are neighbours or the same at first.
#[tokio::test]
async fn messages_of_one_moment_are_all_found() {
    let database = Database::new(Kind::Sqlite);
    let (store, _) = database.open().await;
    let room = store.send(to_user("ann", "bob", "apple 0")).await.unwrap().room;
    for n in 2..=300_u128 {
        // they differ in the last bits only, which are no part of their numbers
        let id = Uuid::from_u128((0x0190_0000_0000_7abc_8000_0000_u128 << 32) | n).simple();
        database.run(&format!(
            "INSERT INTO messages (room_id, seq, id, sender, body, created_at_ms) \
             VALUES (x'{}', {n}, x'{id}', 'ann', 'apple {n}', 0); UPDATE rooms SET last_seq = {n}",
            room.uuid().simple()
        ));
    }
    assert_eq!(index_all(&store).await, 300);
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let query = SearchQuery::parse("apple").unwrap();
        let page = store.search(&user("ann"), query, None, before, 100).await.unwrap();
        found.extend(page.messages.iter().map(|message| message.seq));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    found.sort_unstable();
    assert_eq!(found, (1..=300).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn somebody_with_very_many_rooms_searches_the_newest_of_them(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let old = store.send(to_user("ann", "old", "apple of long ago")).await.unwrap().room;
    let blank = match kind {
        Kind::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
             INSERT INTO rooms (id, kind, last_seq, created_at_ms, updated_at_ms) \
             SELECT randomblob(16), 'group', 0, 0, 9000000000000 FROM n"
        }
        Kind::Pg => {
            "INSERT INTO rooms (id, kind, last_seq, created_at_ms, updated_at_ms) \
             SELECT gen_random_uuid(), 'group', 0, 0, 9000000000000 FROM generate_series(1, 1000)"
        }
    };
    database.run(&format!(
        "{blank}; INSERT INTO members (room_id, user_id, last_read_seq, joined_at_ms) \
         SELECT id, 'ann', 0, 0 FROM rooms WHERE updated_at_ms = 9000000000000"
    ));
    index_all(&store).await;
    assert_eq!(texts(&store, "ann", "apple").await, Vec::<String>::new(), "a thousand others are newer");
    assert_eq!(texts(&store, "old", "apple").await, ["apple of long ago"]);
    let query = SearchQuery::parse("apple").unwrap();
    let page = store.search(&user("ann"), query, Some(old), None, 50).await.unwrap();
    assert_eq!(page.messages.len(), 1, "asked for by its id it is searched");
}
