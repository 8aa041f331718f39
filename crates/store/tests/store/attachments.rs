//! Attachments: who sees them, which messages hold them, and when they may go.

use pollgate_model::{Attachment, AttachmentId, Message, NewMessage, Range, Timestamp};
use pollgate_store::{Store, StoreError};
use rstest::rstest;

use crate::support::{Database, Kind, futures, send_all, to_room, to_user, user, with_client_id};

async fn upload(store: &Store, owner: &str) -> AttachmentId {
    let new = Attachment {
        id: AttachmentId::new(),
        name: "notes \"1\" ä.txt".into(),
        media_type: "text/plain".into(),
        size: 5,
    };
    store.attachment_create(&user(owner), &new).await.unwrap();
    // the connection broke after the commit, and it is done again
    store.attachment_create(&user(owner), &new).await.unwrap();
    new.id
}

fn with(new: NewMessage, files: &[AttachmentId]) -> NewMessage {
    NewMessage { attachments: files.to_vec(), ..new }
}

async fn sees(store: &Store, name: &str, id: AttachmentId) -> bool {
    match store.attachment_find(&user(name), id).await {
        Ok(found) => found.attachment.id == id,
        Err(StoreError::NotFound("attachment")) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Older than anything that a test makes.
fn soon() -> Timestamp {
    Timestamp::from_ms(Timestamp::now().as_ms() + 60_000)
}

#[rstest]
#[tokio::test]
async fn members_of_rooms_see_what_is_in_them(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _heard) = database.open().await;
    let room = database.group(&["ann", "bob", "cyd"]);
    let id = upload(&store, "ann").await;
    assert!(sees(&store, "ann", id).await && !sees(&store, "bob", id).await);
    let sent = store.send(with(to_room("ann", room, ""), &[id])).await.unwrap();
    assert!(sees(&store, "bob", id).await && sees(&store, "cyd", id).await && !sees(&store, "eve", id).await);
    database.run("DELETE FROM members WHERE user_id = 'bob'");
    assert!(!sees(&store, "bob", id).await && sees(&store, "cyd", id).await);
    let refused = store.send(with(to_user("bob", "eve", "hi"), &[id])).await;
    assert_eq!(refused, Err(StoreError::Invalid("attachments: no such attachment".into())));
    store.send(with(to_user("cyd", "eve", "see"), &[id])).await.unwrap();
    assert!(sees(&store, "eve", id).await, "forwarded by who sees it");

    let message: Message = serde_json::from_slice(&sent.json).unwrap();
    assert_eq!((message.attachments.as_slice(), message.files.len()), (&[id][..], 1));
    let page = store.history(&user("ann"), room, Range::Newest, 10).await.unwrap();
    assert_eq!(page.messages, [message]);
}

/// What the relay reads after a restart is what it was told of at the commit, byte for byte.
#[rstest]
#[tokio::test]
async fn events_with_files_come_back_from_the_outbox_as_they_were(
    #[values(Kind::Sqlite, Kind::Pg)] kind: Kind,
) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let files = [upload(&store, "ann").await, upload(&store, "ann").await];
    store.send(with(to_user("ann", "bob", "hi"), &files)).await.unwrap();
    let told: Vec<_> = heard.rows().into_iter().map(|row| row.event).collect();
    let read: Vec<_> = store.outbox_page(0, 10).await.unwrap().into_iter().map(|row| row.event).collect();
    assert_eq!(told, read);
    assert_eq!(told.len(), 2);
}

/// One sender's mistake costs the others of the same batch nothing, and makes no room.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn one_bad_file_spoils_one_message_only(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, heard) = database.open().await;
    let (mine, theirs) = (upload(&store, "ann").await, upload(&store, "eve").await);
    let all = (0..90).map(|n| match n % 3 {
        0 => with(to_user("ann", &format!("good {n}"), "hi"), &[mine]),
        1 => with(to_user("ann", &format!("bad {n}"), "hi"), &[mine, theirs]),
        _ => to_user("ann", &format!("plain {n}"), "hi"),
    });
    let sent = send_all(&store, all.collect()).await;
    for (n, outcome) in sent.iter().enumerate() {
        assert_eq!(outcome.is_ok(), n % 3 != 1, "{n}: {outcome:?}");
    }
    let rooms = heard.rows().iter().filter(|row| !row.stored).count();
    assert_eq!(rooms, 60, "no room for a message that was not");
}

