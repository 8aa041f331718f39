//! Folders and files on this machine, and the storage of attachments.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::TryStreamExt as _;
use pollgate_files::{Files, FilesError, Place};
use pollgate_model::AttachmentId;

use super::family::{apart, within};
use super::finding::Finding;
use super::system::filesystem;
use crate::settings::{Settings, ms};

/// A disk with less is full soon.
const LITTLE_BYTES: u64 = 1 << 30;
const NOTHING_BYTES: u64 = 64 << 20;

pub(super) async fn run(settings: &Settings) -> Vec<Finding> {
    let looking = settings.clone();
    let mut findings = apart("files.data-dir", LOOK, move || folders(&looking)).await;
    let limit = ms(settings.attachments.timeout_ms).saturating_mul(5);
    findings.extend(within("files.attachments", limit, attachments(settings)).await);
    findings
}

fn folders(settings: &Settings) -> Vec<Finding> {
    let mut findings = if needs_data_dir(settings) { data_dir(settings) } else { Vec::new() };
    findings.push(secret_file(settings));
    findings
}

fn needs_data_dir(settings: &Settings) -> bool {
    let jwt = &settings.auth.jwt;
    settings.store_is_embedded()
        || settings.attachments.is_embedded()
        || (jwt.public_key_file.is_empty() && jwt.hs256_secret.expose().is_empty())
}

fn data_dir(settings: &Settings) -> Vec<Finding> {
    let id = "files.data-dir";
    let folder = &settings.data_dir;
    let shown = folder.display();
    let meta = match fs::metadata(folder) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return vec![to_be_made(folder)],
        Err(error) => {
            return vec![
                Finding::problem(id, format!("data_dir {shown}: {error}"))
                    .means("no gateway starts: database, secret or attachments are to be there")
                    .change("a folder that whoever runs pollgate may write to"),
            ];
        }
    };
    let mut findings = Vec::new();
    if !meta.is_dir() || !may_write(folder) {
        findings.push(
            Finding::problem(id, format!("data_dir {shown} cannot be written to by user {}", user()))
                .means("no gateway starts: database, secret or attachments are to be there")
                .change("give the folder to whoever runs pollgate, and run the doctor as that user"),
        );
    } else if meta.mode() & 0o022 != 0 {
        findings.push(
            Finding::warning(
                id,
                format!("data_dir {shown} can be written to by others (mode {:o})", meta.mode() & 0o777),
            )
            .means("others on this machine can put a secret or a database of theirs there")
            .change(format!("chmod go-w {shown}")),
        );
    } else {
        findings.push(Finding::ok(id, format!("data_dir {shown} is there, and only its owner writes to it")));
    }
    findings.push(space("files.space", folder));
    findings
}

