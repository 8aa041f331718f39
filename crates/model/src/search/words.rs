//! Words of a text, folded: without case, without accents, in one form of Unicode.
//!
//! Compatibility forms are one (NFKD: a ligature is its letters, a wide letter is the narrow one). Marks that only decorate
//! a letter are dropped: accents, Hebrew and Arabic vowel points. Marks that make another letter stay: vowel signs of the
//! Indic scripts, the voicing of Japanese syllables. Chinese and Japanese put no spaces between words, so each of their
//! signs is a word, and neighbouring ones are a phrase.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

/// Characters of a word that count; two words that differ only after them are the same.
const MOST_CHARS: usize = 64;
/// Words of a text that count, from its beginning. PostgreSQL knows 16,383 places in a text.
const MOST_WORDS: usize = 10_000;
/// Bytes of all words that count. PostgreSQL's index takes one MiB for a text, with everything around the words.
const MOST_BYTES: usize = 256 << 10;

/// The words of a text in their order, each folded, at most 64 characters of each; of a text with more than
/// 10,000 words, or more than 256 KiB of them, the first ones.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut word, mut chars, mut bytes) = (String::new(), 0_usize, 0_usize);
    let mut sign = false;
    let letters = text.nfkd().filter(|c| !decorates(*c)).flat_map(fold);
    // the blank ends the last word
    for c in letters.chain([' ']) {
        let mark = is_combining_mark(c);
        let part = mark || c.is_alphanumeric();
        // a sign is a word with nothing but the marks on it
        let begins = part && !mark && (sign || is_sign(c));
        if (!part || begins) && !word.is_empty() {
            bytes += word.len();
            if found.len() == MOST_WORDS || bytes > MOST_BYTES {
                return found;
            }
            found.push(std::mem::take(&mut word));
            chars = 0;
        }
        if part {
            sign = if word.is_empty() { is_sign(c) } else { sign };
            if chars < MOST_CHARS {
                word.push(c);
                chars += 1;
            }
        }
    }
    found
}

/// Without case. Two letters have a form that depends on their place, or none in capitals.
fn fold(c: char) -> impl Iterator<Item = char> {
    let mut twice = false;
    c.to_lowercase().flat_map(move |c| {
        let c = match c {
            'ς' => 'σ',
            'ß' => {
                twice = true;
                's'
            }
            other => other,
        };
        std::iter::repeat_n(c, if twice { 2 } else { 1 })
    })
}

/// A mark that leaves the letter what it is (Unicode's combining classes: overlays, Hebrew and Arabic points, and what
/// stands above or below).
fn decorates(c: char) -> bool {
    matches!(canonical_combining_class(c), 1 | 10..=36 | 200..)
}

/// Hiragana, katakana, and the Chinese signs.
const fn is_sign(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_forms_are_folded() {
        for (text, expected) in [
            ("Hello, World!", vec!["hello", "world"]),
            ("CRÈME brûlée", vec!["creme", "brulee"]),
            ("cre\u{300}me", vec!["creme"]),
            ("Straße STRASSE", vec!["strasse", "strasse"]),
            ("ΟΔΥΣΣΕΥΣ Οδυσσεύς", vec!["οδυσσευσ", "οδυσσευσ"]),
            ("İstanbul ISTANBUL", vec!["istanbul", "istanbul"]),
            ("ｗｉｄｅ ﬁne", vec!["wide", "fine"]),
            ("order-4711 v1.2 a_b", vec!["order", "4711", "v1", "2", "a", "b"]),
            ("it's", vec!["it", "s"]),
            ("東京へ行く ok", vec!["東", "京", "へ", "行", "く", "ok"]),
            ("が か ガ", vec!["か\u{3099}", "か", "カ\u{3099}"]),
            ("שָׁלוֹם שלום", vec!["שלום", "שלום"]),
            ("мир МИР", vec!["мир", "мир"]),
            ("😀 !?", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_ne!(words("कि"), words("की"), "vowel signs are letters");
    }

    #[test]
    fn long_words_and_texts_are_cut() {
        assert_eq!(words(&"x".repeat(100)), ["x".repeat(64)]);
        assert_eq!(words(&"a ".repeat(20_000)).len(), MOST_WORDS);
        assert_eq!(words(&"東".repeat(100)).len(), 100, "each sign is a word");
        let all: usize =
            words(&format!("{} ", "\u{fdfa}".repeat(50)).repeat(9_000)).iter().map(String::len).sum();
        assert!(all <= MOST_BYTES, "{all}");
    }

    proptest! {
        #[test]
        fn words_of_words_are_the_same_words(text in "\\PC{0,80}") {
            let once = words(&text);
            let again = words(&once.join(" "));
            prop_assert_eq!(once, again);
        }

        #[test]
        fn a_word_holds_nothing_that_a_database_would_read_as_syntax(text in any::<String>()) {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.chars().count() <= MOST_CHARS);
                prop_assert!(!word.chars().any(|c| c.is_ascii() && !c.is_ascii_lowercase() && !c.is_ascii_digit()));
            }
        }
    }
}
