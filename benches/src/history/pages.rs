//! The pages that are asked for, and how long they take.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::MOST_RATIO;
use super::seed::{READER, Size};
use crate::bench::{Crew, PATIENCE};
use crate::gateway::Gateways;
use crate::http::Client;
use crate::latency::{Latencies, Quantiles};
use crate::sender::refusal;
use crate::token::Signer;
use crate::wire;

/// Requests under way at once.
pub(super) const CONNECTIONS: usize = 4;
/// Rows of a page, where there are as many.
const PAGE: usize = 50;
/// Turns that each database gets for each page; a first one besides warms both up.
const TURNS: u32 = 8;

/// A page, from both databases.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Page {
    /// Which page.
    pub(crate) page: &'static str,
    /// From the almost empty database.
    pub(crate) empty: Option<Quantiles>,
    /// From the full one.
    pub(crate) full: Option<Quantiles>,
    /// p99 of the full one to that of the other.
    pub(crate) ratio_p99: Option<f64>,
    /// The ratio is not above what it may be.
    pub(crate) constant: bool,
}

impl Page {
    fn new(page: &'static str, empty: Option<Quantiles>, full: Option<Quantiles>) -> Self {
        let ratio_p99 = empty.zip(full).map(|(empty, full)| full.p99_ms / empty.p99_ms.max(f64::EPSILON));
        Self { page, empty, full, ratio_p99, constant: ratio_p99.is_some_and(|ratio| ratio <= MOST_RATIO) }
    }
}

/// A kind of page.
#[derive(Clone, Copy)]
enum Kind {
    Rooms(&'static str),
    NextRooms,
    Room,
    History(Place),
}

/// Where in a room's history a page begins.
#[derive(Clone, Copy)]
enum Place {
    Newest,
    Before,
    After,
}

const KINDS: [(&str, Kind); 9] = [
    ("rooms, first page", Kind::Rooms("")),
    ("rooms, next page", Kind::NextRooms),
    ("rooms, all 100 of a page", Kind::Rooms("?limit=100")),
    ("rooms, status=open", Kind::Rooms("?status=open")),
    ("rooms, category=sales", Kind::Rooms("?category=sales")),
    ("one room", Kind::Room),
    ("messages, newest", Kind::History(Place::Newest)),
    ("messages, before=", Kind::History(Place::Before)),
    ("messages, after=", Kind::History(Place::After)),
];

/// One of the two gateways, and what is asked of it.
pub(super) struct Asked {
    address: SocketAddr,
    token: String,
    size: Size,
}

impl Asked {
    pub(super) fn new(gateways: &Gateways, size: Size, signer: &Signer) -> Result<Self, String> {
        let address = gateways.addresses().first().copied().ok_or("no gateway")?;
        Ok(Self { address, token: signer.sign(READER, "user"), size })
    }

    /// The path of the `n`-th request, and how many rows are in its answer.
    fn path(&self, kind: Kind, n: usize, next: &str) -> (String, usize) {
        let room = self.size.own_room(n.checked_rem(self.size.long).unwrap_or(0));
        // pages that are full, from anywhere in the room
        let somewhere = PAGE + 1 + n.checked_rem(self.size.long_messages - PAGE).unwrap_or(0);
        match kind {
            Kind::Rooms("?limit=100") => ("/v1/rooms?limit=100".into(), 100),
            // every fourth of the reader's rooms
            Kind::Rooms(query @ "?category=sales") => {
                (format!("/v1/rooms{query}"), PAGE.min(self.size.own / 4))
            }
            Kind::Rooms(query) => (format!("/v1/rooms{query}"), PAGE),
            Kind::NextRooms => (format!("/v1/rooms?before={next}"), PAGE),
            Kind::Room => (format!("/v1/rooms/{room}"), 1),
            Kind::History(Place::Newest) => (format!("/v1/rooms/{room}/messages"), PAGE),
            Kind::History(Place::Before) => (format!("/v1/rooms/{room}/messages?before={somewhere}"), PAGE),
            Kind::History(Place::After) => {
                (format!("/v1/rooms/{room}/messages?after={}", somewhere - PAGE - 1), PAGE)
            }
        }
    }

