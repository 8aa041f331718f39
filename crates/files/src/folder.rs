//! A folder: made once, marked, and never made again behind an operator's back.
//!
//! A network folder that is not mounted is an empty folder. Written to, it would swallow attachments that are gone when
//! the mount comes back. So the folder bears a mark, and without the mark it is taken for away.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use object_store::local::LocalFileSystem;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::error;

use crate::error::FilesError;

/// The file in a folder that says that it is the one.
pub const MARK: &str = "pollgate-attachments";
/// Looks for the mark at once. With so many of them hanging nothing more is begun.
const LOOKS: usize = 16;
/// Folders below the folder: two levels, as keys have them.
const DEPTH: usize = 2;

/// The folder and its mark.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    looks: Arc<Semaphore>,
}

impl Folder {
    /// Makes the folder unless it is there, marks it if that is allowed, and opens it.
    pub(crate) fn open(path: &Path, may_mark: bool) -> Result<(Self, LocalFileSystem), FilesError> {
        let failed = |error: &dyn std::fmt::Display| {
            FilesError::Unavailable(format!("the folder {}: {error}", path.display()))
        };
        fs::create_dir_all(path).map_err(|e| failed(&e))?;
        let mark = path.join(MARK);
        if !mark.exists() && !may_mark {
            error!(
                folder = %path.display(),
                "the database knows attachments, and the folder has no file {MARK}: is it mounted? If it is the right one, make that file"
            );
        } else if !mark.exists() {
            let mut file = fs::File::create(&mark).map_err(|e| failed(&e))?;
            file.write_all(
                b"Attachments of pollgate. Without this file the folder is taken for not mounted.\n",
            )
            .and_then(|()| file.sync_all())
            .map_err(|e| failed(&e))?;
        }
        // what was answered for must be there after the loss of power
        let store = LocalFileSystem::new_with_prefix(path).map_err(|e| failed(&e))?.with_fsync(true);
        Ok((Self { path: path.to_owned(), looks: Arc::new(Semaphore::new(LOOKS)) }, store))
    }

    /// The folder is there. Waits as long as the caller lets it.
    pub(crate) async fn is_there(&self) -> Result<(), FilesError> {
        let away = || FilesError::Unavailable(format!("the folder {} is not there", self.path.display()));
        let Ok(look) = self.looks.clone().acquire_owned().await else { return Err(away()) };
        let mark = self.path.join(MARK);
        let there = spawn_blocking(move || {
            // given back when the look is over, however long the caller waits
            let _look = look;
            mark.is_file()
        });
        if there.await.unwrap_or(false) { Ok(()) } else { Err(away()) }
    }

    /// Removes at most `limit` files that uploads left when their gateway was killed, and that nobody has written to
    /// for this long; how many it were.
    pub(crate) async fn remove_unfinished(&self, age: Duration, limit: usize) -> Result<usize, FilesError> {
        let path = self.path.clone();
        let walked = spawn_blocking(move || {
            let mut left = limit;
            let before = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
            walk(&path, DEPTH, before, &mut left).map(|()| limit - left)
        });
        match walked.await {
            Ok(Ok(removed)) => Ok(removed),
            Ok(Err(error)) => Err(FilesError::Unavailable(error.to_string())),
            Err(error) => Err(FilesError::Unavailable(error.to_string())),
        }
    }
}

fn walk(folder: &Path, depth: usize, before: SystemTime, left: &mut usize) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        if *left == 0 {
            return Ok(());
        }
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 {
            walk(&entry.path(), depth - 1, before, left)?;
        } else if kind.is_file() && depth == 0 && is_unfinished(&entry.file_name().to_string_lossy()) {
            // another gateway may have finished or removed it in the meantime
            let Ok(written) = entry.metadata().and_then(|meta| meta.modified()) else { continue };
            if written < before && fs::remove_file(entry.path()).is_ok() {
                *left -= 1;
            }
        }
    }
    Ok(())
}

/// The name of a file that is being written: `<id>#<number>`.
fn is_unfinished(name: &str) -> bool {
    let Some((id, number)) = name.split_once('#') else { return false };
    id.parse::<pollgate_model::AttachmentId>().is_ok()
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}
