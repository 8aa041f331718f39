//! API tokens.

use pollgate_store::{NewToken, StoreError, TokenRef};
use rstest::rstest;
use uuid::Uuid;

use crate::support::{Database, Kind, user};

#[rstest]
#[tokio::test]
async fn a_token_is_found_listed_and_revoked(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let new = |n: u8| NewToken {
        id: Uuid::now_v7(),
        hash: [n; 32],
        user: user("ann"),
        scope: "user publish".into(),
        expires_at: None,
    };
    let (one, two) = (new(1), new(2));
    store.token_create(one.clone()).await.unwrap();
    store.token_create(two.clone()).await.unwrap();
    assert!(matches!(store.token_create(one.clone()).await, Err(StoreError::Conflict(_))));

    let found = store.token_find([1; 32]).await.unwrap().unwrap();
    assert_eq!((found.id, found.user, found.scope.as_str()), (one.id, user("ann"), "user publish"));
    assert_eq!((found.revoked_at, found.expires_at), (None, None));
    assert_eq!(store.token_find([9; 32]).await.unwrap(), None);
    assert_eq!(store.token_list().await.unwrap().len(), 2);

    assert!(store.token_revoke(TokenRef::Id(one.id)).await.unwrap());
    assert!(store.token_revoke(TokenRef::Hash([2; 32])).await.unwrap());
    assert!(!store.token_revoke(TokenRef::Hash([9; 32])).await.unwrap());
    let revoked_at = store.token_find([1; 32]).await.unwrap().unwrap().revoked_at;
    assert!(revoked_at.is_some());
    assert!(store.token_revoke(TokenRef::Id(one.id)).await.unwrap());
    assert_eq!(store.token_find([1; 32]).await.unwrap().unwrap().revoked_at, revoked_at);
}
