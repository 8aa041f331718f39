//! The bytes of attachments: in a folder, or in an S3 bucket. Who may have them is not known here.
//!
//! A key is made from the attachment's id alone, never from what a user typed. Bytes are under their key when all of them
//! are there, and not before. Everything asked of the storage has a time-out.
//!
//! | module | holds |
//! | --- | --- |
//! | `settings`, `error` | what callers see |
//! | `open` | the handle |
//! | `folder`, `bucket` | the two kinds of place |
//! | `apart` | the runtime in which the storage is waited for |
//! | `key` | names in the storage |
//! | `write`, `read`, `list` | one operation each |

mod apart;
mod bucket;
mod error;
mod folder;
mod key;
mod list;
mod open;
mod read;
mod settings;
mod write;

pub use error::FilesError;
pub use folder::MARK;
pub use key::key_of;
pub use list::{Leftovers, Stored};
pub use open::{Files, Operation};
pub use read::ByteStream;
pub use settings::{BucketSettings, FilesSettings, Place};
pub use write::Writer;
