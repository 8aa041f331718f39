//! Attachments: files that go up once, are named by messages, and are had by those who may read such a message.
//!
//! | module | holds |
//! | --- | --- |
//! | `settings` | sizes, types, bounds |
//! | `content`, `declared`, `name` | what a file is, and what it is called: plain rules |
//! | `places` | how many go up or down at once |
//! | `upload`, `download` | one way each |
//! | `sweep` | the end of what nobody uses |
//! | `figures` | what is counted |

mod content;
mod declared;
mod download;
mod figures;
mod name;
mod places;
mod settings;
mod sweep;
mod upload;

use std::collections::HashSet;
use std::sync::Arc;

use pollgate_files::Files;
use pollgate_model::NewMessage;

pub use download::{AttachmentBytes, FoundAttachment};
pub use figures::AttachmentFigures;
pub use settings::AttachmentSettings;
pub use upload::Upload;

pub(crate) use sweep::sweep;

use figures::Counters;
use places::Places;

use crate::CoreError;
use crate::figures::Limit;

/// What uploads and downloads share.
#[derive(Debug)]
pub(crate) struct Attachments {
    files: Files,
    settings: AttachmentSettings,
    uploads: Arc<Places>,
    downloads: Arc<Places>,
    counters: Counters,
}

impl Attachments {
    pub(crate) fn new(files: Files, settings: AttachmentSettings) -> Arc<Self> {
        let uploads = Places::new("uploads", settings.uploads, settings.uploads_per_user);
        let downloads = Places::new("downloads", settings.downloads, settings.downloads_per_user);
        Arc::new(Self { files, settings, uploads, downloads, counters: Counters::default() })
    }

    /// A message names a sane number of files, each once. Whether they are there the database says, in the message's own
    /// transaction.
    pub(crate) fn check(&self, new: &NewMessage) -> Result<(), CoreError> {
        let most = self.settings.per_message;
        if new.attachments.len() > most {
            return Err(CoreError::Invalid(format!("attachments: at most {most}")));
        }
        let different: HashSet<_> = new.attachments.iter().collect();
        if different.len() < new.attachments.len() {
            return Err(CoreError::Invalid("attachments: the same one twice".into()));
        }
        Ok(())
    }

    /// What is counted.
    pub(crate) fn figures(&self) -> AttachmentFigures {
        self.counters.read(self.files.errors())
    }

    /// The bounds.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        let bytes = Limit {
            name: "attachment_bytes",
            most: self.settings.most_bytes,
            used: None,
            refused: Some(self.counters.too_large()),
        };
        let [uploads, uploads_per_user] = self.uploads.limits("uploads", "uploads_per_user");
        let [downloads, downloads_per_user] = self.downloads.limits("downloads", "downloads_per_user");
        vec![bytes, uploads, uploads_per_user, downloads, downloads_per_user]
    }
}
