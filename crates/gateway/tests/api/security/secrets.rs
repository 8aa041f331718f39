//! Secrets of the configuration and credentials of requests stand nowhere but where they belong: not in what is printed, not
//! in logs at any level, not in answers, not in metrics; also when what they are for cannot be reached.

use std::collections::BTreeMap;
use std::process::Command;

use pollgate_testkit::{PgSchema, Sse, User, free_port, rabbitmq_url, redis_address, unique_prefix};
use serde_json::json;

use crate::world::Pair::{Embedded, Production};
use crate::world::{BINARY, World, world_with};

/// In every secret of these tests.
const CANARY: &str = "canary-0123456789abcdef0123456789abcdef";

fn secret(of: &str) -> String {
    format!("{of}-{CANARY}")
}

/// Every secret there is. Whoever adds one to the configuration adds it here: see the next test.
fn every_secret() -> BTreeMap<&'static str, String> {
    let nowhere = free_port();
    BTreeMap::from([
        (
            "POLLGATE_STORE__URL",
            format!("postgres://u:{}@127.0.0.1:{nowhere}/d?password={CANARY}", secret("db")),
        ),
        ("POLLGATE_BROKER__KIND", "rabbitmq".into()),
        ("POLLGATE_BROKER__URL", format!("amqp://u:{}@127.0.0.1:{nowhere}/%2f", secret("mq"))),
        ("POLLGATE_AUTH__JWT__HS256_SECRET", secret("jwt")),
        ("POLLGATE_AUTH__TICKET_SECRET", secret("ticket")),
        ("POLLGATE_HTTP__OPERATOR_TOKEN", secret("operator")),
        ("POLLGATE_THROTTLE__REDIS", format!("redis://u:{}@127.0.0.1:{nowhere}/0", secret("redis"))),
        ("POLLGATE_ATTACHMENTS__URL", "s3://bucket/prefix".into()),
        ("POLLGATE_ATTACHMENTS__S3_ENDPOINT", format!("http://127.0.0.1:{nowhere}")),
        ("POLLGATE_ATTACHMENTS__S3_ACCESS_KEY_ID", "an-id".into()),
        ("POLLGATE_ATTACHMENTS__S3_SECRET_ACCESS_KEY", secret("s3")),
        ("POLLGATE_TRACE__OTLP_ENDPOINT", format!("http://u:{}@127.0.0.1:{nowhere}", secret("otlp"))),
        ("POLLGATE_TRACE__HEADERS", format!("authorization=Bearer {}", secret("collector"))),
    ])
}

/// What a command says, on both its outputs, at the most talkative level.
fn said(arguments: &[&str], variables: &BTreeMap<&'static str, String>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "15", BINARY]).args(arguments).current_dir(folder.path());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("POLLGATE_") || name == "RUST_LOG")
    {
        command.env_remove(name);
    }
    for (name, port) in
        [("POLLGATE_HTTP__LISTEN", free_port()), ("POLLGATE_HTTP__OPERATOR_LISTEN", free_port())]
    {
        command.env(name, format!("127.0.0.1:{port}"));
    }
    command.env("RUST_LOG", "trace,lapin=trace").env("RUST_BACKTRACE", "full");
    command.env("POLLGATE_STORE__CONNECT_TIMEOUT_MS", "2000").env("POLLGATE_BROKER__TIMEOUT_MS", "2000");
    let output = command.envs(variables).output().unwrap();
    format!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn assert_silent(what: &str, text: &str) {
    assert!(!text.trim().is_empty(), "{what} says nothing at all");
    let line = text.lines().find(|line| line.contains(CANARY) || line.contains(&CANARY[..20]));
    assert_eq!(line, None, "{what} shows a secret");
}

#[test]
fn the_configuration_is_printed_without_them() {
    let shown = said(&["config"], &every_secret());
    assert_silent("config", &shown);
    assert!(
        shown.contains("hs256_secret = \"***\"") && shown.contains("operator_token = \"***\""),
        "{shown}"
    );
    assert!(shown.contains("u:***@127.0.0.1"), "{shown}");
    assert_silent("check-config", &said(&["check-config"], &every_secret()));
}

/// Each key that sounds like a secret is one to this test, so that a new one is not forgotten.
#[test]
fn every_secret_of_the_configuration_is_among_these() {
    let known = every_secret();
    let mut section = String::new();
    for line in include_str!("../../../src/settings/default.toml").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
        }
        let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else { continue };
        let sounds =
            ["secret", "password", "operator_token", "headers"].iter().any(|word| key.contains(word));
        if sounds {
            let name = format!("POLLGATE_{}__{key}", section.replace('.', "__")).to_uppercase();
            assert!(known.contains_key(name.as_str()), "{name} is not looked at");
        }
    }
}

