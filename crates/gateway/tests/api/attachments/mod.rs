//! `/v1/attachments`: up, down, and along with messages.

mod bucket;
mod download;
mod messages;
mod orphans;
mod storage;
mod types;
mod upload;

pub(crate) use upload::hold_upload;

use std::fs;
use std::path::{Path, PathBuf};

use pollgate_testkit::{Answer, Gateway, User};
use serde_json::{Value, json};

/// The smallest image that browsers show.
pub(crate) const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\
    \nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

/// The id of an upload.
#[track_caller]
pub(crate) fn id(uploaded: &Answer) -> String {
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    uploaded.json["id"].as_str().unwrap().to_owned()
}

pub(crate) fn get(user: &User, id: &str) -> Answer {
    user.get(&format!("/v1/attachments/{id}"))
}

/// Sends files without a text.
pub(crate) fn send_files(user: &User, to: &str, ids: &[&str]) -> Answer {
    user.post("/v1/messages", &json!({"to": to, "attachments": ids}))
}

/// The folder in which a gateway keeps its files, unless it was told another one.
pub(crate) fn folder(gateway: &Gateway) -> PathBuf {
    Path::new(&gateway.environment()["POLLGATE_DATA_DIR"]).join("attachments")
}

/// All files below a folder but for its mark.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else if !path.ends_with("pollgate-attachments") {
            found.push(path);
        }
    }
    found
}

/// What a message says of its files.
pub(crate) fn files(message: &Value) -> Vec<Value> {
    message["files"].as_array().cloned().unwrap_or_default()
}
