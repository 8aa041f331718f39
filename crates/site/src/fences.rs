//! What pages show as code, and what is said of it in the comment before: how the test is to take it.
//!
//! | comment before the fence | |
//! | --- | --- |
//! | `<!-- keeps running -->` | a program that runs until the end of the page, such as a gateway |
//! | `<!-- stops what runs -->` | however that is done elsewhere: here all that keeps running gets a SIGTERM |
//! | `<!-- prints -->` | what the commands before it print; `…` stands for anything |
//! | `<!-- stands in PATH -->` | an excerpt of that file, which is tested by itself |
//! | `<!-- run in a browser -->` | by `crates/web/test/browser/documentation.test.js` |
//! | `<!-- not run: REASON -->` | cannot be run where tests run; there is a list of good reasons |

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// One piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The line of the page it begins on.
    pub line: usize,
    /// Its language, as it stands behind the fence.
    pub language: String,
    /// The code.
    pub code: String,
    /// How it is to be taken.
    pub treatment: Treatment,
}

/// What becomes of it in the test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// What is usual for its language.
    Usual,
    /// Started, and stopped at the end of the page.
    KeepsRunning,
    /// Stands for the end of all that was started.
    Stops,
    /// Compared with what was printed last.
    Prints,
    /// Looked for in a file.
    StandsIn(String),
    /// Run by the browser tests.
    InBrowser,
    /// Left out, for this reason.
    NotRun(String),
}

/// The fences of a page, in its order.
#[must_use]
pub fn read(page: &str) -> Vec<Fence> {
    let mut found = Vec::new();
    let mut treatment = Treatment::Usual;
    let mut open: Option<Fence> = None;
    for (event, range) in Parser::new_ext(page, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Html(comment) => {
                if let Some(said) = treatment_of(&comment) {
                    treatment = said;
                }
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                let before = page.get(..range.start).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                let treatment = std::mem::replace(&mut treatment, Treatment::Usual);
                open = Some(Fence { line, language, code: String::new(), treatment });
            }
            Event::Text(text) => {
                if let Some(fence) = &mut open {
                    fence.code.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            // whatever stands between the comment and the fence takes its sense away
            Event::Start(Tag::Paragraph | Tag::Heading { .. }) => treatment = Treatment::Usual,
            _ => {}
        }
    }
    found
}

fn treatment_of(comment: &str) -> Option<Treatment> {
    let said = comment.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    Some(match said {
        "keeps running" => Treatment::KeepsRunning,
        "prints" => Treatment::Prints,
        "stops what runs" => Treatment::Stops,
        "run in a browser" => Treatment::InBrowser,
        said => match (said.strip_prefix("stands in "), said.strip_prefix("not run: ")) {
            (Some(path), _) => Treatment::StandsIn(path.trim().to_owned()),
            (_, Some(reason)) => Treatment::NotRun(reason.trim().to_owned()),
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_hold_for_the_fence_that_follows_and_no_other() {
        let page = "<!-- not run: needs Docker -->\n\n```sh\ndocker\n```\n\n```sh\na\nb\n```\n\n<!-- prints -->\n```text\nc\n```\n\n\
                    <!-- stands in a.py -->\n\ntext\n\n- ```python\n  d\n  ```\n";
        let fences = read(page);
        let seen: Vec<_> =
            fences.iter().map(|fence| (fence.line, fence.code.as_str(), fence.treatment.clone())).collect();
        assert_eq!(
            seen,
            [
                (3, "docker\n", Treatment::NotRun("needs Docker".to_owned())),
                (7, "a\nb\n", Treatment::Usual),
                (13, "c\n", Treatment::Prints),
                (21, "d\n", Treatment::Usual),
            ]
        );
    }
}
