//! The gateway is killed around an upload: what was answered is there, and what was not leaves nothing for good.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pollgate_testkit::{Backends, Builder, FORM, FormField, Gateway, eventually, form};
use serde_json::json;
use tempfile::TempDir;

use crate::world::{LIMIT, gateway, production};

fn with_folder(backends: Backends, folder: &TempDir) -> Builder {
    let url = format!("file://{}", folder.path().join("files").display());
    gateway(backends).env("POLLGATE_ATTACHMENTS__URL", &url)
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_in(&path)) } else { found.push(path) }
    }
    found.retain(|path| !path.ends_with("pollgate-attachments"));
    found
}

/// Right after the 201 of the upload the process is gone, and right after that of the message again.
fn killed_between_upload_and_send(backends: Backends) {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = with_folder(backends, &folder).start();
    for round in 0..3 {
        let content = format!("file {round}");
        let uploaded = gateway.user("ann").upload("notes.txt", "", content.as_bytes());
        gateway.kill();
        assert_eq!(uploaded.status, 201, "{uploaded:?}");
        gateway.start_again();
        let id = uploaded.json["id"].as_str().unwrap();
        let sent = gateway.user("ann").post("/v1/messages", &json!({"to": "bob", "attachments": [id]}));
        gateway.kill();
        assert_eq!(sent.status, 201, "{sent:?}");
        gateway.start_again();
        let bob = gateway.user("bob");
        assert_eq!(bob.get(&format!("/v1/attachments/{id}")).body(), content.as_bytes());
        let (mut cursor, mut came) = (String::new(), false);
        eventually("the message comes with its file", LIMIT, || {
            let answer = bob.poll(&format!("cursor={cursor}&wait=1"));
            assert_eq!(answer.status, 200, "{answer:?}");
            cursor = answer.json["cursor"].as_str().unwrap().to_owned();
            came |= answer.json["events"].as_array().unwrap().iter().any(|event| event["data"] == sent.json);
            came
        });
    }
}

#[test]
fn a_file_outlives_kills_between_upload_and_send_on_the_embedded_pair() {
    let folder = tempfile::tempdir().unwrap();
    killed_between_upload_and_send(Backends::Embedded(folder.path().to_owned()));
}

#[test]
fn a_file_outlives_kills_between_upload_and_send_on_the_production_pair() {
    let (_schema, backends) = production();
    killed_between_upload_and_send(backends);
}

/// Killed in the middle of uploads: what is left over goes away by itself.
fn killed_in_the_middle(backends: Backends) {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = with_folder(backends, &folder)
        .env("POLLGATE_ATTACHMENTS__UPLOAD_S", "2")
        .env("POLLGATE_ATTACHMENTS__ORPHAN_S", "3")
        .start();
    let place = folder.path().join("files");
    let content = vec![b'x'; 2_000_000];
    let stream = begin(&gateway, &content);
    eventually("it is being stored", LIMIT, || !files_in(&place).is_empty());
    gateway.kill();
    drop(stream);
    assert!(!files_in(&place).is_empty(), "a killed process cleans nothing up");
    gateway.start_again();
    eventually("what was left is gone", LIMIT, || files_in(&place).is_empty());
}

fn begin(gateway: &Gateway, content: &[u8]) -> std::net::TcpStream {
    let field = FormField { field: "file", file: Some("a.txt"), media_type: None, content };
    let body = form(&[field]);
    let ann = gateway.user("ann");
    let request = ann.bytes("POST", "/v1/attachments", &[("content-type", FORM)], &body);
    let stream = ann.begin(&request[..request.len() - 60]);
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

#[test]
fn an_upload_that_was_cut_off_goes_away_on_the_embedded_pair() {
    let folder = tempfile::tempdir().unwrap();
    killed_in_the_middle(Backends::Embedded(folder.path().to_owned()));
}

#[test]
fn an_upload_that_was_cut_off_goes_away_on_the_production_pair() {
    let (_schema, backends) = production();
    killed_in_the_middle(backends);
}
