//! What is asked for.

use super::words;

/// Words that stand side by side in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The words, folded; at least one.
    pub words: Vec<String>,
    /// The last of them may be the beginning of a word.
    pub prefix: bool,
}

/// A search: all of its terms must stand in a message.
///
/// Words are separated by blanks. Quotes make a phrase, and so does what is written without a blank between its words
/// (`foo-bar`). The last word, unless it stands in quotes, is also found as the beginning of a word. Nothing else means
/// anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    terms: Vec<Term>,
}

/// Why a text is no search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// It has no character, or too many.
    #[error("must have 1 to {} characters", SearchQuery::MOST_CHARS)]
    Length,
    /// It has no word.
    #[error("must have a letter or a digit")]
    NoWord,
    /// It has too many words.
    #[error("must have at most {} words", SearchQuery::MOST_WORDS)]
    TooManyWords,
}

impl SearchQuery {
    /// Longest text, in characters (Unicode scalar values).
    pub const MOST_CHARS: usize = 200;
    /// Most words; a sign of Chinese or Japanese is one.
    pub const MOST_WORDS: usize = 32;

    /// Reads what was typed.
    ///
    /// # Errors
    /// It has no words, or is too long.
    pub fn parse(text: &str) -> Result<Self, BadQuery> {
        if text.is_empty() || text.chars().nth(Self::MOST_CHARS).is_some() {
            return Err(BadQuery::Length);
        }
        let mut terms = Vec::new();
        // a quote that is not closed goes to the end
        for (at, part) in text.split('"').enumerate() {
            let quoted = at % 2 == 1;
            let chunks: Vec<&str> = if quoted { vec![part] } else { part.split_whitespace().collect() };
            let phrases = chunks.into_iter().map(words).filter(|words| !words.is_empty());
            terms.extend(phrases.map(|words| Term { words, prefix: !quoted }));
        }
        if terms.is_empty() {
            return Err(BadQuery::NoWord);
        }
        if terms.iter().map(|term| term.words.len()).sum::<usize>() > Self::MOST_WORDS {
            return Err(BadQuery::TooManyWords);
        }
        let last = terms.len().saturating_sub(1);
        for term in terms.iter_mut().take(last) {
            term.prefix = false;
        }
        Ok(Self { terms })
    }

    /// What must stand in a message, all of it.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Vec<(String, bool)> {
        let query = SearchQuery::parse(text).unwrap();
        query.terms().iter().map(|term| (term.words.join(" "), term.prefix)).collect()
    }

    #[test]
    fn words_phrases_and_the_last_words_beginning_are_read() {
        for (text, expected) in [
            ("Hello wor", vec![("hello", false), ("wor", true)]),
            ("\"Hello World\" again", vec![("hello world", false), ("again", true)]),
            ("again \"Hello World\"", vec![("again", false), ("hello world", false)]),
            ("\"not closed", vec![("not closed", false)]),
            ("order-4711", vec![("order 4711", true)]),
            ("\"\" a & b | !c:* 'd'", vec![("a", false), ("b", false), ("c", false), ("d", true)]),
            ("東京", vec![("東 京", true)]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(words, prefix)| (words.to_owned(), prefix)).collect();
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_search_is_said() {
        assert_eq!(SearchQuery::parse(""), Err(BadQuery::Length));
        assert_eq!(SearchQuery::parse(&"ä".repeat(201)), Err(BadQuery::Length));
        assert!(SearchQuery::parse(&"ä".repeat(200)).is_ok());
        assert_eq!(SearchQuery::parse("?! \"\" *"), Err(BadQuery::NoWord));
        assert_eq!(SearchQuery::parse(&"a ".repeat(33)), Err(BadQuery::TooManyWords));
        assert!(SearchQuery::parse(&"a ".repeat(32)).is_ok());
    }

    proptest! {
        #[test]
        fn only_the_last_term_may_be_a_beginning(text in any::<String>()) {
            if let Ok(query) = SearchQuery::parse(&text) {
                let prefixes = query.terms().iter().rev().skip(1).filter(|term| term.prefix).count();
                prop_assert_eq!(prefixes, 0);
                prop_assert!(query.terms().iter().all(|term| !term.words.is_empty()));
            }
        }
    }
}
