//! One gateway for each test, on the pair that the case names.

use pollgate_testkit::{Answer, Backends, Builder, Gateway, PgSchema, rabbitmq_url, unique_prefix};
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
    _schema: Option<PgSchema>,
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
    World { gateway, _folder: folder, _schema: schema }
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

pub(crate) fn cursor(answer: &Answer) -> &str {
    answer.json["cursor"].as_str().unwrap()
}
