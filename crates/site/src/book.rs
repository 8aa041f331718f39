//! The site, by mdBook.

use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use mdbook_driver::errors::Result;
use mdbook_preprocessor::book::Book;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::forge;

/// Builds `docs/` of the repository into a folder, which is emptied first.
///
/// # Errors
/// A page cannot be read, or a page that `SUMMARY.md` names is not there.
pub fn build(repository: &Path, folder: &Path) -> Result<()> {
    let docs = repository.join("docs");
    let mut config = Config::from_disk(docs.join("book.toml"))?;
    // whatever the working directory is: mdBook takes a relative one for one below the book
    config.build.build_dir = std::path::absolute(folder)?;
    let mut book = MDBook::load_with_config(&docs, config)?;
    book.with_preprocessor(Outside);
    book.build()
}

/// The pages that `SUMMARY.md` names, by their paths in `docs/`.
///
/// # Errors
/// As [`build`].
pub fn pages(repository: &Path) -> Result<Vec<PathBuf>> {
    let book = MDBook::load(repository.join("docs"))?;
    Ok(book.book.chapters().filter_map(|chapter| chapter.source_path.clone()).collect())
}

/// What a page links outside of `docs/` is no page of the site: such links lead to the repository.
struct Outside;

impl Preprocessor for Outside {
    fn name(&self) -> &'static str {
        "outside"
    }

    fn run(&self, _context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        book.for_each_chapter_mut(|chapter| chapter.content = forge::outside_links(&chapter.content));
        Ok(book)
    }
}
