//! The pages as they stand in the repository: their links and headings, by the rules of the usual forges.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Where files of the repository are shown.
const FILES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");

/// What links and headings a page has.
#[derive(Debug, Default)]
pub struct Page {
    /// Where its links lead, as they are written.
    pub links: Vec<String>,
    /// The anchors of its headings.
    pub anchors: Vec<String>,
}

/// Reads a page.
#[must_use]
pub fn read(page: &str) -> Page {
    let mut found = Page::default();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                found.links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let anchor = slug(&heading.take().unwrap_or_default());
                let again = found.anchors.iter().filter(|known| **known == anchor).count();
                found.anchors.push(if again == 0 { anchor } else { format!("{anchor}-{again}") });
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

/// The words of a page that are written as code, outside of fences.
#[must_use]
pub fn codes(page: &str) -> Vec<String> {
    let events = Parser::new_ext(page, Options::ENABLE_TABLES);
    events
        .filter_map(|event| if let Event::Code(word) = event { Some(word.into_string()) } else { None })
        .collect()
}

/// A heading as the end of a link.
fn slug(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    heading.trim().chars().filter(kept).flat_map(char::to_lowercase).map(dash).collect()
}

fn dash(letter: char) -> char {
    if letter == ' ' { '-' } else { letter }
}

/// The same page with links that leave `docs/` leading to the repository.
#[must_use]
pub fn outside_links(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut done = 0;
    for (event, range) in Parser::new_ext(page, Options::ENABLE_TABLES).into_offset_iter() {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else { continue };
        let Some(path) = dest_url.strip_prefix("../") else { continue };
        let Some(link) = page.get(range.clone()) else { continue };
        // a link within a link's text does not exist: each begins after the last one's end
        text.push_str(page.get(done..range.start).unwrap_or_default());
        text.push_str(&link.replacen(&format!("]({dest_url}"), &format!("]({FILES}{path}"), 1));
        done = range.end;
    }
    text.push_str(page.get(done..).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_anchors_as_on_forges() {
        let page = read("# One path\n## `POST /v1/messages`\n## What's new?\n## One path\n### Ids: 1, 2\n");
        assert_eq!(page.anchors, ["one-path", "post-v1messages", "whats-new", "one-path-1", "ids-1-2"]);
    }

    #[test]
    fn links_out_of_the_docs_lead_to_the_repository() {
        let page = "See [a](../README.md#x), [b](api.md) and `[c](../no.md)`.\n\n| [d](../e.rs) |\n| --- |\n";
        let there = outside_links(page);
        assert_eq!(
            there,
            format!(
                "See [a]({FILES}README.md#x), [b](api.md) and `[c](../no.md)`.\n\n| [d]({FILES}e.rs) |\n| --- |\n"
            )
        );
        assert_eq!(read(page).links, ["../README.md#x", "api.md", "../e.rs"]);
    }
}
