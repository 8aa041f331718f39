//! Each check over its corpus, and over changes of it for a moment; fuzz/README.md says how to go on for longer.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use mutatis::check::Check;

use super::TARGETS;

/// So many changes of each corpus at least, and for so long.
const LEAST: usize = 2000;
const TIME: Duration = Duration::from_secs(1);
/// Longer changes of a corpus teach nothing new.
const LONGEST: usize = 16 << 10;

fn corpora() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"))
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(corpora().join(name)).unwrap();
    files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

fn how_long() -> Duration {
    let given = std::env::var("POLLGATE_TEST_FUZZ_SECONDS").ok().and_then(|given| given.parse().ok());
    given.map_or(TIME, Duration::from_secs)
}

fn try_target(name: &str) {
    let (_, check) = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    let seeds = corpus(name);
    assert!(seeds.len() >= 3, "{name}: {} seeds", seeds.len());
    for seed in &seeds {
        check(seed);
    }
    let found = Check::new().min_iters(LEAST).duration(how_long()).run_with(
        mutatis::mutators::default::<Vec<u8>>(),
        seeds,
        |bytes| {
            if bytes.len() <= LONGEST {
                check(bytes);
            }
            Ok::<(), String>(())
        },
    );
    if let Err(failure) = found {
        panic!("{name}: {failure:?}");
    }
}

#[rstest::rstest]
fn no_bytes_break_a_promise(
    #[values("cursor", "names", "event", "body", "query", "frame", "operation", "credential", "header")]
    target: &str,
) {
    try_target(target);
}

#[test]
fn every_target_has_a_corpus_and_a_fuzzer() {
    let mut names: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut folders: Vec<_> = fs::read_dir(corpora())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    folders.sort();
    assert_eq!(folders, names);
    let manifest = fs::read_to_string(corpora().join("../Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml has no {name}");
    }
}