    /// The cursor after the first page.
    async fn next(&self) -> Result<String, String> {
        let mut request = Vec::new();
        wire::get("/v1/rooms", &self.address.to_string(), &self.token, &mut request);
        let mut client = Client::new(self.address);
        let answer = client.exchange(&request, PATIENCE).await.map_err(|error| error.to_string())?;
        let page: Rows = serde_json::from_slice(answer.body).map_err(|_other| refusal(&answer))?;
        page.next.ok_or_else(|| "the first page of rooms is the last one".into())
    }
}

/// What an answer is checked for.
#[derive(Deserialize)]
struct Rows {
    rooms: Option<Vec<serde::de::IgnoredAny>>,
    messages: Option<Vec<serde::de::IgnoredAny>>,
    id: Option<String>,
    next: Option<String>,
}

impl Rows {
    fn count(&self) -> usize {
        let listed = self.rooms.as_ref().or(self.messages.as_ref()).map(Vec::len);
        listed.unwrap_or_else(|| usize::from(self.id.is_some()))
    }
}

/// Asks both for all pages, in turns of such a length that all of it takes about so many seconds for each page.
pub(super) async fn measure(asked: [Asked; 2], seconds: u64) -> Result<Vec<Page>, String> {
    let turn = Duration::from_secs(seconds) / (TURNS * 2);
    let [empty, full] = asked;
    let next = [empty.next().await?, full.next().await?];
    let both = [Rc::new(empty), Rc::new(full)];
    let mut pages = Vec::new();
    for (page, kind) in KINDS {
        let latencies = [Rc::new(RefCell::new(Latencies::new()?)), Rc::new(RefCell::new(Latencies::new()?))];
        for number in 0..=TURNS {
            for ((asked, next), latencies) in both.iter().zip(&next).zip(&latencies) {
                let kept =
                    if number == 0 { Rc::new(RefCell::new(Latencies::new()?)) } else { Rc::clone(latencies) };
                slice(asked, kind, next, turn, &kept).await.map_err(|why| format!("{page}: {why}"))?;
            }
        }
        let [empty, full] = latencies.map(|latencies| latencies.borrow().quantiles());
        pages.push(Page::new(page, empty, full));
    }
    Ok(pages)
}

/// Some connections ask one gateway for one kind of page, each when it has its answer, for a while.
async fn slice(
    asked: &Rc<Asked>,
    kind: Kind,
    next: &str,
    length: Duration,
    latencies: &Rc<RefCell<Latencies>>,
) -> Result<(), String> {
    let (mut crew, until) = (Crew::default(), Instant::now() + length);
    let failure: Rc<RefCell<Option<String>>> = Rc::default();
    for number in 0..CONNECTIONS {
        let (asked, latencies, failed) = (Rc::clone(asked), Rc::clone(latencies), Rc::clone(&failure));
        let next = next.to_owned();
        crew.add(async move {
            if let Err(why) = ask(&asked, kind, &next, (number, until), &latencies).await {
                *failed.borrow_mut() = Some(why);
            }
        });
    }
    crew.finish(length + PATIENCE * 2).await?;
    let failed = failure.borrow_mut().take();
    failed.map_or(Ok(()), Err)
}

async fn ask(
    asked: &Asked,
    kind: Kind,
    next: &str,
    (first, until): (usize, Instant),
    latencies: &RefCell<Latencies>,
) -> Result<(), String> {
    let mut client = Client::new(asked.address);
    let (mut request, host, mut n) = (Vec::new(), asked.address.to_string(), first);
    while Instant::now() < until {
        let (path, rows) = asked.path(kind, n, next);
        wire::get(&path, &host, &asked.token, &mut request);
        let started = Instant::now();
        let answer = client.exchange(&request, PATIENCE).await.map_err(|error| error.to_string())?;
        latencies.borrow_mut().record(started.elapsed());
        let came: Rows = serde_json::from_slice(answer.body).map_err(|_other| refusal(&answer))?;
        if answer.status != 200 || came.count() != rows {
            return Err(format!("{path}: {} rows, {rows} expected: {}", came.count(), refusal(&answer)));
        }
        n += CONNECTIONS;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles(p99_ms: f64) -> Quantiles {
        Quantiles { count: 1, mean_ms: 1.0, p50_ms: 1.0, p99_ms, p999_ms: 1.0, max_ms: 1.0 }
    }

    #[test]
    fn a_page_that_takes_more_than_three_times_as_long_is_not_constant() {
        let page = |full| Page::new("p", Some(quantiles(2.0)), full);
        assert!(page(Some(quantiles(6.0))).constant);
        assert!(!page(Some(quantiles(6.1))).constant);
        assert!(!page(None).constant, "nothing measured shows nothing");
    }

    #[test]
    fn every_page_is_full() {
        let address = ([127, 0, 0, 1], 1).into();
        for size in [Size::EMPTY, Size::FULL] {
            let asked = Asked { address, token: String::new(), size };
            for n in 0..5_000 {
                let seq = |place| {
                    let (path, _rows) = asked.path(Kind::History(place), n, "");
                    path.split_once('=').unwrap().1.parse::<usize>().unwrap()
                };
                assert!((PAGE + 1..=size.long_messages).contains(&seq(Place::Before)));
                assert!(seq(Place::After) + PAGE <= size.long_messages);
            }
        }
    }
}
