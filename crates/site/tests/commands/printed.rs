//! What a page says that commands print, against what they printed.

use pollgate_site::fences::Fence;

/// `…` on the page stands for anything.
pub(crate) fn compare(place: &str, fence: &Fence, printed: &str) {
    // the page may break JSON into lines for its readers
    let shape = |text: &str| -> String {
        if fence.language == "json" {
            text.chars().filter(|letter| !letter.is_whitespace()).collect()
        } else {
            text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
        }
    };
    let (expected, came) = (shape(&fence.code), shape(printed));
    assert!(fits(&expected, &came), "{place}: expected\n{expected}\ncame\n{came}");
}

fn fits(expected: &str, came: &str) -> bool {
    let mut pieces = expected.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| came.strip_prefix(first)) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            let Some(at) = rest.find(before) else { return false };
            rest = &rest[at + str::len(before)..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    assert!(fits("a…c", "abc"));
    assert!(fits("a…c…", "a1c2"));
    assert!(fits("…", ""));
    assert!(!fits("a…c", "abd"));
    assert!(!fits("ab", "abc"));
    assert!(!fits("b…", "ab"));
}
