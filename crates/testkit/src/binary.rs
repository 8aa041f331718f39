//! The binaries of this workspace, as the test run has built them.

use std::path::PathBuf;

/// A binary such as `pollgate`, for tests of packages that are not its own.
///
/// # Panics
/// It is not there: `cargo nextest run --workspace` builds all of them.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    // target/<profile>/deps/<test>
    let built = test.ancestors().nth(2).expect("it stands in Cargo's folder").join(name);
    assert!(built.is_file(), "{} is not built: cargo build --workspace --all-targets", built.display());
    built
}

/// The example of this name.
///
/// # Panics
/// As [`binary`].
#[must_use]
pub fn example(name: &str) -> PathBuf {
    binary(&format!("examples/{name}"))
}
