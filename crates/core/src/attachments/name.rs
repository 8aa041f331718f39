//! What a file is called: text for people, never a path.

/// Most bytes of a name.
const MOST_BYTES: usize = 255;
/// Most bytes of an ending that is kept when a name is cut.
const ENDING: usize = 16;

/// A name as it may be shown and offered for saving: the last part of a path, without control characters and without
/// those that turn the direction of writing, which make `exe.pdf` of `fdp.exe`.
pub(crate) fn clean(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = |c: &char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let name: String = last.chars().filter(shown).collect();
    let name = name.trim();
    if name.chars().all(|c| c == '.') {
        return "file".into();
    }
    if name.len() <= MOST_BYTES {
        return name.into();
    }
    let ending = name.rfind('.').and_then(|at| name.get(at..)).filter(|ending| ending.len() <= ENDING);
    let ending = ending.unwrap_or_default();
    let mut end = MOST_BYTES - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", name.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_the_last_part_of_a_path() {
        for (given, name) in [
            ("photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ann\\photo.png", "photo.png"),
            (" a\r\nb\0.txt ", "ab.txt"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("", "file"),
            ("..", "file"),
            ("a/", "file"),
            ("grüße.pdf", "grüße.pdf"),
        ] {
            assert_eq!(clean(given), name, "{given:?}");
        }
        assert_eq!(clean(&format!("{}.png", "ä".repeat(200))), format!("{}.png", "ä".repeat(125)));
    }

    proptest! {
        #[test]
        fn a_name_is_never_too_long_nor_empty(given in any::<String>(), times in 1_usize..60) {
            let name = clean(&given.repeat(times));
            prop_assert!((1..=MOST_BYTES).contains(&name.len()));
            prop_assert!(!name.contains(['/', '\\', '\0', '\r', '\n']));
        }
    }
}
