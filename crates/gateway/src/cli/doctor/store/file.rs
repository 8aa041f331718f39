//! An SQLite file: whole, in the right mode, on a disk that keeps it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pollgate_store::StoreError;
use pollgate_store::probe::StoreProbe;

use super::unanswered;
use crate::cli::doctor::family::{apart, within};
use crate::cli::doctor::files::{LOOK, space};
use crate::cli::doctor::finding::Finding;
use crate::cli::doctor::system::filesystem;

/// Reading the whole file may take so long.
const READING: Duration = Duration::from_secs(60);

pub(super) async fn check(probe: &StoreProbe) -> Vec<Finding> {
    let facts = match probe.sqlite().await {
        Ok(Some(facts)) => facts,
        Ok(None) => return Vec::new(),
        Err(error) if tells_of_damage(&error) => return vec![damaged(&error.to_string())],
        Err(error) => return vec![unanswered("store.version", &error)],
    };
    let path = PathBuf::from(&facts.path);
    let mut findings = vec![
        Finding::ok(
            "store.version",
            format!("SQLite {}, which is compiled in; {} MiB", facts.version, facts.bytes >> 20),
        ),
        mode(&facts.journal_mode),
    ];
    findings.extend(place(&path).await);
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

/// Where the file is, or will be, and how much room there is.
pub(super) async fn place(path: &Path) -> Vec<Finding> {
    let path = path.to_owned();
    apart("store.place", LOOK, move || {
        let folder = path.ancestors().skip(1).find(|above| above.as_os_str().is_empty() || above.exists());
        let folder = folder.filter(|above| !above.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        vec![told_of_place(folder, filesystem::network(folder)), space("store.space", folder)]
    })
    .await
}

fn told_of_place(folder: &Path, found: io::Result<Option<&'static str>>) -> Finding {
    let id = "store.place";
    let shown = folder.display();
    match found {
        Ok(None) => Finding::ok(id, "the file is on a disk of this machine"),
        Ok(Some(kind)) => Finding::problem(id, format!("{shown} is on a network file system ({kind})"))
            .means("SQLite's locks and its write-ahead log do not work there: the file can be damaged")
            .change("a disk of this machine, or PostgreSQL"),
        Err(error) => Finding::note(id, format!("not known what {shown} is on: {error}")),
    }
}

/// SQLite's own words for a file that it cannot make sense of.
fn tells_of_damage(error: &StoreError) -> bool {
    let text = error.to_string();
    ["malformed", "not a database"].iter().any(|words| text.contains(words))
}

fn damaged(how: &str) -> Finding {
    Finding::problem("store.whole", format!("the file is damaged: {how}"))
        .means("messages may be lost, and writes may fail")
        .change("stop the gateway, keep a copy of the file with its -wal, and restore a backup")
}

async fn whole(probe: &StoreProbe) -> Vec<Finding> {
    let id = "store.whole";
    vec![match probe.quick_check(READING).await {
        Ok(wrong) if wrong.is_empty() => Finding::ok(id, "the file is whole"),
        Ok(wrong) => damaged(&wrong.join("; ")),
        Err(error) if tells_of_damage(&error) => damaged(&error.to_string()),
        Err(error) => Finding::note(id, format!("not looked over to the end: {error}")).means(
            "a large file takes longer than the doctor's patience; PRAGMA quick_check does the same by hand",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn a_file_of_another_machine_is_a_problem() {
        let level = |found| told_of_place(Path::new("/srv"), found).level;
        assert_eq!(level(Ok(None)), Level::Ok);
        assert_eq!(level(Ok(Some("NFS"))), Level::Problem);
        assert_eq!(level(Err(io::ErrorKind::NotFound.into())), Level::Note);
    }
}
