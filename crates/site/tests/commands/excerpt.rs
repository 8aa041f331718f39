//! Code on a page that stands in a file: word for word, however it is indented there.

use std::fs;

use pollgate_site::fences::Fence;

/// The fence's lines follow each other in the file; a line with only `…` stands for any number of them.
pub(crate) fn stands_in(place: &str, fence: &Fence, path: &str) {
    let text = fs::read_to_string(pollgate_site::repository().join(path));
    let text = text.unwrap_or_else(|error| panic!("{place}: {path}: {error}"));
    let file = lines(&text);
    let mut from = 0;
    for piece in lines(&fence.code).split(|line| *line == "…") {
        let Some(at) = find(&file[from..], piece) else {
            panic!("{place}: this does not stand in {path}:\n{}", piece.join("\n"));
        };
        from += at + piece.len();
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn find(file: &[&str], piece: &[&str]) -> Option<usize> {
    if piece.is_empty() {
        return Some(0);
    }
    file.windows(piece.len()).position(|window| window == piece)
}
