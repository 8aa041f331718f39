//! An SQLite file: whole, in the right mode, on a disk that keeps it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pollgate_store::probe::StoreProbe;

use super::unanswered;
use crate::cli::doctor::family::within;
use crate::cli::doctor::files::{LOOK, space};
use crate::cli::doctor::finding::Finding;
use crate::cli::doctor::system::filesystem;

/// Reading the whole file may take so long.
const READING: Duration = Duration::from_secs(60);

pub(super) async fn check(probe: &StoreProbe) -> Vec<Finding> {
    let facts = match probe.sqlite().await {
        Ok(Some(facts)) => facts,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![unanswered("store.version", &error)],
    };
    let path = PathBuf::from(&facts.path);
    let mut findings = vec![
        Finding::ok(
            "store.version",
            format!("SQLite {}, which is compiled in; {} MiB", facts.version, facts.bytes >> 20),
        ),
        mode(&facts.journal_mode),
        place(&path).await,
        space("store.space", &path),
    ];
    findings.extend(within("store.whole", READING + LOOK, whole(probe)).await);
    findings
}

fn mode(mode: &str) -> Finding {
    let id = "store.journal";
    if mode == "wal" {
        return Finding::ok(id, "the file is kept with a write-ahead log");
    }
    Finding::note(id, format!("the file's journal is {mode:?}"))
        .means("a gateway sets it to write-ahead when it starts; where it cannot, readers and writers wait for each other")
}

/// Where the file is, or will be.
pub(super) async fn place(path: &Path) -> Finding {
    let id = "store.place";
    let folder = path.ancestors().skip(1).find(|above| above.as_os_str().is_empty() || above.exists());
    let folder = folder.filter(|above| !above.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let asked = folder.to_owned();
    let asked = tokio::task::spawn_blocking(move || filesystem::network(&asked));
    match tokio::time::timeout(LOOK, asked).await {
        Ok(Ok(Ok(None))) => Finding::ok(id, "the file is on a disk of this machine"),
        Ok(Ok(Ok(Some(kind)))) => {
            Finding::problem(id, format!("{} is on a network file system ({kind})", folder.display()))
                .means("SQLite's locks and its write-ahead log do not work there: the file can be damaged")
                .change("a disk of this machine, or PostgreSQL")
        }
        Ok(Ok(Err(error))) => Finding::note(id, format!("not known where {} is: {error}", folder.display())),
        Ok(Err(_)) | Err(_) => Finding::problem(id, format!("{} does not answer", folder.display()))
            .means("a disk or a network folder hangs")
            .change("look at the mount"),
    }
}

async fn whole(probe: &StoreProbe) -> Vec<Finding> {
    let id = "store.whole";
    vec![match probe.quick_check(READING).await {
        Ok(wrong) if wrong.is_empty() => Finding::ok(id, "the file is whole"),
        Ok(wrong) => Finding::problem(id, format!("the file is damaged: {}", wrong.join("; ")))
            .means("messages may be lost, and writes may fail")
            .change("stop the gateway, keep a copy of the file with its -wal, and restore a backup"),
        Err(error) => Finding::note(id, format!("not looked over to the end: {error}")).means(
            "a large file takes longer than the doctor's patience; PRAGMA quick_check does the same by hand",
        ),
    }]
}
