//! What a file is, is told by its content.

use rstest::rstest;

use super::{PNG, files_in, folder, get, id};
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, world, world_with};

#[rstest]
fn the_content_decides_and_not_the_name(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    for (name, declared, content, kind, shown) in [
        ("page.html", "application/octet-stream", PNG, "image/png", "inline"),
        (
            "photo.gif",
            "image/gif",
            b"GIF89a\x01\0\x01\0\x80\0\0<script>alert(1)</script>",
            "image/gif",
            "inline",
        ),
        (
            "polyglot.gif",
            "",
            b"GIF89a/*<html><script>alert(1)</script>*/=1;",
            "text/plain; charset=utf-8",
            "attachment",
        ),
        ("notes.md", "text/markdown", b"# hi", "text/markdown; charset=utf-8", "attachment"),
        ("code.js", "text/javascript", b"alert(1)", "text/plain; charset=utf-8", "attachment"),
        ("a.pdf", "application/pdf", b"%PDF-1.7\n<script>", "application/pdf", "attachment"),
        (
            "a.zip",
            "application/x-zip-compressed",
            b"PK\x03\x04\x14\0\0\0\x08\0",
            "application/zip",
            "attachment",
        ),
    ] {
        let id = id(&ann.upload(name, declared, content));
        let answer = get(&ann, &id);
        assert_eq!(answer.header("content-type"), Some(kind), "{name}: {answer:?}");
        assert!(answer.header("content-disposition").unwrap().starts_with(shown), "{name}: {answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    }
}

#[rstest]
fn what_pretends_or_is_not_allowed_is_refused(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let mut turns = vec![b'x'; 100_000];
    turns.extend_from_slice(b"\0\xff");
    let late: &[u8] = &turns;
    for (declared, content, named) in [
        ("image/png", b"<html><script>alert(1)</script>".as_slice(), "text/html"),
        ("text/plain", b"<!-- x --> <SVG onload='alert(1)'/>", "image/svg+xml"),
        ("image/svg+xml", b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
        ("text/html", PNG, "image/png"),
        ("image/jpeg", PNG, "image/png"),
        ("application/pdf", b"no pdf", "text/plain"),
        ("", b"MZ\x90\0\x03\0\0\0", "application/"),
        ("", b"\x01\x02\0\xff", "application/octet-stream"),
        ("text/plain", late, "UTF-8"),
    ] {
        let refused = ann.upload("photo.png", declared, content);
        assert_problem(&refused, 415, "unsupported-media-type");
        assert!(refused.json["detail"].as_str().unwrap().contains(named), "{refused:?}");
    }
    assert!(files_in(&folder(&gateway)).is_empty());
}

/// Even when an operator lets them in.
#[test]
fn html_and_svg_are_never_shown() {
    let gateway = world_with(Embedded, |builder| {
        builder.env("POLLGATE_ATTACHMENTS__MEDIA_TYPES", r#"["text/html", "image/svg+xml"]"#)
    });
    let ann = gateway.user("ann");
    for (content, kind) in [(b"<html>".as_slice(), "text/html; charset=utf-8"), (b"<svg/>", "image/svg+xml")]
    {
        let answer = get(&ann, &id(&ann.upload("a", "", content)));
        assert_eq!(answer.header("content-type"), Some(kind));
        assert!(answer.header("content-disposition").unwrap().starts_with("attachment;"), "{answer:?}");
    }
    assert_problem(&ann.upload("a.png", "image/png", PNG), 415, "unsupported-media-type");
}
