//! What a client writes into a WebSocket, looked at before the library collects it: the library keeps a frame until all of
//! it has come, however long it says it will be, and works off as many small ones as there are.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::FromRequest as _;
use actix_web::HttpRequest;
use actix_web::dev;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use actix_ws::CloseCode;
use futures::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::super::super::problem::Problem;

/// Frames that one client may write in a second, each fragment and each control frame counted. It waits for more, and
/// what it has written waits in the network.
const FRAMES_PER_S: u64 = 1000;

/// How a client broke the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Broken {
    /// A frame, or a message in fragments, that is longer than any text may be.
    TooLarge,
    /// Bits that mean nothing without an extension (RFC 6455, 5.2).
    Protocol,
}

impl Broken {
    pub(super) const fn code(self) -> CloseCode {
        match self {
            Self::TooLarge => CloseCode::Size,
            Self::Protocol => CloseCode::Protocol,
        }
    }

    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::TooLarge => "the message is too large",
            Self::Protocol => "no extension was agreed upon",
        }
    }
}

/// Says whether they were broken.
#[derive(Clone, Default)]
pub(super) struct Rules(Rc<Cell<Option<Broken>>>);

impl Rules {
    pub(super) fn broken(&self) -> Option<Broken> {
        self.0.get()
    }
}

/// The payload, and what is found out about it. It ends where the rules are broken.
///
/// # Errors
/// Never in practice: a payload is made of a payload.
pub(super) async fn guarded(
    request: &HttpRequest,
    payload: Payload,
    most: usize,
) -> Result<(Payload, Rules), Problem> {
    let rules = Rules::default();
    let guard = Guard {
        payload,
        rules: rules.clone(),
        walker: Walker::new(most as u64),
        read_on_at: Instant::now(),
        pause: None,
    };
    let guard: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(guard);
    let mut guarded = dev::Payload::Stream { payload: guard };
    let payload = Payload::from_request(request, &mut guarded).await;
    let payload = payload.map_err(|error| Problem::invalid(format!("no WebSocket: {error}")))?;
    Ok((payload, rules))
}

/// See the module's text.
struct Guard {
    payload: Payload,
    rules: Rules,
    walker: Walker,
    /// When as many frames as were read may have been written.
    read_on_at: Instant,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Stream for Guard {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rules.broken().is_some() {
            return Poll::Ready(None);
        }
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        let chunk = match Pin::new(&mut self.payload).poll_next(context) {
            Poll::Ready(Some(Ok(chunk))) => chunk,
            other => return other,
        };
        match self.walker.walk(&chunk) {
            Ok(frames) => {
                let now = Instant::now();
                let owed = Duration::from_micros(frames.saturating_mul(1_000_000 / FRAMES_PER_S));
                self.read_on_at = self.read_on_at.max(now) + owed;
                // a second's worth may come at once
                let until = self.read_on_at.checked_sub(Duration::from_secs(1)).unwrap_or(now);
                if until > now {
                    self.pause = Some(Box::pin(sleep_until(until)));
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            Err(broken) => {
                self.rules.0.set(Some(broken));
                Poll::Ready(None)
            }
        }
    }
}

/// Follows the heads of frames (RFC 6455, 5.2) through bytes that come in any pieces.
pub(in crate::http) struct Walker {
    most: u64,
    /// Of the present head.
    head: Vec<u8>,
    /// Of the present payload, and not come yet.
    left: u64,
    /// Of the fragments of the present message.
    message: u64,
}

impl Walker {
    pub(in crate::http) const fn new(most: u64) -> Self {
        Self { most, head: Vec::new(), left: 0, message: 0 }
    }

    /// How many heads end in these bytes.
    pub(in crate::http) fn walk(&mut self, mut bytes: &[u8]) -> Result<u64, Broken> {
        let mut frames = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let skipped = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= skipped as u64;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            self.head.push(*first);
            bytes = rest;
            if let Some(length) = declared(&self.head) {
                frames += 1;
                self.begin(length)?;
            }
        }
        Ok(frames)
    }

    /// A frame of this length begins.
    fn begin(&mut self, length: u64) -> Result<(), Broken> {
        let first = self.head.first().copied().unwrap_or_default();
        self.head.clear();
        self.left = length;
        let (last, reserved, opcode) = (first & 0x80 != 0, first & 0x70, first & 0x0F);
        if reserved != 0 {
            return Err(Broken::Protocol);
        }
        // control frames stand between the fragments of a message, and are no part of it
        if opcode & 0x8 != 0 {
            return if length > 125 { Err(Broken::Protocol) } else { Ok(()) };
        }
        self.message = if opcode == 0 { self.message.saturating_add(length) } else { length };
        if self.message > self.most {
            return Err(Broken::TooLarge);
        }
        if last {
            self.message = 0;
        }
        Ok(())
    }
}

/// The length of the payload, when all of the head is there.
fn declared(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, extended) = match second & 0x7F {
        126 => (u64::from(u16::from_be_bytes(head.get(2..4)?.try_into().ok()?)), 2),
        127 => (u64::from_be_bytes(head.get(2..10)?.try_into().ok()?), 8),
        short => (u64::from(short), 0),
    };
    (head.len() == 2 + extended + mask).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a client writes it.
    fn frame(first: u8, payload: usize) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload {
            short @ 0..=125 => bytes.push(0x80 | u8::try_from(short).unwrap()),
            middle @ 126..=0xFFFF => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&u16::try_from(middle).unwrap().to_be_bytes());
            }
            long => {
                bytes.push(0x80 | 127);
                bytes.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(&[1, 2, 3, 4]);
        bytes.extend(std::iter::repeat_n(0xFF, payload));
        bytes
    }

    #[test]
    fn frames_are_followed_however_they_are_cut() {
        let all: Vec<u8> =
            [frame(0x81, 3), frame(0x89, 125), frame(0x01, 300), frame(0x8A, 0), frame(0x80, 70_000)]
                .concat();
        for size in [1, 2, 3, 7, 1000, all.len()] {
            let mut walker = Walker::new(100_000);
            let frames: u64 = all.chunks(size).map(|chunk| walker.walk(chunk).unwrap()).sum();
            assert_eq!(frames, 5, "in pieces of {size}");
            assert_eq!((walker.left, walker.message), (0, 0));
        }
    }

    #[test]
    fn a_head_that_says_too_much_is_enough() {
        let mut head = vec![0x81, 0xFF];
        head.extend_from_slice(&(1_u64 << 40).to_be_bytes());
        head.extend_from_slice(&[0; 4]);
        assert_eq!(Walker::new(1000).walk(&head), Err(Broken::TooLarge));
        assert_eq!(Walker::new(1000).walk(&frame(0x81, 1000)), Ok(1));
        assert_eq!(Walker::new(1000).walk(&frame(0x81, 1001)), Err(Broken::TooLarge));
        // in fragments
        let mut walker = Walker::new(1000);
        assert_eq!(walker.walk(&frame(0x01, 600)), Ok(1));
        assert_eq!(walker.walk(&frame(0x89, 100)), Ok(1), "no part of it");
        assert_eq!(walker.walk(&frame(0x00, 400)), Ok(1));
        assert_eq!(walker.walk(&frame(0x80, 1)), Err(Broken::TooLarge));
    }

    #[test]
    fn bits_without_a_meaning_and_long_control_frames_break_the_rules() {
        assert_eq!(Walker::new(1000).walk(&frame(0xC1, 1)), Err(Broken::Protocol));
        assert_eq!(Walker::new(1000).walk(&frame(0x89, 126)), Err(Broken::Protocol));
    }
}
