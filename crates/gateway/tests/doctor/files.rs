//! Folders that others write to, secrets that others read, a storage that does not keep.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pollgate_testkit::S3Server;

use crate::world::SetUp;

fn set_up() -> (SetUp, PathBuf) {
    let set_up = SetUp::embedded().only("files");
    let data = PathBuf::from(set_up.setting("DATA_DIR"));
    fs::create_dir_all(&data).unwrap();
    (set_up, data)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_secret_that_others_read_is_a_problem() {
    let (set_up, data) = set_up();
    let set_up = set_up.env("AUTH__JWT__HS256_SECRET", "");
    let key = data.join("secret.key");
    fs::write(&key, "x".repeat(43)).unwrap();
    mode(&key, 0o644);
    set_up.doctor().assert("files.secret", "problem", &["chmod 600", "644"]);
    mode(&key, 0o600);
    set_up.doctor().assert("files.secret", "ok", &[]);
}

#[test]
fn a_folder_that_others_write_to_or_that_is_a_file_is_told() {
    let (set_up, data) = set_up();
    mode(&data, 0o777);
    set_up.doctor().assert("files.data-dir", "warning", &["chmod go-w"]);
    fs::remove_dir(&data).unwrap();
    fs::write(&data, "a file").unwrap();
    set_up.doctor().assert("files.data-dir", "problem", &["cannot be written to"]);
}

#[test]
fn attachments_are_written_read_and_removed_and_no_folder_is_left() {
    let (set_up, data) = set_up();
    set_up.doctor().assert("files.attachments", "note", &["not there yet"]);
    assert!(!data.join("attachments").exists(), "it makes nothing");
    let folder = data.join("attachments");
    fs::create_dir(&folder).unwrap();
    set_up.doctor().assert("files.attachments", "note", &["pollgate-attachments"]);
    fs::write(folder.join("pollgate-attachments"), "").unwrap();
    set_up.doctor().assert("files.attachments", "ok", &["written, read and removed"]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "only the mark");
}

#[test]
fn a_bucket_is_tried_and_left_as_it_was() {
    let server = S3Server::start();
    let bucket = |name: &str| {
        SetUp::embedded()
            .only("files,clock")
            .env("ATTACHMENTS__URL", &format!("s3://{name}/chat"))
            .env("ATTACHMENTS__S3_ENDPOINT", &server.endpoint())
            .env("ATTACHMENTS__S3_ACCESS_KEY_ID", "key")
            .env("ATTACHMENTS__S3_SECRET_ACCESS_KEY", "geheim")
            .doctor()
    };
    let said = bucket(server.bucket());
    said.assert("files.attachments", "ok", &["written, read and removed"]);
    said.assert("clock.storage", "ok", &["apart"]);
    assert!(server.keys().is_empty(), "{:?}", server.keys());
    bucket("nowhere").assert("files.attachments", "problem", &["s3:PutObject"]);
}
