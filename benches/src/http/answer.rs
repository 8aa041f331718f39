//! Reading an HTTP/1.1 answer out of a buffer that may end anywhere.

const MOST_HEADERS: usize = 48;
const MOST_HEAD_BYTES: usize = 16 * 1024;
const MOST_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Where an answer stands in its buffer, once all of it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The status code.
    pub(crate) status: u16,
    /// Where the body begins.
    pub(crate) body_at: usize,
    /// Where the answer ends.
    pub(crate) end: usize,
    /// The gateway closes the connection after it.
    pub(crate) closes: bool,
}

/// The bytes are no answer that this client understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAnswer {
    /// Not HTTP.
    #[error("not an HTTP answer")]
    Malformed,
    /// Neither a length nor a status that has no body.
    #[error("an answer without Content-Length")]
    NoLength,
    /// More than any answer of the gateway may have.
    #[error("an answer that is too large")]
    TooLarge,
}

/// Looks for a whole answer at the start of `buffer`; `None` when more bytes are needed.
pub(crate) fn layout(buffer: &[u8]) -> Result<Option<Layout>, BadAnswer> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let body_at = match head.parse(buffer) {
        Ok(httparse::Status::Complete(body_at)) => body_at,
        Ok(httparse::Status::Partial) if buffer.len() > MOST_HEAD_BYTES => return Err(BadAnswer::TooLarge),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_malformed) => return Err(BadAnswer::Malformed),
    };
    let status = head.code.ok_or(BadAnswer::Malformed)?;
    let mut length = matches!(status, 100..=199 | 204 | 304).then_some(0);
    let mut closes = false;
    for header in head.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") && length.is_none() {
            length = Some(number(header.value).ok_or(BadAnswer::Malformed)?);
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let length = length.ok_or(BadAnswer::NoLength)?;
    if length > MOST_BODY_BYTES {
        return Err(BadAnswer::TooLarge);
    }
    let end = body_at + length;
    Ok((buffer.len() >= end).then_some(Layout { status, body_at, end, closes }))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\nhello world";

    #[test]
    fn an_answer_may_be_split_at_any_byte() {
        for split in 0..ANSWER.len() {
            assert_eq!(layout(&ANSWER[..split]), Ok(None), "split at {split}");
        }
        let whole = layout(ANSWER).unwrap().unwrap();
        assert_eq!(whole.status, 200);
        assert_eq!(&ANSWER[whole.body_at..whole.end], b"hello world");
        assert!(!whole.closes);
    }

    #[test]
    fn bytes_of_the_next_answer_are_left_alone() {
        let two = [ANSWER, ANSWER].concat();
        assert_eq!(layout(&two).unwrap().unwrap().end, ANSWER.len());
    }

    #[test]
    fn no_content_needs_no_length() {
        let whole = layout(b"HTTP/1.1 204 No Content\r\nConnection: Close\r\n\r\n").unwrap().unwrap();
        assert_eq!((whole.status, whole.body_at), (204, whole.end));
        assert!(whole.closes);
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        assert_eq!(layout(b"SSH-2.0-OpenSSH_9.2\r\n"), Err(BadAnswer::Malformed));
        assert_eq!(layout(b"HTTP/1.1 200 OK\r\n\r\n"), Err(BadAnswer::NoLength));
        assert_eq!(
            layout(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
            Err(BadAnswer::TooLarge)
        );
        let endless = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &vec![b'x'; MOST_HEAD_BYTES]].concat();
        assert_eq!(layout(&endless), Err(BadAnswer::TooLarge));
    }
}
