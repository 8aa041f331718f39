//! The command as a whole: what it says of a good set-up, how it says it, and that it leaves nothing.

use std::fs;

use pollgate_testkit::{Gateway, PgSchema, Vhost, rabbitmq_url};
use serde_json::Value;

use crate::world::{SetUp, assert_left_as_it_was};

const FAMILIES: [&str; 7] = ["configuration", "files", "throttle", "store", "broker", "clock", "system"];

#[test]
fn a_new_embedded_set_up_is_well() {
    let said = SetUp::embedded().doctor();
    said.assert_well();
    for family in FAMILIES {
        assert!(!said.of(&format!("{family}.")).is_empty(), "nothing of {family}");
    }
    said.assert("store.reachable", "note", &["not there yet"]);
}

#[test]
fn a_set_up_in_use_is_well_and_the_gateway_in_it_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_pollgate"))
        .backends(pollgate_testkit::Backends::Embedded(folder.path().to_owned()))
        .env("POLLGATE_AUTH__JWT__HS256_SECRET", "q7Jw0uYv3nF5eKx9RzLh2TbMd8cGpA4iSo6")
        .start();
    assert_eq!(gateway.user("ann").send("bob", "hi").status, 201);
    let mut set_up = SetUp::embedded();
    for (name, value) in gateway.environment() {
        if let Some(name) = name.strip_prefix("POLLGATE_") {
            set_up = set_up.env(name, value);
        }
    }
    let said = set_up.doctor();
    said.assert_well();
    said.assert("system.public-port", "ok", &["held by a pollgate"]);
    said.assert("store.journal", "ok", &[]);
    said.assert("store.whole", "ok", &[]);
    said.assert("store.schema", "ok", &["up to date"]);
    said.assert("files.attachments", "ok", &["written, read and removed"]);
    assert_eq!(gateway.user("ann").send("bob", "ho").status, 201);
}

#[test]
fn a_new_production_set_up_is_well_and_nothing_is_left_in_it() {
    let (schema, vhost) = (PgSchema::create(), Vhost::create());
    let said = SetUp::production(&schema.url(), &vhost.url()).env("ATTACHMENTS__URL", "file:///tmp").doctor();
    said.assert_well();
    said.assert("broker.version", "ok", &["RabbitMQ "]);
    said.assert("broker.exchange", "ok", &["first gateway"]);
    for check in [
        "alarm",
        "publish",
        "returns",
        "copies",
        "length",
        "expiry",
        "giving-back",
        "cancel",
        "control",
        "tidy",
    ] {
        assert_eq!(said.of(&format!("broker.{check}")).len(), 1, "{check}");
    }
    said.assert("store.schema", "note", &["empty"]);
    said.assert("store.sessions", "ok", &[]);
    assert_eq!(
        schema.query("select count(*) from pg_tables where schemaname = current_schema()").trim(),
        "0"
    );
    assert_left_as_it_was(&vhost);
}

#[test]
fn a_production_set_up_in_use_is_well() {
    let schema = PgSchema::create();
    let backends = pollgate_testkit::Backends::Production {
        pg_url: schema.url(),
        amqp_url: rabbitmq_url(),
        prefix: pollgate_testkit::unique_prefix(),
    };
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_pollgate")).backends(backends).start();
    assert_eq!(gateway.user("ann").send("bob", "hi").status, 201);
    let mut set_up = SetUp::production(&schema.url(), &rabbitmq_url());
    for name in ["BROKER__PREFIX", "HTTP__LISTEN", "HTTP__OPERATOR_LISTEN"] {
        set_up = set_up.env(name, &gateway.environment()[&format!("POLLGATE_{name}")]);
    }
    let said = set_up.only("store,broker,system").doctor();
    said.assert_well();
    said.assert("broker.exchange", "ok", &["is there"]);
    said.assert("store.schema", "ok", &["up to date"]);
    said.assert("system.operator-port", "ok", &["held by a pollgate"]);
    let mut user = gateway.user("bob").poll("cursor=&wait=5");
    assert_eq!(user.json["events"].take().as_array().map(Vec::len), Some(2), "its mailboxes are untouched");
}

#[test]
fn families_are_chosen_and_people_read_words() {
    let set_up = SetUp::embedded().only("throttle,configuration");
    let output = set_up.output(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.starts_with("configuration\n  ok       configuration.readable"), "{text}");
    assert!(text.contains("\nthrottle\n") && !text.contains("\nstore\n"), "{text}");
    assert!(!text.contains('\x1b'), "no colours away from a terminal");
    assert!(text.trim_end().ends_with(" ok"), "{text}");
}

#[test]
fn a_command_that_makes_no_sense_is_told_apart_from_a_problem() {
    let output = SetUp::embedded().output(&["--only", "nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nonsense"));
}

#[test]
fn strictness_makes_a_warning_a_problem() {
    let set_up = SetUp::embedded().env("HTTP__CORS_ORIGINS", "[\"*\"]").only("configuration");
    assert_eq!(set_up.output(&[]).status.code(), Some(0));
    assert_eq!(set_up.output(&["--strict"]).status.code(), Some(1));
}

/// Each check that can be met has a line in the docs, and the docs name no other.
#[test]
fn the_docs_list_every_check() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let docs = fs::read_to_string(format!("{root}/docs/doctor.md")).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/doctor"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(path).unwrap();
            for literal in source.split('"').skip(1).step_by(2) {
                let fits = literal.split_once('.').is_some_and(|(family, check)| {
                    FAMILIES.contains(&family)
                        && !check.is_empty()
                        && check.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                });
                // settings are named, too
                if fits && !literal.ends_with(".time") && !literal.ends_with(".url") {
                    ids.insert(literal.to_owned());
                }
            }
        }
    }
    assert!(ids.len() > 40, "{ids:?}");
    let listed: std::collections::BTreeSet<String> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| Some(line.split_once('`')?.0.to_owned()))
        .filter(|id| id.contains('.'))
        .collect();
    assert_eq!(listed, ids);
}

#[test]
fn no_secret_is_ever_shown() {
    let set_up =
        SetUp::production("postgres://ann:geheim1@127.0.0.1:1/db", "amqp://ann:geheim2@127.0.0.1:1/%2f")
            .env("THROTTLE__REDIS", "redis://:geheim3@127.0.0.1:1/0")
            .env("AUTH__JWT__HS256_SECRET", "geheim4 geheim4 geheim4 geheim4 geheim4")
            .env("ATTACHMENTS__URL", "s3://nowhere")
            .env("ATTACHMENTS__S3_ENDPOINT", "http://127.0.0.1:1")
            .env("ATTACHMENTS__S3_ACCESS_KEY_ID", "key")
            .env("ATTACHMENTS__S3_SECRET_ACCESS_KEY", "geheim5")
            .env("ATTACHMENTS__TIMEOUT_MS", "1000");
    let said = set_up.doctor();
    assert_eq!(said.code, 1);
    assert!(!said.report.to_string().contains("geheim"), "{:#}", said.report);
    for check in ["store.reachable", "broker.reachable", "throttle.redis", "files.attachments"] {
        said.assert(check, "problem", &[]);
    }
    let status: &Value = &said.report["summary"];
    assert!(status["problems"].as_u64() >= Some(5), "{status}");
}
