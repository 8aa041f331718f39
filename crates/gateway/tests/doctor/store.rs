//! A database that is away, lax, read-only, older or newer, or on the wrong side of a pooler.

use std::fs;

use pollgate_testkit::{PgBouncer, PgCluster, PgSchema, free_port, rabbitmq_url};

use crate::world::{Said, SetUp};

fn doctor(url: &str) -> Said {
    SetUp::production(url, &rabbitmq_url()).only("store,clock").doctor()
}

#[test]
fn a_database_that_is_away_or_not_there_is_told_with_what_to_look_at() {
    let port = free_port();
    let said = doctor(&format!("postgres://ann:geheim@127.0.0.1:{port}/db"));
    said.assert("store.reachable", "problem", &["is the server running", "ann:***@"]);
    let schema = PgSchema::create();
    let (server, _) = schema.url().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    doctor(&format!("{server}/no_such_database")).assert("store.reachable", "problem", &["createdb"]);
}

#[test]
fn a_server_that_may_lose_what_it_confirmed_is_a_problem() {
    let cluster = PgCluster::start();
    cluster.query("alter system set full_page_writes = off");
    cluster.query("select pg_reload_conf()");
    pollgate_testkit::eventually("it is off", std::time::Duration::from_secs(30), || {
        cluster.query("show full_page_writes").trim() == "off"
    });
    let said = doctor(&cluster.url());
    said.assert("store.durability", "problem", &["full_page_writes", "201"]);
    // what pollgate sets for its own sessions is no matter
    cluster.query("alter system reset full_page_writes");
    cluster.query("alter role postgres set synchronous_commit = off");
    cluster.query("alter role postgres set default_transaction_read_only = on");
    cluster.query("set default_transaction_read_only = off; select pg_reload_conf()");
    pollgate_testkit::eventually("it is on", std::time::Duration::from_secs(30), || {
        cluster.query("show full_page_writes").trim() == "on"
    });
    let said = doctor(&cluster.url());
    said.assert("store.durability", "ok", &[]);
    said.assert("store.primary", "problem", &["read-only"]);
}

#[test]
fn connections_are_measured_by_what_gateways_take() {
    let schema = PgSchema::create();
    let said = SetUp::production(&schema.url(), &rabbitmq_url())
        .env("STORE__POOL_SIZE", "100000")
        .only("store")
        .doctor();
    said.assert("store.connections", "problem", &["room for 0 gateways", "pool_size"]);
}

#[test]
fn rights_and_names_of_schemas_are_looked_at() {
    let schema = PgSchema::create();
    let elsewhere = schema.url().replace(schema.name(), "no_such_schema");
    doctor(&elsewhere).assert("store.rights", "problem", &["search_path"]);
    let role = schema.name();
    schema.query(&format!("create role {role}_user login; grant usage on schema {role} to {role}_user"));
    let (scheme, rest) = schema.url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let place = rest.rsplit_once('@').map_or(rest.clone(), |(_, place)| place.to_owned());
    let said = doctor(&format!("{scheme}://{role}_user@{place}"));
    schema.query(&format!("revoke usage on schema {role} from {role}_user; drop role {role}_user"));
    said.assert("store.rights", "warning", &["may not make tables", "GRANT CREATE"]);
}

#[test]
fn a_schema_that_is_older_or_newer_is_told() {
    let schema = PgSchema::create();
    let set_up = SetUp::production(&schema.url(), &rabbitmq_url()).only("store");
    let set_up = set_up.env("STORE__MIGRATE", "false");
    set_up.doctor().assert("store.schema", "problem", &["pollgate migrate"]);
    schema.query("create table __diesel_schema_migrations (version varchar(50) primary key, run_on timestamp default now())");
    schema.query("insert into __diesel_schema_migrations (version) values ('20991231000000')");
    set_up.doctor().assert("store.schema", "warning", &["20991231000000", "newer"]);
}

#[test]
fn a_damaged_file_is_found() {
    let set_up = SetUp::embedded().only("store");
    let file = format!("{}/pollgate.db", set_up.setting("DATA_DIR"));
    let migrate = |set_up: &SetUp| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pollgate"));
        command.arg("migrate").env("POLLGATE_DATA_DIR", set_up.setting("DATA_DIR"));
        assert!(command.output().unwrap().status.success());
    };
    migrate(&set_up);
    set_up.doctor().assert("store.whole", "ok", &[]);
    // pages behind the first ones, which hold the schema
    let mut bytes = fs::read(&file).unwrap();
    let length = bytes.len();
    let middle = bytes[length / 2..].iter_mut();
    middle.for_each(|byte| *byte = 0xA5);
    fs::write(&file, &bytes).unwrap();
    let said = set_up.doctor();
    said.assert("store.whole", "problem", &["damaged", "backup"]);
    // and what is no database at all
    fs::write(&file, b"this is no database, and was never one; it is only a text of some length").unwrap();
    let said = set_up.doctor();
    said.assert("store.whole", "problem", &["not a database"]);
}

#[test]
fn looking_at_a_file_changes_nothing_in_it() {
    let set_up = SetUp::embedded().only("store");
    fs::create_dir_all(set_up.setting("DATA_DIR")).unwrap();
    let file = format!("{}/pollgate.db", set_up.setting("DATA_DIR"));
    fs::write(&file, b"").unwrap();
    let said = set_up.doctor();
    said.assert("store.journal", "note", &["delete"]);
    said.assert("store.schema", "note", &["empty"]);
    assert_eq!(fs::read(&file).unwrap().len(), 0);
    let there = fs::read_dir(set_up.setting("DATA_DIR")).unwrap().count();
    assert_eq!(there, 1, "nothing beside it");
}

#[test]
fn a_pooler_that_shares_sessions_is_found_and_one_that_does_not_is_none() {
    let shared = PgBouncer::start("transaction");
    doctor(&shared.url()).assert("store.sessions", "problem", &["pool_mode = session"]);
    let own = PgBouncer::start("session");
    doctor(&own.url()).assert("store.sessions", "ok", &[]);
}
