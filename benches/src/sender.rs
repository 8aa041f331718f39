//! Sending: one message and its entry in the books.

use std::time::{Duration, Instant};

use crate::bench::{Bench, PATIENCE};
use crate::http::{Answer, Client, HttpError};

/// After a refusal: a sender that hammers on would measure refusals.
const AFTER_ERROR: Duration = Duration::from_millis(50);
const MOST_BODY_SHOWN: usize = 300;

/// How a send ended.
enum Sent {
    Accepted,
    Refused(String),
    Unknown(String),
}

/// Sends message number `n` to a user, unmeasured.
///
/// # Errors
/// The refusal or failure, in words.
pub(crate) async fn warm_up(bench: &Bench, client: &mut Client, to: usize, n: usize) -> Result<(), String> {
    let mut request = Vec::new();
    let name = bench.users.get(to).map_or("", String::as_str);
    bench.requests.message(bench.sender_of(to), name, n, &mut request);
    match outcome(client.exchange(&request, PATIENCE).await) {
        Sent::Accepted => Ok(()),
        Sent::Refused(why) | Sent::Unknown(why) => Err(format!("warm-up: {why}")),
    }
}

/// Sends a message that was due at `due` as `token`; false when the books are full.
pub(crate) async fn send(
    bench: &Bench,
    client: &mut Client,
    request: &mut Vec<u8>,
    (token, to): (&str, usize),
    due: Instant,
) -> bool {
    let Some(n) = bench.ledger.borrow_mut().open(to, due) else { return false };
    let name = bench.users.get(to).map_or("", String::as_str);
    bench.requests.message(token, name, n, request);
    exchange(bench, client, request, n, 1).await;
    true
}

/// Sends a request that stands for deliveries `first..first + count`.
pub(crate) async fn exchange(bench: &Bench, client: &mut Client, request: &[u8], first: usize, count: usize) {
    let sent = outcome(client.exchange(request, PATIENCE).await);
    {
        let mut ledger = bench.ledger.borrow_mut();
        match sent {
            Sent::Accepted => return ledger.accepted(first, count),
            Sent::Refused(why) => ledger.failed(first, count, true, why),
            Sent::Unknown(why) => ledger.failed(first, count, false, why),
        }
    }
    tokio::time::sleep(AFTER_ERROR).await;
}

fn outcome(answer: Result<Answer<'_>, HttpError>) -> Sent {
    match answer {
        Ok(answer) if matches!(answer.status, 200..=202) => Sent::Accepted,
        Ok(answer) => {
            let why = refusal(&answer);
            // A commit whose outcome the gateway could not learn is answered with this code.
            if why.contains("store-unavailable") { Sent::Unknown(why) } else { Sent::Refused(why) }
        }
        Err(error) => Sent::Unknown(format!("send: {error}")),
    }
}

/// A refusal in words: the status and the beginning of the gateway's explanation.
pub(crate) fn refusal(answer: &Answer<'_>) -> String {
    let body = answer.body.get(..MOST_BODY_SHOWN).unwrap_or(answer.body);
    format!("{} {}", answer.status, String::from_utf8_lossy(body).trim())
}
