//! What the storage needs to know.

use std::path::PathBuf;
use std::time::Duration;

/// Where the bytes are.
#[derive(Clone, Debug)]
pub enum Place {
    /// A folder of this machine, or one that several machines mount.
    Folder(PathBuf),
    /// A bucket of Amazon S3, or of a server that speaks the same protocol.
    Bucket(BucketSettings),
}

/// A bucket, and how it is reached.
#[derive(Clone)]
pub struct BucketSettings {
    /// Its name.
    pub bucket: String,
    /// What all keys begin with; empty: nothing.
    pub prefix: String,
    /// The server; empty: Amazon's for the region. `http://…` is spoken to in the clear.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The access key's id; empty: credentials are found as Amazon's own programs find them.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: String,
    /// The bucket's name stands in the host name instead of the path.
    pub virtual_host: bool,
}

impl std::fmt::Debug for BucketSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketSettings")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// The storage and its bounds.
#[derive(Clone, Debug)]
pub struct FilesSettings {
    /// Where the bytes are.
    pub place: Place,
    /// A folder without the mark is marked. Otherwise it is taken for one that is not mounted: whoever knows of files that
    /// should be there must not write beside them.
    pub may_mark: bool,
    /// How long one question to the storage may take.
    pub timeout: Duration,
}