fn to_be_made(folder: &Path) -> Finding {
    let id = "files.data-dir";
    let above = folder.ancestors().skip(1).find(|above| above.as_os_str().is_empty() || above.exists());
    let above = above.filter(|above| !above.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if may_write(above) {
        return Finding::note(id, format!("data_dir {} is not there yet", folder.display()))
            .means("the first start makes it; a folder that should be mounted there is not");
    }
    Finding::problem(
        id,
        format!("data_dir {} is not there and cannot be made by user {}", folder.display(), user()),
    )
    .means("no gateway starts: database, secret or attachments are to be there")
    .change("make the folder and give it to whoever runs pollgate")
}

/// Room on the disk that holds `path`.
pub(super) fn space(id: &'static str, path: &Path) -> Finding {
    let Ok((free, _)) = filesystem::space(path) else {
        return Finding::note(id, format!("the room on the disk of {} is not known", path.display()));
    };
    let seen = format!("{} MiB are free where {} is", free >> 20, path.display());
    if free < NOTHING_BYTES {
        return Finding::problem(id, seen)
            .means("writes fail, and sends are refused, when the disk is full")
            .change("make room, or move it to a larger disk");
    }
    if free < LITTLE_BYTES {
        return Finding::warning(id, seen)
            .means("writes fail, and sends are refused, when the disk is full")
            .change("make room, or let retention.days remove old messages");
    }
    Finding::ok(id, seen)
}

fn secret_file(settings: &Settings) -> Finding {
    let id = "files.secret";
    let path = settings.data_dir.join("secret.key");
    let jwt = &settings.auth.jwt;
    let used = jwt.public_key_file.is_empty() && jwt.hs256_secret.expose().is_empty();
    let meta = match fs::metadata(&path) {
        Ok(meta) => meta,
        Err(_) if !used => return Finding::ok(id, "no secret in a file"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::ok(id, "the first start makes a secret that only its owner reads");
        }
        Err(error) => {
            return Finding::problem(id, format!("{}: {error}", path.display()))
                .means("no gateway starts without its secret")
                .change("let whoever runs pollgate read it");
        }
    };
    if meta.permissions().mode() & 0o077 != 0 {
        return Finding::problem(id, format!("{} is open to others (mode {:o})", path.display(), meta.mode() & 0o777))
            .means("who reads it signs tokens for everybody")
            .change(format!("chmod 600 {0}; if others may have read it, remove it: the next start makes a new one, and all tokens end", path.display()));
    }
    if used && let Err(error) = fs::File::open(&path) {
        return Finding::problem(id, format!("{}: {error}", path.display()))
            .means("no gateway starts without its secret")
            .change("give it to whoever runs pollgate");
    }
    Finding::ok(id, format!("only its owner reads {}", path.display()))
}

async fn attachments(settings: &Settings) -> Vec<Finding> {
    let id = "files.attachments";
    // a folder that bears no mark gets none from a visitor
    let place = settings.attachments.files(&settings.data_dir, false);
    if let Place::Folder(folder) = place.place.clone() {
        let unusable = apart(id, LOOK, move || not_there(&folder)).await;
        if !unusable.is_empty() {
            return unusable;
        }
    }
    let begun = Instant::now();
    vec![match there_and_back(&place).await {
        Ok(()) => Finding::ok(id, format!("written, read and removed in {:.0?}", begun.elapsed())),
        Err(error) => Finding::problem(id, error.to_string())
            .means("uploads and downloads are answered 503; messages without files go on")
            .change(
                "is the folder mounted, or the bucket there? The key needs s3:PutObject, s3:GetObject, \
                 s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket",
            ),
    }]
}

/// Why nothing is tried in a folder.
fn not_there(folder: &Path) -> Vec<Finding> {
    if !folder.exists() {
        return vec![no_folder(folder)];
    }
    if folder.join(pollgate_files::MARK).exists() { Vec::new() } else { vec![unmarked(folder)] }
}

fn no_folder(folder: &Path) -> Finding {
    Finding::note("files.attachments", format!("{} is not there yet", folder.display()))
        .means("the first start makes it; a folder that should be mounted there is not")
}

fn unmarked(folder: &Path) -> Finding {
    let id = "files.attachments";
    if !may_write(folder) {
        return Finding::problem(id, format!("{} cannot be written to by user {}", folder.display(), user()))
            .means("uploads are answered 503")
            .change("give the folder to whoever runs pollgate");
    }
    Finding::note(id, format!("{} has no file {} yet", folder.display(), pollgate_files::MARK))
        .means("a gateway marks it when it starts, unless the database knows attachments: then it takes the folder for \
                not mounted, and uploads and downloads are 503")
}

/// Writes some bytes under an id of their own, reads them, and removes them.
async fn there_and_back(place: &pollgate_files::FilesSettings) -> Result<(), FilesError> {
    const BYTES: &[u8] = b"pollgate doctor";
    let files = Files::open(place).await?;
    let id = AttachmentId::new();
    let folders = new_folders(place, id);
    let mut to = files.begin(id).await?;
    to.push(Bytes::from_static(BYTES)).await?;
    to.finish().await?;
    let read = async {
        let stream = files.read(id, 0..BYTES.len() as u64).await?;
        let parts: Vec<Bytes> = stream.try_collect().await?;
        if parts.concat() == BYTES { Ok(()) } else { Err(FilesError::Missing("what was written".into())) }
    };
    let read = read.await;
    let removed = files.remove(id).await;
    for folder in folders {
        // only an empty one goes
        drop(fs::remove_dir(folder));
    }
    read.and(removed)
}

/// Folders that the bytes of this id need and that are not there yet, innermost first.
fn new_folders(place: &pollgate_files::FilesSettings, id: AttachmentId) -> Vec<PathBuf> {
    let Place::Folder(root) = &place.place else { return Vec::new() };
    let file = root.join(pollgate_files::key_of(id));
    let between = file.ancestors().skip(1).take_while(|folder| folder != root);
    between.filter(|folder| !folder.exists()).map(Path::to_owned).collect()
}

fn may_write(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

fn user() -> u32 {
    fs::metadata("/proc/self").map_or(0, |meta| meta.uid())
}

/// How long looking at a file may take before it is taken for hanging.
pub(super) const LOOK: Duration = Duration::from_secs(5);
