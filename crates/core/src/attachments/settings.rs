//! What can be set about attachments.

use std::time::Duration;

/// Sizes, types, bounds and times of attachments.
#[derive(Clone, Debug)]
pub struct AttachmentSettings {
    /// Most bytes of one file.
    pub most_bytes: u64,
    /// Most files that go with one message.
    pub per_message: usize,
    /// What may be uploaded, as `type/subtype` in lower case. The content decides which one a file is.
    pub media_types: Vec<String>,
    /// Most uploads at once.
    pub uploads: usize,
    /// Most uploads of one user at once.
    pub uploads_per_user: usize,
    /// Most downloads at once.
    pub downloads: usize,
    /// Most downloads of one user at once.
    pub downloads_per_user: usize,
    /// How long an upload may take, from its first byte to the commit of its row.
    pub upload: Duration,
    /// How long a file is kept that no message holds. Longer than `upload`: bytes without a row are no upload in progress
    /// when they are as old as this.
    pub orphan: Duration,
}

impl Default for AttachmentSettings {
    fn default() -> Self {
        Self {
            most_bytes: 25 << 20,
            per_message: 16,
            media_types: ["image/png", "image/jpeg", "text/plain"].map(ToOwned::to_owned).to_vec(),
            uploads: 32,
            uploads_per_user: 4,
            downloads: 512,
            downloads_per_user: 32,
            upload: Duration::from_secs(600),
            orphan: Duration::from_secs(86_400),
        }
    }
}
