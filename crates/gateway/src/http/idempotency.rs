//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): read, and tied to its caller and endpoint.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use pollgate_core::{Digest, RequestKey};
use sha2::{Digest as _, Sha256};

use super::problem::Problem;
use crate::auth::Caller;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
/// Most bytes of a key.
const MOST: usize = 255;

/// The request's key, if it brings one. The same key of another caller, or for another endpoint, is another key.
pub(crate) fn key(
    request: &HttpRequest,
    caller: &Caller,
    endpoint: &str,
    body: &[u8],
) -> Result<Option<RequestKey>, Problem> {
    let mut given = request.headers().get_all(NAME);
    let (first, second) = (given.next(), given.next());
    let Some(value) = first else { return Ok(None) };
    if second.is_some() {
        return Err(Problem::invalid("Idempotency-Key: given more than once"));
    }
    let text = value.to_str().ok().and_then(text);
    let Some(text) = text else {
        return Err(Problem::invalid(format!(
            "Idempotency-Key: a text in quotes, such as \"8e03978e-40d5-43dd-bc93-6894a57f9324\", of 1 to {MOST} bytes"
        )));
    };
    let id = digest(&[caller.user.as_str().as_bytes(), endpoint.as_bytes(), text.as_bytes()]);
    // the body as it came: a client that tries again sends the same bytes
    Ok(Some(RequestKey { id, fingerprint: digest(&[body]) }))
}

/// The key in a field's value: a string of structured fields (RFC 9651, 3.3.3), or the same without quotes.
pub(super) fn text(value: &str) -> Option<String> {
    let value = value.trim_matches(' ');
    let text = match value.strip_prefix('"') {
        Some(quoted) => unquoted(quoted.strip_suffix('"')?)?,
        // what would mean something else in a structured field is no key that somebody forgot to quote
        None if value.contains([' ', '"', '\\', ',', ';']) => return None,
        None => value.to_owned(),
    };
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (printable && (1..=MOST).contains(&text.len())).then_some(text)
}

fn unquoted(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        text.push(match char {
            '"' => return None,
            '\\' => chars.next().filter(|escaped| matches!(escaped, '"' | '\\'))?,
            other => other,
        });
    }
    Some(text)
}

/// SHA-256 over the parts, each with its length, so that no two lists of parts run together.
fn digest(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_quotes_and_without() {
        for (value, key) in [
            ("\"8e03978e-40d5\"", "8e03978e-40d5"),
            ("8e03978e-40d5", "8e03978e-40d5"),
            ("  \"a\"  ", "a"),
            (r#""a \"b\" \\ c, d; e""#, r#"a "b" \ c, d; e"#),
            ("\" \"", " "),
        ] {
            assert_eq!(text(value).as_deref(), Some(key), "{value}");
        }
        assert!(text(&"x".repeat(255)).is_some());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for value in [
            "",
            "\"\"",
            "\"",
            "\"a",
            "a\"",
            r#""a"b""#,
            r#""a\n""#,
            r#""a\""#,
            "a b",
            "a,b",
            "\"a\";p=1",
            "ä",
        ] {
            assert_eq!(text(value), None, "{value}");
        }
        assert_eq!(text(&"x".repeat(256)), None);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab"]), digest(&[b"ab"]));
    }
}