/// One service after the other is away, or refuses: each says so with its address, and without its password.
#[test]
fn what_cannot_be_reached_is_complained_about_without_them() {
    let mut variables = every_secret();
    for command in [&["serve"][..], &["migrate"], &["token", "list"]] {
        let text = said(command, &variables);
        assert_silent(&format!("{command:?} without a database"), &text);
        assert!(text.contains("database") || text.contains("refused"), "{text}");
    }
    // the database is there, and whoever it is asks with a wrong password or for a wrong database
    let schema = PgSchema::create();
    let place = schema.url().rsplit_once('@').map(|(_, place)| place.to_owned()).unwrap();
    for login in [format!("nobody-here:{}", secret("db")), format!("postgres:{}", secret("db"))] {
        let wrong = format!("postgres://{login}@{}/no-such-database", place.split('/').next().unwrap());
        variables.insert("POLLGATE_STORE__URL", wrong);
        assert_silent("serve with a wrong login", &said(&["serve"], &variables));
    }
    variables.insert("POLLGATE_STORE__URL", schema.url());
    assert_silent("serve without a broker", &said(&["serve"], &variables));
    let place = rabbitmq_url().rsplit_once('@').map(|(_, place)| place.to_owned()).unwrap();
    variables.insert("POLLGATE_BROKER__URL", format!("amqp://guest:{}@{place}", secret("mq")));
    let text = said(&["serve"], &variables);
    assert_silent("serve with a wrong login at the broker", &text);
    assert!(text.contains("ACCESS_REFUSED") || text.contains("broker"), "{text}");
    variables.insert("POLLGATE_BROKER__URL", rabbitmq_url());
    variables.insert("POLLGATE_BROKER__PREFIX", unique_prefix());
    assert_silent("serve without a bucket and a Redis", &said(&["serve"], &variables));
}

#[test]
fn what_cannot_be_understood_is_complained_about_without_them() {
    for (name, value) in [
        ("POLLGATE_STORE__URL", format!("postgres://u:{CANARY}@[nonsense/d")),
        ("POLLGATE_STORE__URL", format!("mysql://u:{CANARY}@db/d")),
        ("POLLGATE_BROKER__URL", format!("amqp://u:{CANARY}@mq:no-port/%2f")),
        ("POLLGATE_BROKER__URL", format!("http://u:{CANARY}@mq")),
        ("POLLGATE_THROTTLE__REDIS", format!("redis://u:{CANARY}@redis:no-port/0")),
        ("POLLGATE_THROTTLE__REDIS", format!("http://u:{CANARY}@redis")),
        ("POLLGATE_ATTACHMENTS__URL", format!("s3://u:{CANARY}@bucket")),
        ("POLLGATE_ATTACHMENTS__S3_ENDPOINT", format!("http://u:{CANARY}@minio")),
    ] {
        let mut variables = every_secret();
        variables.insert(name, value);
        for command in ["check-config", "config", "serve"] {
            assert_silent(&format!("{command} with a bad {name}"), &said(&[command], &variables));
        }
    }
}

