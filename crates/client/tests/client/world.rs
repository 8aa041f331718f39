//! A gateway, or two behind a balancer, and who reads and writes there.

use std::collections::HashSet;
use std::time::Duration;

use futures::TryStreamExt as _;
use pollgate_client::{Client, Event, Events, Item, NewMessage, Range};
use pollgate_testkit::{Backends, Builder, Gateway, PgSchema, TcpProxy, binary, rabbitmq_url, unique_prefix};
use tempfile::TempDir;
use tokio::time::timeout;

/// Every wait for a fact ends here.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Pair {
    Embedded,
    Production,
}

/// One gateway on the embedded pair; two on PostgreSQL and RabbitMQ, behind a balancer that knows no sessions.
pub(crate) struct World {
    pub(crate) gateways: Vec<Gateway>,
    /// What all clients go through.
    pub(crate) way: TcpProxy,
    _folder: TempDir,
    _schema: Option<PgSchema>,
}

pub(crate) fn builder() -> Builder {
    Gateway::builder(binary("pollgate"))
        .env("POLLGATE_POLL__LINGER_MS", "1000")
        .env("POLLGATE_AUTH__JWT__LEEWAY_S", "0")
}

pub(crate) fn world(pair: Pair) -> World {
    world_with(pair, |builder| builder)
}

pub(crate) fn world_with(pair: Pair, change: impl FnOnce(Builder) -> Builder) -> World {
    let folder = tempfile::tempdir().unwrap();
    let schema = matches!(pair, Pair::Production).then(PgSchema::create);
    let builder = change(builder());
    let gateways = match &schema {
        None => vec![builder.backends(Backends::Embedded(folder.path().to_owned())).start()],
        Some(schema) => {
            let (pg_url, amqp_url, prefix) = (schema.url(), rabbitmq_url(), unique_prefix());
            let backends = Backends::Production { pg_url, amqp_url, prefix };
            builder.backends(backends).start_two().into()
        }
    };
    let addresses: Vec<_> = gateways.iter().map(|gateway| gateway.url().replace("http://", "")).collect();
    let way = TcpProxy::round_robin(addresses.iter().map(String::as_str));
    World { gateways, way, _folder: folder, _schema: schema }
}

impl World {
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.way.port())
    }

    pub(crate) fn client(&self, user: &str) -> Client {
        self.client_with(user, "user")
    }

    pub(crate) fn client_with(&self, user: &str, scope: &str) -> Client {
        self.builder().token(self.gateways[0].token_with(user, scope, 3600)).build().unwrap()
    }

    /// Each request takes a connection of its own, and with it the other gateway.
    pub(crate) fn builder(&self) -> pollgate_client::Builder {
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Client::builder(self.url()).http(http).deadline(LIMIT)
    }

    /// Ends one without a warning, and starts it again.
    pub(crate) fn restart(&mut self, number: usize) {
        self.gateways[number].kill();
        self.gateways[number].start_again();
    }
}

/// The next item, which comes in time.
pub(crate) async fn next(events: &mut Events) -> Item {
    timeout(LIMIT, events.try_next()).await.expect("nothing came").unwrap().expect("the loop has ended")
}

/// The next message; nothing was missed before it.
pub(crate) async fn next_message(events: &mut Events) -> pollgate_client::Message {
    loop {
        match next(events).await {
            Item::Event(event) => {
                if let Some(message) = event.message() {
                    return message;
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The next text.
pub(crate) async fn next_body(events: &mut Events) -> String {
    next_message(events).await.body
}

/// Texts that are there for somebody who reads: what came, and after a resync the history.
#[derive(Default)]
pub(crate) struct Notes {
    ids: HashSet<String>,
    pub(crate) bodies: HashSet<String>,
    pub(crate) resyncs: u32,
}

impl Notes {
    /// An event comes once.
    pub(crate) fn take(&mut self, event: &Event) {
        assert!(self.ids.insert(event.id.clone()), "twice: {}", event.json());
        if let Some(message) = event.message() {
            self.bodies.insert(message.body);
        }
    }

    /// An item that is an event.
    pub(crate) fn take_item(&mut self, item: Item) {
        match item {
            Item::Event(event) => self.take(&event),
            other => panic!("{other:?}"),
        }
    }

    /// What a client does that may have missed something.
    pub(crate) async fn read_history(&mut self, client: &Client) {
        self.resyncs += 1;
        let rooms: Vec<_> = client.room_pages(Default::default()).try_collect().await.unwrap();
        for room in rooms.into_iter().flat_map(|page| page.rooms) {
            let pages: Vec<_> =
                client.history_pages(&room.id, Range::After(0), 100).try_collect().await.unwrap();
            self.bodies.extend(pages.into_iter().flat_map(|page| page.messages).map(|message| message.body));
        }
    }

    /// Reads until all of these texts are there.
    pub(crate) async fn until_all(&mut self, events: &mut Events, client: &Client, texts: &[String]) {
        while !texts.iter().all(|text| self.bodies.contains(text)) {
            match next(events).await {
                Item::Event(event) => self.take(&event),
                Item::Resync => self.read_history(client).await,
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Sends these texts to bob one after the other, whatever happens to the gateways.
pub(crate) async fn send_all(client: &Client, texts: &[String]) {
    for text in texts {
        client.send(NewMessage::to("bob", text)).await.unwrap();
    }
}

pub(crate) fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("message {number}")).collect()
}
