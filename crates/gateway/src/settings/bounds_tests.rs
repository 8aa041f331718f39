use rstest::rstest;

use crate::settings::{Settings, merge};

/// What is said about a file with one key, written `section.key`, and its value.
fn said(key: &str, value: &str) -> Option<String> {
    let (section, name) = key.rsplit_once('.').unwrap();
    let text = format!("[{section}]\n{name} = {value}");
    Settings::check(merge(&text, "pollgate.toml", None).unwrap()).err().map(|error| error.to_string())
}

#[rstest]
fn zero_is_refused_where_nothing_would_work(
    #[values(
        "http.header_timeout_ms",
        "http.body_timeout_ms",
        "http.most_connections",
        "store.pool_size",
        "store.writer_queue",
        "store.connect_timeout_ms",
        "store.acquire_timeout_ms",
        "store.statement_timeout_ms",
        "store.idempotency_key_s",
        "broker.publish_window",
        "broker.mailboxes_per_channel",
        "broker.channels_per_connection",
        "broker.timeout_ms",
        "broker.heartbeat_s",
        "broker.memory_bytes",
        "broker.memory_publications",
        "poll.hold_ms",
        "poll.limit",
        "poll.most_bytes",
        "mailbox.max_length",
        "mailbox.message_ttl_s",
        "mailbox.expires_s",
        "mailbox.session_expires_s",
        "mailbox.prefetch",
        "retention.every_s",
        "limits.text_bytes",
        "limits.batch_events",
        "limits.batch_bytes",
        "limits.recipients",
        "limits.signal_members",
        "presence.offline_after_ms",
        "limits.held_polls",
        "limits.held_polls_per_user",
        "limits.mailboxes",
        "limits.watched_mailboxes",
        "limits.throttle_entries",
        "throttle.timeout_ms",
        "trace.timeout_ms",
        "trace.interval_ms",
        "trace.batch_spans",
        "limits.relay_publications",
        "limits.relay_bytes",
        "limits.outbox_rows",
        "attachments.timeout_ms",
        "attachments.most_bytes",
        "attachments.per_message",
        "attachments.uploads",
        "attachments.uploads_per_user",
        "attachments.downloads",
        "attachments.downloads_per_user",
        "attachments.upload_s"
    )]
    key: &str,
) {
    let complaint = said(key, "0").unwrap();
    assert!(complaint.contains(key) && complaint.contains("must not be 0"), "{complaint}");
}

#[rstest]
#[case("mailbox.message_ttl_s", "4294967", "4294968")]
#[case("mailbox.expires_s", "4294967", "9223372036854775807")]
#[case("mailbox.session_expires_s", "4294967", "4294968")]
#[case("mailbox.looks_per_second", "0", "3")]
#[case("mailbox.looks_per_second", "2000", "2001")]
#[case("auth.jwt.leeway_s", "86400", "86401")]
#[case("presence.offline_after_ms", "3600000", "3600001")]
#[case("limits.signal_members", "1000", "1001")]
#[case("messages.edit_s", "4294967", "4294968")]
#[case("retention.days", "36500", "36501")]
#[case("retention.every_s", "86400", "86401")]
#[case("poll.jitter_percent", "50", "51")]
#[case("poll.limit", "1000", "1001")]
#[case("poll.linger_ms", "594499", "594500")]
#[case("poll.linger_ms", "0", "9223372036854775807")]
#[case("log.level", r#""info,pollgate_core=debug""#, r#""inof""#)]
#[case("log.level", r#""off""#, r#""info,a=b=c""#)]
#[case("log.level", r#""warn,[accept]=debug""#, r#""""#)]
#[case("store.url", r#""""#, r#""mysql://db/x""#)]
#[case("store.url", r#""sqlite://a.db""#, r#""a.db""#)]
#[case("store.url", r#""postgres://db/x""#, r#""postgres""#)]
#[case("store.url", r#""postgresql://db/x""#, r#""postgresql:db""#)]
#[case("http.operator_listen", r#""127.0.0.1:8081""#, r#""127.0.0.1:8080""#)]
#[case("http.write_timeout_ms", "1", "0")]
#[case("http.write_timeout_ms", "2147483647", "2147483648")]
#[case("http.cors_origins", r#"["https://shop.example"]"#, r#"["shop.example"]"#)]
#[case("auth.jwt.hs256_secret", r#""0123456789abcdef0123456789abcdef""#, r#""short""#)]
fn the_last_good_value_is_taken_and_the_next_refused(
    #[case] key: &str,
    #[case] good: &str,
    #[case] bad: &str,
) {
    assert_eq!(said(key, good), None);
    let complaint = said(key, bad).unwrap();
    assert!(complaint.contains(key), "{complaint}");
}

#[test]
fn port_0_may_stand_twice() {
    let text = "[http]\nlisten = \"127.0.0.1:0\"\noperator_listen = \"127.0.0.1:0\"";
    assert!(Settings::check(merge(text, "pollgate.toml", None).unwrap()).is_ok());
}

#[test]
fn sums_that_would_overflow_do_not() {
    let text = "[poll]\nhold_ms = 9223372036854775807\nlinger_ms = 9223372036854775807";
    let complaint = Settings::check(merge(text, "pollgate.toml", None).unwrap()).unwrap_err().to_string();
    assert!(complaint.contains("session_expires_s"), "{complaint}");
}
