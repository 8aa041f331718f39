//! What is wrong with a configuration in itself.

use std::fs;

use pollgate_testkit::{redis_url, unique_prefix};
use rstest::rstest;

use crate::world::SetUp;

#[rstest]
#[case::unknown("[http]\nlisten_on = \"x\"", &["listen_on", "pollgate.toml"])]
#[case::kind("[poll]\nhold_ms = \"long\"", &["poll.hold_ms", "pollgate.toml"])]
#[case::syntax("[poll\n", &["line 1", "pollgate.toml"])]
#[case::sense("[store]\nurl = \"mysql://geheim@db\"", &["store.url"])]
#[case::short("[auth.jwt]\nhs256_secret = \"geheim\"", &["auth.jwt.hs256_secret", "32 bytes"])]
fn a_file_that_cannot_be_used_is_told_by_key(#[case] text: &str, #[case] words: &[&str]) {
    let set_up = SetUp::embedded();
    let file = set_up.folder.path().join("pollgate.toml");
    fs::write(&file, text).unwrap();
    // no environment over it
    let set_up = SetUp::bare(set_up.folder).args(&["--config", &file.to_string_lossy()]);
    let said = set_up.doctor();
    said.assert("configuration.readable", "problem", words);
    assert_eq!(said.code, 1);
    assert!(!said.report.to_string().contains("geheim"));
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let said = SetUp::embedded().args(&["--config", "nowhere.toml"]).doctor();
    said.assert("configuration.readable", "problem", &["nowhere.toml", "--config"]);
}

#[rstest]
#[case("BROKER__PREFIX", "x", "configuration.pair", "ok", "one gateway")]
#[case("HTTP__CORS_ORIGINS", "[\"*\"]", "configuration.cors", "warning", "every site")]
#[case("HTTP__GRACE_MS", "120000", "configuration.grace", "warning", "120000")]
#[case("POLL__HOLD_MS", "45000", "configuration.hold", "warning", "45000")]
#[case("HTTP__KEEP_ALIVE_MS", "5000", "configuration.keep-alive", "warning", "502")]
#[case(
    "AUTH__JWT__HS256_SECRET",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "configuration.secret",
    "problem",
    "guesses"
)]
#[case(
    "AUTH__JWT__HS256_SECRET",
    "at least 32 bytes, shared with whoever signs tokens",
    "configuration.secret",
    "warning",
    "tried first"
)]
#[case(
    "AUTH__TICKET_SECRET",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "configuration.ticket-secret",
    "problem",
    "guesses"
)]
#[case(
    "HTTP__OPERATOR_TOKEN",
    "cccccccccccccccccccccccccccccccccccc",
    "configuration.operator-token",
    "problem",
    "guesses"
)]
#[case("HTTP__LISTEN", "0.0.0.0:18080", "configuration.public-address", "note", "trusted_proxies")]
#[case("THROTTLE__ENABLED", "false", "throttle.redis", "note", "any number")]
fn a_setting_that_would_bite_is_told(
    #[case] setting: &str,
    #[case] value: &str,
    #[case] check: &str,
    #[case] level: &str,
    #[case] word: &str,
) {
    let said = SetUp::embedded().env(setting, value).only("configuration,throttle").doctor();
    said.assert(check, level, &[word]);
}

#[test]
fn databases_and_brokers_that_do_not_go_together_are_told() {
    let half =
        SetUp::embedded().env("BROKER__KIND", "rabbitmq").env("BROKER__URL", "amqp://mq.example:5672/%2f");
    let said = half.only("configuration").doctor();
    said.assert("configuration.pair", "warning", &["SQLite"]);
    said.assert("configuration.encryption", "note", &["broker.url", "TLS"]);
    let half = SetUp::embedded().env("STORE__URL", "postgres://ann:ann@db.example/x").only("configuration");
    let said = half.doctor();
    said.assert("configuration.pair", "warning", &["second gateway"]);
    said.assert("configuration.demo", "warning", &["/demo/"]);
    said.assert("configuration.attachments", "warning", &["data_dir"]);
    said.assert("configuration.passwords", "warning", &["store.url", "ann:***@db.example"]);
    let guest = SetUp::production("postgres://localhost/x", "amqp://guest:guest@mq.example:5672/%2f");
    guest.only("configuration").doctor().assert("configuration.passwords", "warning", &["guest"]);
}

#[test]
fn a_heartbeat_that_is_too_slow_and_a_hold_that_is_too_long_for_rabbitmq_are_told() {
    let set_up = SetUp::production("postgres://localhost/x", "amqp://localhost")
        .env("BROKER__HEARTBEAT_S", "120")
        .env("POLL__LINGER_MS", "1800000")
        .env("MAILBOX__SESSION_EXPIRES_S", "36000")
        .only("configuration");
    let said = set_up.doctor();
    said.assert("configuration.heartbeat", "warning", &["240 s"]);
    said.assert("configuration.hold", "problem", &["25 minutes"]);
}

#[test]
fn keys_in_files_are_looked_at() {
    let set_up = SetUp::embedded();
    let file = set_up.folder.path().join("key.pem");
    fs::write(&file, "-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----\n").unwrap();
    let set_up =
        set_up.env("AUTH__JWT__PUBLIC_KEY_FILE", &file.to_string_lossy()).env("AUTH__JWT__HS256_SECRET", "");
    let set_up = set_up.only("configuration");
    let said = set_up.doctor();
    said.assert("configuration.secret", "problem", &["private key"]);
    assert!(!said.report.to_string().contains("geheim"));
    fs::remove_file(&file).unwrap();
    set_up.doctor().assert("configuration.secret", "problem", &["cannot be read"]);
}

#[test]
fn an_operator_address_that_others_reach_needs_a_token() {
    let open = SetUp::embedded().env("HTTP__OPERATOR_LISTEN", "0.0.0.0:19090").only("configuration");
    open.doctor().assert("configuration.readable", "problem", &["http.operator_token"]);
    let asks = open.env("HTTP__OPERATOR_TOKEN", "Zk3vR8pQw1xLf6TnYh0sBc9dMj4gUe7aIo2");
    asks.doctor().assert("configuration.operator-address", "note", &["TLS"]);
}

#[test]
fn redis_is_tried() {
    let prefix = unique_prefix();
    let with = |url: &str| {
        SetUp::embedded()
            .env("THROTTLE__REDIS", url)
            .env("THROTTLE__REDIS_PREFIX", &prefix)
            .only("throttle")
            .doctor()
    };
    let good = with(&redis_url());
    assert_ne!(good.of("throttle.redis")[0]["level"], "problem", "{:#}", good.report);
    with("redis://127.0.0.1:1/0").assert("throttle.redis", "problem", &["is Redis there"]);
}