#[rstest]
#[tokio::test]
async fn a_repeat_needs_the_same_files(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _heard) = database.open().await;
    let (one, other) = (upload(&store, "ann").await, upload(&store, "ann").await);
    let message = |files: &[AttachmentId]| with_client_id(with(to_user("ann", "bob", ""), files), "c");
    let first = store.send(message(&[one, other])).await.unwrap();
    let again = store.send(message(&[one, other])).await.unwrap();
    assert!(again.repeated && again.json == first.json);
    for files in [&[one][..], &[other, one], &[]] {
        assert!(matches!(store.send(message(files)).await, Err(StoreError::Conflict(_))), "{files:?}");
    }
    // at once, in one batch
    let message = |file| with_client_id(with(to_user("ann", "bob", ""), &[file]), "d");
    let both = send_all(&store, vec![message(one), message(other), message(one)]).await;
    let stored = both.iter().filter(|outcome| outcome.as_ref().is_ok_and(|sent| !sent.repeated)).count();
    assert_eq!(stored, 1, "{both:?}");
    assert!(both.iter().any(|outcome| matches!(outcome, Err(StoreError::Conflict(_)))), "{both:?}");
}

#[rstest]
#[tokio::test]
async fn a_caller_in_anothers_name_may_use_the_files_of_both(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _heard) = database.open().await;
    let files = [upload(&store, "shop").await, upload(&store, "ann").await];
    let message = || with(to_user("ann", "bob", ""), &files);
    assert!(store.send(message()).await.is_err());
    store.send_for(message(), Some(user("shop"))).await.unwrap();
    assert!(sees(&store, "bob", files[0]).await);
}

#[rstest]
#[tokio::test]
async fn what_no_message_holds_is_found_and_removed(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _heard) = database.open().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(upload(&store, "ann").await);
    }
    store.send(with(to_user("ann", "bob", ""), &[ids[1], ids[4]])).await.unwrap();
    let young = store.attachments_unused(None, Timestamp::from_ms(0), 100).await.unwrap();
    assert!(young.unused.is_empty(), "{young:?}");
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.attachments_unused(after, soon(), 3).await.unwrap();
        found.extend(page.unused);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [ids[0], ids[2], ids[3], ids[5], ids[6]]);
    // asked to remove all of them, it leaves those that are held
    let mut removed = store.attachments_remove(&ids).await.unwrap();
    removed.sort();
    assert_eq!(removed, found);
    let known = store.attachments_known(&ids).await.unwrap();
    assert_eq!(known, [ids[1], ids[4]].into());
    database.run("DELETE FROM attachment_uses");
    assert_eq!(store.attachments_remove(&ids).await.unwrap().len(), 2, "the last use is gone");
}

/// Sent by one gateway while another one removes it: either the message is refused, or the file stays.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_or_removed_and_never_both(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let (store, _heard) = database.open().await;
    for _ in 0..40 {
        let id = upload(&store, "ann").await;
        let work = (0..4).map(|n| {
            let store = store.clone();
            async move {
                if n % 2 == 0 {
                    store.send(with(to_user("ann", "bob", ""), &[id])).await.is_ok()
                } else {
                    store.attachments_remove(&[id]).await.unwrap().contains(&id)
                }
            }
        });
        let [sent, removed, sent_too, removed_too] = futures(work).await.try_into().unwrap();
        let there = store.attachments_known(&[id]).await.unwrap().contains(&id);
        assert_eq!(there, !(removed || removed_too));
        assert!(there || !(sent || sent_too), "it was sent, and is gone");
    }
}
