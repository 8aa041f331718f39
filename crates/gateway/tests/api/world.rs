//! One gateway for each test, on the pair that the case names.

use pollgate_testkit::{Answer, Backends, Builder, Gateway, PgSchema, User, rabbitmq_url, unique_prefix};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_pollgate");

#[derive(Clone, Copy, Debug)]
pub(crate) enum Pair {
    Embedded,
    Production,
}

/// A gateway, and what it stands on.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    _folder: TempDir,
    pub(crate) schema: Option<PgSchema>,
}

impl std::ops::Deref for World {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}

pub(crate) fn world(pair: Pair) -> World {
    world_with(pair, |builder| builder)
}

pub(crate) fn world_with(pair: Pair, change: impl FnOnce(Builder) -> Builder) -> World {
    let folder = tempfile::tempdir().unwrap();
    let schema = matches!(pair, Pair::Production).then(PgSchema::create);
    let backends = match &schema {
        None => Backends::Embedded(folder.path().to_owned()),
        Some(schema) => {
            Backends::Production { pg_url: schema.url(), amqp_url: rabbitmq_url(), prefix: unique_prefix() }
        }
    };
    let gateway = change(Gateway::builder(BINARY).backends(backends)).start();
    World { gateway, _folder: folder, schema }
}

/// An error has the contract's form.
pub(crate) fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.json["code"], code, "{answer:?}");
    assert_eq!(answer.json["status"], status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    for field in ["type", "title", "detail"] {
        assert!(answer.json[field].is_string(), "no {field}: {answer:?}");
    }
    assert!(answer.header("x-request-id").is_some(), "{answer:?}");
    let later = answer.header("retry-after").map(|seconds| seconds.parse::<u32>().unwrap());
    assert_eq!(later.is_some(), matches!(status, 429 | 503), "{answer:?}");
}

/// The texts of the messages in a poll's answer.
pub(crate) fn bodies(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let events = answer.json["events"].as_array().unwrap().iter();
    let messages = events.filter(|event| event["type"] == "message.created");
    messages.map(|event| event["data"]["body"].as_str().unwrap().to_owned()).collect()
}

/// The next `count` events past a cursor, over as many answers as they take.
pub(crate) fn events(user: &User, cursor: &str, count: usize) -> Vec<Value> {
    events_of(user, "", cursor, count)
}

/// The same, of one session; `session` stands in the query as it is.
pub(crate) fn events_of(user: &User, session: &str, cursor: &str, count: usize) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    let mut cursor = cursor.to_owned();
    while events.len() < count {
        let answer = user.poll(&format!("cursor={cursor}&wait=5{session}"));
        let more = answer.json["events"].as_array().unwrap();
        assert!(!more.is_empty(), "only {} of {count} came: {answer:?}", events.len());
        events.extend(more.iter().cloned());
        answer.json["cursor"].as_str().unwrap().clone_into(&mut cursor);
    }
    events
}

pub(crate) fn cursor(answer: &Answer) -> &str {
    answer.json["cursor"].as_str().unwrap()
}
