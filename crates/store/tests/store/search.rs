
/// Whatever is typed: it is no search, or there is an answer.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn any_text_can_be_searched_for(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    let database = Database::new(kind);
    let (store, _) = database.open().await;
    store.send(to_user("ann", "bob", "an apple & a pear")).await.unwrap();
    index_all(&store).await;
    let handle = tokio::runtime::Handle::current();
    let typed = prop_oneof![any::<String>(), "[a-z0-9 \"'*():&|!<>^+~{}\\\\,.;%_éßΣ東が\u{300}-]{1,60}"];
    let all = tokio::task::spawn_blocking(move || {
        let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
        runner.run(&typed, |text| {
            if let Ok(query) = SearchQuery::parse(&text) {
                let answer = handle.block_on(store.search(&user("ann"), query, None, None, 10));
                prop_assert!(answer.is_ok(), "{:?}: {:?}", text, answer);
            }
            Ok(())
        })
    });
    all.await.unwrap().unwrap();
}
