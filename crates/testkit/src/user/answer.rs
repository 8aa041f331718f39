//! What a gateway answered, read off the wire.

use std::fmt;

use serde_json::Value;

/// An answer.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, when it is JSON; null otherwise.
    pub json: Value,
    /// Names as they came, and values.
    pub headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// The first header of this name, in whatever case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as it came, compressed or not.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Reads an answer to this method when all of it has come.
    pub(super) fn parse(method: &str, bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, rest) = (bytes.get(..end)?, bytes.get(end + 4..)?);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let fields = lines.filter_map(|line| line.split_once(':'));
        let headers: Vec<_> =
            fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        let chunked =
            find(&headers, "transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked"));
        let body = if method == "HEAD" {
            // the length is that of what GET would answer
            Vec::new()
        } else if chunked {
            join_chunks(rest)?
        } else {
            let length = find(&headers, "content-length").map_or(Some(0), |length| length.parse().ok())?;
            rest.get(..length)?.to_vec()
        };
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Some(Self { status, json, headers, body })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, json, headers, body } = self;
        write!(f, "{status} {headers:?} ")?;
        if json.is_null() { write!(f, "{}", String::from_utf8_lossy(body)) } else { write!(f, "{json}") }
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut same = headers.iter().filter(|(other, _value)| other.eq_ignore_ascii_case(name));
    same.next().map(|(_name, value)| value.as_str())
}

fn join_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..end)?).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = rest.get(end + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn an_answer_in_chunks_is_joined() {
        let wire =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n2;x=y\r\n1}\r\n0\r\n\r\n";
        let answer = Answer::parse("GET", wire).unwrap();
        assert_eq!((answer.status, &answer.json["a"]), (200, &serde_json::json!(1)));
    }

    #[test]
    fn an_answer_that_was_cut_short_is_none() {
        let wire = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nx-request-id:  seven \r\n\r\n{}";
        for length in 0..wire.len() {
            assert!(Answer::parse("GET", &wire[..length]).is_none(), "{length}");
        }
        let answer = Answer::parse("GET", wire).unwrap();
        assert_eq!(answer.header("X-Request-Id"), Some("seven"));
        assert_eq!(Answer::parse("HEAD", &wire[..wire.len() - 2]).unwrap().status, 201);
    }
}
