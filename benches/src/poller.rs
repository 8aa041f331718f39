//! A user who polls without pause, with a cursor and a session.

use std::rc::Rc;
use std::time::Duration;

use crate::bench::{Bench, PATIENCE, WARM_UP};
use crate::http::{Answer, Client};
use crate::wire::Polled;

const AFTER_ERROR: Duration = Duration::from_millis(200);
const MOST_PAUSE: Duration = Duration::from_secs(10);
const MOST_SIGN_IN_ATTEMPTS: u32 = 50;

/// Signs in (a poll that is answered at once, and leaves a mailbox), then polls until it is dropped.
pub(crate) async fn poll(bench: Rc<Bench>, user: usize) {
    let Some(token) = bench.tokens.get(user) else { return };
    let mut clients = bench.clients(user);
    let mut request = Vec::new();
    let mut cursor = String::new();
    if let Some(first) = clients.last_mut()
        && !sign_in(&bench, user, first, &mut cursor).await
    {
        return;
    }
    bench.ready.add_permits(1);
    loop {
        for client in &mut clients {
            bench.requests.poll(token, &cursor, None, &mut request);
            let pause = step(&bench, user, client, &request, &mut cursor).await;
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

async fn sign_in(bench: &Bench, user: usize, client: &mut Client, cursor: &mut String) -> bool {
    let Some(token) = bench.tokens.get(user) else { return false };
    let Ok(_seat) = bench.sign_ins.acquire().await else { return false };
    let mut request = Vec::new();
    for _ in 0..MOST_SIGN_IN_ATTEMPTS {
        bench.requests.poll(token, cursor, Some(0), &mut request);
        let pause = step(bench, user, client, &request, cursor).await;
        if !cursor.is_empty() {
            return true;
        }
        tokio::time::sleep(pause.max(AFTER_ERROR)).await;
    }
    false
}

/// One poll; how long to wait before the next.
async fn step(
    bench: &Bench,
    user: usize,
    client: &mut Client,
    request: &[u8],
    cursor: &mut String,
) -> Duration {
    let connects = client.connects;
    let outcome = client.exchange(request, PATIENCE).await;
    let taken = match outcome {
        Ok(answer) => take(bench, user, &answer, cursor),
        Err(error) => Err(format!("poll: {error}")),
    };
    bench.connects.set(bench.connects.get() + client.connects - connects);
    taken.unwrap_or_else(|why| {
        let mut ledger = bench.ledger.borrow_mut();
        ledger.counts.poll_errors += 1;
        ledger.note(why);
        AFTER_ERROR
    })
}

fn take(bench: &Bench, user: usize, answer: &Answer<'_>, cursor: &mut String) -> Result<Duration, String> {
    if answer.status != 200 {
        return Err(format!("poll: {}", crate::sender::refusal(answer)));
    }
    let polled: Polled<'_> =
        serde_json::from_slice(answer.body).map_err(|error| format!("poll answer: {error}"))?;
    let mut ledger = bench.ledger.borrow_mut();
    ledger.counts.polls += 1;
    ledger.counts.empty_polls += u64::from(polled.events.is_empty());
    ledger.counts.resyncs += u64::from(polled.resync);
    for event in &polled.events {
        let ids = bench.requests.ids();
        let message = event.data.client_id.and_then(|id| ids.read(id));
        let broadcast = event.data.broadcast.and_then(|id| ids.read(id)).map(|first| first + user);
        match message.or(broadcast) {
            Some(n) if n >= WARM_UP => bench.warmed.set(bench.warmed.get() + 1),
            Some(n) => ledger.delivered(n, user, event.id, event.data.seq),
            None => {}
        }
    }
    cursor.clear();
    cursor.push_str(polled.cursor);
    Ok(Duration::from_millis(polled.pause_ms).min(MOST_PAUSE))
}