/// Somebody's credentials, good and bad ones, in every place where one may stand.
fn call(gateway: &World) -> Vec<String> {
    let good = gateway.token("bob");
    let ticket =
        gateway.user("bob").post("/v1/tickets", &json!({})).json["ticket"].as_str().unwrap().to_owned();
    let bad = format!("bad-{CANARY}.{CANARY}.{CANARY}");
    let mut answers = Vec::new();
    for token in [&good, &bad, &format!("pg_{CANARY}"), &format!("pg_{}", "x".repeat(43))] {
        for authorization in
            [format!("Bearer {token}"), format!("Token {token}"), format!("Nonsense {token}")]
        {
            let user = gateway.anybody(Some(&authorization));
            for path in [
                "/v1/poll?wait=0",
                "/v1/rooms",
                "/v1/stream",
                "/v1/ws",
                "/v1/nothing",
                "/v1/mailboxes?user=bob",
            ] {
                // a stream that is good does not end
                if token != &good || !path.ends_with("stream") {
                    answers.push(format!("{:?}", user.get(path)));
                }
            }
            answers.push(format!("{:?}", user.send("ann", "hi")));
        }
        let nobody = gateway.anybody(None);
        answers.push(format!("{:?}", nobody.poll(&format!("wait=0&token={token}"))));
        answers.push(format!("{:?}", nobody.poll(&format!("wait=0&tokn={token}"))));
        answers.push(format!("{:?}", nobody.get(&format!("/v1/rooms?token={token}"))));
        answers.push(format!("{:?}", nobody.get(&format!("/v1/nothing?token={token}"))));
        answers.push(format!("{:?}", nobody.get(&format!("/demo/?token={token}"))));
    }
    let sse: Sse = gateway.anybody(None).stream(&format!("ticket={ticket}"));
    answers.push(format!("{:?}", sse.answer));
    answers.push(format!("{:?}", gateway.anybody(None).stream(&format!("ticket={ticket}")).answer));
    answers.push(format!("{:?}", gateway.anybody(None).stream(&format!("ticket={bad}")).answer));
    let address = gateway.operator_url().trim_start_matches("http://").parse().unwrap();
    for authorization in
        [format!("Bearer {}", secret("operator")), format!("Bearer {bad}"), format!("Basic {bad}")]
    {
        let operator = User::new(address, "", Some(authorization));
        for path in ["/metrics", "/readyz", "/", "/v1/mailboxes?user=bob"] {
            let answer = operator.get(path);
            answers.push(format!("{answer:?} {}", String::from_utf8_lossy(answer.body())));
        }
    }
    let log = gateway.log();
    for (what, text) in [("a token", &good), ("a ticket", &ticket)] {
        assert!(!log.contains(text.as_str()), "{what} in the log");
        assert!(!answers.iter().any(|answer| answer.contains(text.as_str())), "{what} in an answer");
    }
    answers.push(log);
    answers
}

#[test]
fn a_gateway_at_work_says_none_of_them() {
    let secrets = |builder: pollgate_testkit::Builder| {
        let redis = format!("redis://default:{}@{}/0", secret("redis"), redis_address());
        builder
            .env("RUST_LOG", "trace,lapin=trace")
            .env("POLLGATE_AUTH__JWT__HS256_SECRET", &secret("jwt"))
            .env("POLLGATE_AUTH__TICKET_SECRET", &secret("ticket"))
            .env("POLLGATE_HTTP__OPERATOR_TOKEN", &secret("operator"))
            .env("POLLGATE_THROTTLE__ENABLED", "true")
            .env("POLLGATE_THROTTLE__GENERAL", "")
            .env("POLLGATE_THROTTLE__MESSAGES", "1000/min")
            .env("POLLGATE_THROTTLE__REDIS", &redis)
            .env(
                "POLLGATE_TRACE__OTLP_ENDPOINT",
                &format!("http://u:{}@127.0.0.1:{}", secret("otlp"), free_port()),
            )
            .env("POLLGATE_TRACE__HEADERS", &format!("authorization=Bearer {}", secret("collector")))
            .env("POLLGATE_TRACE__SAMPLE_RATIO", "1")
    };
    for pair in [Embedded, Production] {
        let gateway = world_with(pair, secrets);
        for text in call(&gateway) {
            assert_silent(&format!("a gateway ({pair:?})"), &text);
        }
    }
}
