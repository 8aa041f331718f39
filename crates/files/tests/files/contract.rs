//! Writing, reading, listing, removing.

use std::time::Duration;

use pollgate_files::{Files, FilesError};
use pollgate_model::{AttachmentId, Timestamp};
use pollgate_testkit::{S3Server, TcpProxy, eventually_async};
use rstest::rstest;

use crate::world::Kind::{self, Bucket, Folder};
use crate::world::{World, bucket, bytes};

const LIMIT: Duration = Duration::from_secs(30);

#[rstest]
#[tokio::test]
async fn what_was_written_is_read(#[values(Folder, Bucket)] kind: Kind) {
    let world = World::new(kind).await;
    for (length, piece) in [(1, 1), (70_000, 1000), (700_001, 70_000), (11_000_003, 1_000_000)] {
        let all = bytes(length);
        let id = world.write(&all, piece).await;
        let end = length as u64;
        assert!(world.read(id, 0..end).await == all, "{length} bytes in pieces of {piece}");
        let (from, to) = (length / 3, length / 3 + length.div_ceil(4));
        assert!(world.read(id, from as u64..to as u64).await == all[from..to], "a part of {length}");
    }
}

#[rstest]
#[tokio::test]
async fn nothing_is_there_before_the_end_and_nothing_is_left_of_what_is_given_up(
    #[values(Folder, Bucket)] kind: Kind,
) {
    let world = World::new(kind).await;
    let id = AttachmentId::new();
    for length in [10, 11_000_000] {
        let mut writer = world.files.begin(id).await.unwrap();
        writer.push(bytes(length)).await.unwrap();
        assert!(matches!(world.files.read(id, 0..5).await, Err(FilesError::Missing(_))), "{length}");
        assert_eq!(world.ids().await, []);
        writer.abandon().await.unwrap();
        // dropped as it is, as when its upload is dropped with its client
        let mut dropped = world.files.begin(id).await.unwrap();
        dropped.push(bytes(10)).await.unwrap();
        drop(dropped);
        assert_eq!(world.ids().await, []);
        if let Some(server) = &world.server {
            assert_eq!((server.unfinished(), server.keys().len()), (0, 0));
        }
    }
    let again = world.write(&bytes(10), 10).await;
    assert_eq!(world.ids().await, [again]);
}

#[rstest]
#[tokio::test]
async fn all_that_is_there_is_listed_and_what_is_removed_is_gone(#[values(Folder, Bucket)] kind: Kind) {
    let world = World::new(kind).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(world.write(&bytes(10), 10).await);
    }
    ids.sort();
    assert_eq!(world.ids().await, ids);
    let page = world.files.list().await.unwrap().next(10).await.unwrap();
    assert!(page.iter().all(|stored| stored.at.age_at(Timestamp::now()) < LIMIT), "{page:?}");
    for id in ids.drain(..2) {
        world.files.remove(id).await.unwrap();
        world.files.remove(id).await.unwrap();
        assert!(matches!(world.files.read(id, 0..5).await, Err(FilesError::Missing(_))));
    }
    assert_eq!(world.ids().await, ids);
    assert_eq!(world.files.errors()[1], ("read", 2), "a file that is missing is counted");
}

/// A part that is longer than the file is no quiet end.
#[rstest]
#[tokio::test]
async fn a_file_that_is_shorter_than_it_was_is_an_error(#[values(Folder, Bucket)] kind: Kind) {
    use futures::TryStreamExt as _;
    let world = World::new(kind).await;
    let id = world.write(&bytes(10), 10).await;
    let read = async {
        let pieces: Vec<_> = world.files.read(id, 0..20).await?.try_collect().await?;
        Ok::<_, FilesError>(pieces)
    };
    assert!(read.await.is_err());
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_not_waited_for() {
    let server = S3Server::start();
    let mut proxy = TcpProxy::start(&server.address());
    let through = format!("http://127.0.0.1:{}", proxy.port());
    let files = Files::open(&bucket(&through, server.bucket(), Duration::from_secs(2))).await.unwrap();
    let id = AttachmentId::new();
    proxy.blackhole();
    let mut writer = files.begin(id).await.unwrap();
    writer.push(bytes(10)).await.unwrap();
    assert!(matches!(writer.finish().await, Err(FilesError::Unavailable(_))));
    assert!(matches!(files.read(id, 0..5).await, Err(FilesError::Unavailable(_))));
    assert!(matches!(files.remove(id).await, Err(FilesError::Unavailable(_))));
    assert!(matches!(files.list().await.unwrap().next(1).await, Err(FilesError::Unavailable(_))));
    assert_eq!(files.errors(), [("write", 1), ("read", 1), ("list", 1), ("remove", 1)]);
    proxy.heal();
    eventually_async("it answers again", LIMIT, async || {
        // what was on its way may have come through meanwhile
        matches!(files.read(id, 0..5).await, Ok(_) | Err(FilesError::Missing(_)))
    })
    .await;
}
