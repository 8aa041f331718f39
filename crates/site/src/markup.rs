//! What a page of the site refers to: where its links lead, what it loads, and which anchors it has.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// References of one page.
#[derive(Debug, Default)]
pub struct References {
    /// Where its links lead.
    pub links: Vec<String>,
    /// What a browser loads with it: scripts, styles, pictures, fonts.
    pub assets: Vec<String>,
    /// What links may lead to within it.
    pub anchors: Vec<String>,
}

/// Reads a page.
#[must_use]
pub fn read(html: &str) -> References {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Collector::default(), TokenizerOpts::default());
    // it stops at the end of each script, for whoever would run that
    while !input.is_empty() {
        let _paused = tokenizer.feed(&input);
    }
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[derive(Default)]
struct Collector(RefCell<References>);

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::TagToken(tag) = token
            && tag.kind == TagKind::StartTag
        {
            self.take(&tag);
            // what stands in a script is no markup
            if &*tag.name == "script" {
                return TokenSinkResult::RawData(html5ever::tokenizer::states::RawKind::ScriptData);
            }
            if &*tag.name == "style" {
                return TokenSinkResult::RawData(html5ever::tokenizer::states::RawKind::Rawtext);
            }
        }
        TokenSinkResult::Continue
    }
}

impl Collector {
    fn take(&self, tag: &Tag) {
        let mut references = self.0.borrow_mut();
        for attribute in &tag.attrs {
            let value = attribute.value.to_string();
            match (&*tag.name, &*attribute.name.local) {
                ("a", "href") => references.links.push(value),
                ("link", "href") | (_, "src" | "srcset" | "poster") => references.assets.push(value),
                (_, "id") | ("a", "name") => references.anchors.push(value),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_no_markup_and_what_follows_them_is() {
        let page =
            r#"<link href="a.css"><script src="b.js">"<a href='no'>"</script><h1 id="x"><a href="c.html#d">"#;
        let found = read(page);
        assert_eq!(found.assets, ["a.css", "b.js"]);
        assert_eq!(found.links, ["c.html#d"]);
        assert_eq!(found.anchors, ["x"]);
    }
}
