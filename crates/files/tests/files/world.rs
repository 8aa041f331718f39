//! A place of a test's own.

use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use pollgate_files::{BucketSettings, Files, FilesSettings, Place};
use pollgate_model::AttachmentId;
use pollgate_testkit::S3Server;
use tempfile::TempDir;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Folder,
    Bucket,
}

pub(crate) struct World {
    pub(crate) files: Files,
    pub(crate) folder: TempDir,
    pub(crate) server: Option<S3Server>,
}

pub(crate) fn bucket(endpoint: &str, bucket: &str, timeout: Duration) -> FilesSettings {
    let settings = BucketSettings {
        bucket: bucket.into(),
        prefix: "a/b".into(),
        endpoint: endpoint.into(),
        region: "us-east-1".into(),
        access_key_id: "key".into(),
        secret_access_key: "secret".into(),
        virtual_host: false,
    };
    FilesSettings { place: Place::Bucket(settings), may_mark: true, timeout }
}

impl World {
    pub(crate) async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let timeout = Duration::from_secs(10);
        let (settings, server) = match kind {
            Kind::Folder => (
                FilesSettings { place: Place::Folder(folder.path().join("files")), may_mark: true, timeout },
                None,
            ),
            Kind::Bucket => {
                let server = S3Server::start();
                (bucket(&server.endpoint(), server.bucket(), timeout), Some(server))
            }
        };
        Self { files: Files::open(&settings).await.unwrap(), folder, server }
    }

    /// Writes bytes in pieces of this size.
    pub(crate) async fn write(&self, bytes: &Bytes, piece: usize) -> AttachmentId {
        let id = AttachmentId::new();
        let mut writer = self.files.begin(id).await.unwrap();
        for start in (0..bytes.len()).step_by(piece) {
            writer.push(bytes.slice(start..bytes.len().min(start + piece))).await.unwrap();
        }
        writer.finish().await.unwrap();
        id
    }

    pub(crate) async fn read(&self, id: AttachmentId, range: std::ops::Range<u64>) -> Vec<u8> {
        let pieces: Vec<Bytes> = self.files.read(id, range).await.unwrap().try_collect().await.unwrap();
        pieces.concat()
    }

    /// The ids of all that is there.
    pub(crate) async fn ids(&self) -> Vec<AttachmentId> {
        let (mut listing, mut ids) = (self.files.list().await.unwrap(), Vec::new());
        loop {
            let page = listing.next(2).await.unwrap();
            if page.is_empty() {
                ids.sort();
                return ids;
            }
            assert!(page.len() <= 2, "{page:?}");
            ids.extend(page.iter().map(|stored| stored.id));
        }
    }
}

pub(crate) fn bytes(length: usize) -> Bytes {
    (0..length).map(|n| b"abcdefgh\n"[n % 9]).collect()
}
