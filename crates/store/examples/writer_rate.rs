//! How many messages a second the store takes: `writer_rate <url> [seconds] [senders] [users] [index]`.
//!
//! With `index` what was sent is indexed meanwhile, as a gateway does it.
//!
//! Each sender waits for the answer to its message before it sends the next one; what was committed is settled at
//! once, as a relay with a fast broker would.
#![expect(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pollgate_model::{InstanceId, NewMessage, Target, UserId};
use pollgate_store::{OnCommit, Outgoing, Store, StoreSettings};
use tokio::task::JoinSet;

/// Settles what was committed.
#[derive(Default)]
struct Settle(OnceLock<Store>);

impl OnCommit for Settle {
    fn committed(&self, rows: Vec<Outgoing>) {
        if let Some(store) = self.0.get() {
            store.settle(rows.into_iter().map(|row| row.ticket).collect());
        }
    }

    fn uncertain(&self) {}
}

async fn sender(store: Store, number: usize, users: usize, until: Instant) -> Result<Vec<Duration>, String> {
    let name = |n: usize| format!("user-{}", n % users).parse::<UserId>().map_err(|e| e.to_string());
    let mut took = Vec::new();
    let mut turn = 0_usize;
    while Instant::now() < until {
        turn += 1;
        let from = name(number)?;
        let to = name(number + 1 + turn % 8)?;
        let client_id = uuid::Uuid::now_v7().to_string().parse().map_err(|e| format!("{e}"))?;
        let new = NewMessage {
            sender: from,
            target: Target::User(to),
            body: "a message of ordinary length, as people write them".into(),
            client_id: Some(client_id),
            attachments: Vec::new(),
            reply_to: None,
            trace: None,
        };
        let sent_at = Instant::now();
        store.send(new).await.map_err(|e| e.to_string())?;
        took.push(sent_at.elapsed());
    }
    Ok(took)
}

/// Indexes what is not indexed, with the pauses of a busy gateway, until the end; how many messages it were.
async fn index(store: Store, until: Instant) -> Result<usize, String> {
    let mut messages = 0;
    while Instant::now() < until {
        let mut rooms = store.rooms_behind(None).await.map_err(|e| e.to_string())?.rooms;
        while !rooms.is_empty() && Instant::now() < until {
            let now: Vec<_> = rooms.drain(..rooms.len().min(64)).collect();
            messages += store.index(now, 64).await.map_err(|e| e.to_string())?.messages;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(messages)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let url = args.next().ok_or("usage: writer_rate <url> [seconds] [senders] [users]")?;
    let seconds: u64 = args.next().map_or(Ok(5), |a| a.parse())?;
    let senders: usize = args.next().map_or(Ok(256), |a| a.parse())?;
    let users: usize = args.next().map_or(Ok(1000), |a| a.parse())?;

    let with_index = args.next().is_some_and(|a| a == "index");

    let settle = Arc::new(Settle::default());
    let store = Store::open(StoreSettings::new(url), InstanceId::new(), settle.clone()).await?;
    drop(settle.0.set(store.clone()));
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let mut running = JoinSet::new();
    for number in 0..senders {
        running.spawn(sender(store.clone(), number, users, until));
    }
    let mut indexing = JoinSet::new();
    if with_index {
        indexing.spawn(index(store.clone(), until));
    }
    let mut took = Vec::new();
    while let Some(done) = running.join_next().await {
        took.extend(done??);
    }
    let elapsed = begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 1000).copied().unwrap_or_default();
    let count = u32::try_from(took.len())?;
    println!(
        "{:.0} sends/s ({count} by {senders} senders in {elapsed:.1} s), p50 {:?}, p99 {:?}, p99.9 {:?}",
        f64::from(count) / elapsed,
        at(500),
        at(990),
        at(999),
    );
    while let Some(done) = indexing.join_next().await {
        println!("indexed meanwhile: {}", done??);
    }
    store.retire().await?;
    println!("outbox afterwards: {:?}", store.outbox_stats().await?);
    Ok(())
}
