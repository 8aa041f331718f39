//! Files as they come, and files that pretend.

use proptest::prelude::*;

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

#[test]
fn content_tells_what_a_file_is() {
    for (head, kind) in [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        (b"GIF89a\x01\0\x01\0\x80\0\0", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
        (b"%PDF-1.4\nplain", "application/pdf"),
        (b"PK\x03\x04\x14\0\0\0\x08\0", "application/zip"),
        (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"\0\0\0\x18ftypisom\0\0\x02\0", "video/mp4"),
        (b"hello, world", "text/plain"),
        ("grüße, мир".as_bytes(), "text/plain"),
        (b"#!/bin/sh\necho hi", "text/plain"),
        (b"\x01\x02\xff\xfe\0\0", "application/octet-stream"),
        (b"a\0b", "application/octet-stream"),
    ] {
        assert_eq!(media_type(head), kind, "{:?}", String::from_utf8_lossy(head));
    }
}

#[test]
fn a_film_is_known_by_its_container() {
    let mut film =
        b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
            .to_vec();
    film.resize(300, 0);
    assert_eq!(media_type(&film), "video/webm");
}

#[test]
fn words_that_look_like_signatures_are_words() {
    for text in [
        "GIFs are fun",
        "BMW and MZ",
        "BZh, said the cow",
        "GIF89a/*<script>alert(1)</script>*/=1;",
        "ID3 tags",
    ] {
        assert_eq!(media_type(text.as_bytes()), "text/plain", "{text}");
    }
}

#[test]
fn a_part_of_an_image_signature_is_no_image() {
    assert_eq!(media_type(b"GIF\x01\x02\0\0\0\0\0\0\0"), "application/octet-stream");
    assert_eq!(media_type(b"\x89PNG\0\0\0\0\0\0\0\0"), "application/octet-stream");
}

#[test]
fn markup_is_never_plain_text() {
    for (text, kind) in [
        ("<html><script>alert(1)</script>", "text/html"),
        ("\u{feff} \n<!-- hi -->\n<!-- ho --><HTML>", "text/html"),
        ("<!DOCTYPE html><p>", "text/html"),
        ("<script>alert(1)</script>", "text/html"),
        ("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        ("<?xml version='1.0'?>\n<!DOCTYPE svg>\n<SVG/>", "image/svg+xml"),
        ("<?xml version='1.0'?><a/>", "text/xml"),
    ] {
        assert_eq!(media_type(text.as_bytes()), kind, "{text}");
    }
}

proptest! {
    #[test]
    fn a_text_stays_one_however_it_is_cut(text in "\\PC{1,200}", at in 0_usize..400) {
        let bytes = text.as_bytes();
        let (one, other) = bytes.split_at(at.min(bytes.len()));
        let mut check = TextCheck::default();
        prop_assert!(check.goes_on(one) && check.goes_on(other) && check.ends_well());
    }

    #[test]
    fn no_content_makes_it_stumble(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let kind = media_type(&bytes);
        prop_assert!(kind == TEXT || kind == UNKNOWN || is_recognised(kind), "{kind}");
    }
}

#[test]
fn a_text_that_turns_into_something_else_is_noticed() {
    for rest in [&b"\0"[..], b"\xff", b"\xc3("] {
        let mut check = TextCheck::default();
        assert!(check.goes_on(b"plain so far") && !check.goes_on(rest), "{rest:?}");
    }
    let mut check = TextCheck::default();
    assert!(check.goes_on(b"cut \xc3") && !check.ends_well());
}

#[test]
fn names_lead_to_what_can_be_recognised() {
    for (alias, one) in NAMES {
        assert!(is_recognised(one), "{alias} leads to {one}");
        assert_eq!(canonical(one), one);
    }
}
