//! The documentation: built as a site, and looked through for what its pages show as code.
//!
//! The pages in `docs/` are read in two places: here as a site, and as they stand wherever the repository is hosted. Their
//! links work in both, which `tests/site` checks. What they show as code is run by `tests/commands`.

pub mod book;
pub mod fences;
pub mod forge;
pub mod markup;

use std::path::{Path, PathBuf};

/// The top of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
