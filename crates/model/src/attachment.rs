//! Attachments: files that go with messages.

use serde::{Deserialize, Serialize};

use crate::AttachmentId;

/// A file, as the API shows it and as a message keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// Its name: 1 to 255 bytes, without folders and control characters.
    pub name: String,
    /// What its content is, as `type/subtype`.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}
