//! Gateways side by side, and many clients at once.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use pollgate_testkit::{
    Answer, Backends, Builder, Gateway, PgSchema, eventually, rabbitmq_url, unique_prefix,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_pollgate");
/// Every wait for a fact ends here.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// Clients that do the same at the same time.
pub(crate) const CLIENTS: usize = 16;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Pair {
    Embedded,
    Production,
}

/// Two gateways; on the embedded pair, which one process has to itself, it is one.
pub(crate) struct World {
    gateways: Vec<Gateway>,
    _folder: TempDir,
    schema: Option<PgSchema>,
}

impl World {
    pub(crate) fn new(pair: Pair) -> Self {
        Self::with(pair, |_number, builder| builder)
    }

    pub(crate) fn with(pair: Pair, change: impl Fn(usize, Builder) -> Builder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = |number, backends| change(number, Gateway::builder(BINARY).backends(backends)).start();
        match pair {
            Pair::Embedded => {
                let gateways = vec![start(0, Backends::Embedded(folder.path().to_owned()))];
                Self { gateways, _folder: folder, schema: None }
            }
            Pair::Production => {
                let schema = PgSchema::create();
                let backends = Backends::Production {
                    pg_url: schema.url(),
                    amqp_url: rabbitmq_url(),
                    prefix: unique_prefix(),
                };
                let gateways = vec![start(0, backends.clone()), start(1, backends)];
                Self { gateways, _folder: folder, schema: Some(schema) }
            }
        }
    }

    pub(crate) fn gateway(&self, number: usize) -> &Gateway {
        &self.gateways[number % self.gateways.len()]
    }

    /// Ends one without a warning and starts it again.
    pub(crate) fn restart(&mut self, number: usize) {
        let number = number % self.gateways.len();
        self.gateways[number].kill();
        self.gateways[number].start_again();
    }

    /// Ends one without a warning.
    pub(crate) fn kill(&mut self, number: usize) {
        self.gateways[number].kill();
    }

    /// Asks one to end, and waits until it has.
    pub(crate) fn terminate(&mut self, number: usize) {
        assert!(self.gateways[number].terminate().success());
    }

    /// Where production keeps its data.
    pub(crate) fn schema(&self) -> &PgSchema {
        self.schema.as_ref().unwrap()
    }

    /// All clients do the same at once, each at a gateway.
    pub(crate) fn at_once(&self, ask: impl Fn(&Gateway) -> Answer + Sync) -> Vec<Answer> {
        self.each_at_once(|_number, gateway| ask(gateway))
    }

    /// The same, by clients that have numbers.
    pub(crate) fn each_at_once(&self, ask: impl Fn(usize, &Gateway) -> Answer + Sync) -> Vec<Answer> {
        let barrier = Barrier::new(CLIENTS);
        thread::scope(|scope| {
            let one = |number: usize| {
                let (barrier, ask) = (&barrier, &ask);
                let gateway = self.gateway(number);
                scope.spawn(move || {
                    barrier.wait();
                    ask(number, gateway)
                })
            };
            let all: Vec<_> = (0..CLIENTS).map(one).collect();
            all.into_iter().map(|client| client.join().unwrap()).collect()
        })
    }
}

/// All events that wait for a user, each as often as it comes.
pub(crate) fn all_events(world: &World, user: &str) -> Vec<Value> {
    // two gateways publish side by side: what one sends last may overtake what the other has not sent yet
    if let Some(schema) = &world.schema {
        eventually("all is with the broker", LIMIT, || schema.count("outbox") == 0);
    }
    let last = json!({"to": [user], "type": "last"});
    let posted = world.gateway(0).user_with("shop", "publish").post("/v1/events", &last);
    assert_eq!(posted.status, 202, "{posted:?}");
    let user = world.gateway(1).user(user);
    let (mut events, mut cursor) = (Vec::new(), String::new());
    eventually("the last event comes", LIMIT, || {
        let answer = user.poll(&format!("cursor={cursor}&wait=1"));
        assert_eq!(answer.status, 200, "{answer:?}");
        events.extend(answer.json["events"].as_array().unwrap().iter().cloned());
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
        events.iter().any(|event| event["type"] == "last")
    });
    events.retain(|event| event["type"] != "last");
    events
}
