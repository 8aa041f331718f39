//! Who is in a room, as its members may know.

use pollgate_model::RoomId;
use pollgate_store::StoreError;
use rstest::rstest;

use crate::support::{Database, Kind, to_user, user};

#[rstest]
#[tokio::test]
async fn a_member_learns_the_members_of_a_room_that_is_not_too_large(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let none = Err(StoreError::NotFound("room"));
    let room = database.group(&["ann", "bob", "zoe"]);
    let all = ["ann", "bob", "zoe"].map(user).to_vec();
    assert_eq!(store.members_for(&user("zoe"), room, 3).await, Ok(Some(all)));
    for most in [1, 2] {
        assert_eq!(store.members_for(&user("zoe"), room, most).await, Ok(None), "too large for {most}");
        assert_eq!(store.members_for(&user("ann"), room, most).await, Ok(None));
        assert_eq!(store.members_for(&user("eve"), room, most).await, none);
    }
    assert_eq!(store.members_for(&user("eve"), room, 3).await, none);
    assert_eq!(store.members_for(&user("ann"), RoomId::new(), 3).await, none);
}

#[rstest]
#[tokio::test]
async fn a_direct_room_is_known_to_its_two(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _) = database.open().await;
    let room = store.send(to_user("ann", "bob", "hi")).await.unwrap().room;
    let both = Ok(Some(["ann", "bob"].map(user).to_vec()));
    assert_eq!(store.members_for(&user("bob"), room, 100).await, both);
    assert_eq!(store.members_for(&user("eve"), room, 100).await, Err(StoreError::NotFound("room")));
    // nothing is asked of the database
    database.run("DELETE FROM members");
    assert_eq!(store.members_for(&user("ann"), room, 100).await, both);
}
