//! What stands in headers: credentials, ranges, keys, names of files, addresses of proxies.

use std::net::{IpAddr, Ipv4Addr};
use std::time::UNIX_EPOCH;

use actix_web::http::header::{EntityTag, HeaderValue, HttpDate, RANGE};
use actix_web::test::TestRequest;

use super::super::attachments::download::{Part, disposition, part};
use super::super::operator_door::{is_this_machine, password};
use super::super::{idempotency, poll};
use super::choice;
use crate::auth::credential as bearer;
use crate::settings::TrustedProxies;

/// A credential is a part of its header, and is never empty.
pub(super) fn credential(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let given = bearer(text);
    assert!(
        given.is_none_or(|given| !given.is_empty() && text.contains(given) && given.trim() == given),
        "{text:?}"
    );
    let given = password(text);
    // four letters of base64 are three bytes
    assert!(given.is_none_or(|given| given.len() < text.len()), "{text:?}");
    if is_this_machine(text) {
        let odd = |c: char| c.is_whitespace() || c == '/' || c == '@';
        assert!(!text.contains(odd), "{text:?}");
    }
}

/// Each header in turn, chosen by the first byte.
pub(super) fn header(data: &[u8]) {
    let Some((which, rest)) = choice(data, 5) else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match which {
        0 => range(text),
        1 => key(text),
        2 => file_name(text),
        3 => prefer(text),
        _ => forwarded(text),
    }
}

/// A part lies within the file.
fn range(text: &str) {
    let Ok(value) = HeaderValue::from_str(text) else { return };
    let request = TestRequest::default().insert_header((RANGE, value)).to_http_request();
    let tag = EntityTag::new_strong("tag".to_owned());
    for size in [0, 1, 10, u64::MAX] {
        if let Part::Of(from, to) = part(&request, &tag, HttpDate::from(UNIX_EPOCH), size) {
            assert!(from <= to && to < size, "{text:?}: {from}-{to} of {size}");
        }
    }
}

/// A key has its bounds, and written as a structured field it is the same key.
fn key(text: &str) {
    let Some(key) = idempotency::text(text) else { return };
    assert!(
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
        "{text:?}"
    );
    let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
    assert_eq!(idempotency::text(&quoted), Some(key));
}

/// Whatever a file is called, its name is one header with one name in quotes.
fn file_name(text: &str) {
    let header = disposition("attachment", text);
    assert!(HeaderValue::from_str(&header).is_ok(), "{header:?}");
    assert!(header.is_ascii() && !header.contains(['\r', '\n', '\0', '\\']), "{header:?}");
    assert_eq!(header.matches('"').count(), 2, "{header:?}");
    let rest = header.strip_prefix("attachment; filename=\"").and_then(|rest| rest.split_once('"'));
    assert!(
        rest.is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with("; filename*=UTF-8''")),
        "{header:?}"
    );
}

fn prefer(text: &str) {
    let Ok(value) = HeaderValue::from_str(text) else { return };
    let request = TestRequest::default().insert_header(("prefer", value)).to_http_request();
    let wait = poll::preferred_wait(request.headers());
    assert!(wait.is_none_or(|wait| wait.subsec_nanos() == 0));
}

/// Without trusted proxies nobody is believed; with them, somebody whom they name is the client.
fn forwarded(text: &str) {
    let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!(TrustedProxies::default().client_address(peer, Some(text)), peer);
    let Ok(proxies) = TrustedProxies::try_from(vec!["10.0.0.0/8".to_owned()]) else { return };
    let client = proxies.client_address(peer, Some(text));
    assert!(client == peer || text.split(',').count() > 0);
    assert_eq!(client, client.to_canonical());
}
