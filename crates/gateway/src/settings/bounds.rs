//! Values that would make the gateway useless, or that what stands behind it does not take.

use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::Sections;

/// With fewer looks some kinds of mailboxes would have none.
const LEAST_LOOKS: usize = 4;
/// Longest time RabbitMQ knows: milliseconds in 32 bits.
const LONGEST_S: u64 = u32::MAX as u64 / 1000;
/// More would keep RabbitMQ busy with nothing else.
const MOST_LOOKS: u64 = 2000;
/// A hundred years; more is meant as "for ever", which is 0.
const MOST_DAYS: u64 = 36_500;
/// Messages that are a day too old are a mistake in the configuration.
const MOST_EVERY_S: u64 = 86_400;
/// Clocks further apart than this are broken.
const MOST_LEEWAY_S: u64 = 86_400;
/// What stands between a client and us cuts a connection on which nothing goes for a minute.
const MOST_HEARTBEAT_MS: u64 = 30_000;
/// RabbitMQ's `consumer_timeout` is half an hour.
const MOST_UNCONFIRMED_MS: u64 = 25 * 60_000;
/// Who has not been here for an hour is not online.
const MOST_OFFLINE_AFTER_MS: u64 = 3_600_000;
/// Each word of typing is as many events; so many the broker takes at once.
const MOST_SIGNAL_MEMBERS: u64 = 1000;

impl Sections {
    /// The first thing that is wrong.
    pub(super) fn problem(&self) -> Option<String> {
        self.http
            .problem()
            .or_else(|| self.store.problem())
            .or_else(|| self.auth.problem())
            .or_else(|| self.throttle.problem())
            .or_else(|| self.attachments.problem())
            .or_else(|| self.trace.problem())
            .or_else(|| self.zero())
            .or_else(|| self.too_long())
            .or_else(|| self.contradiction())
            .or_else(|| bad_level(&self.log.level))
    }

    fn zero(&self) -> Option<String> {
        let (store, mailbox, limits) = (&self.store, &self.mailbox, &self.limits);
        let positive = [
            ("poll.hold_ms", self.poll.hold_ms),
            ("poll.limit", self.poll.limit as u64),
            ("poll.most_bytes", self.poll.most_bytes as u64),
            ("stream.heartbeat_ms", self.stream.heartbeat_ms),
            ("stream.unconfirmed_ms", self.stream.unconfirmed_ms),
            ("mailbox.max_length", mailbox.max_length),
            ("mailbox.message_ttl_s", mailbox.message_ttl_s),
            ("mailbox.expires_s", mailbox.expires_s),
            ("mailbox.session_expires_s", mailbox.session_expires_s),
            ("mailbox.prefetch", u64::from(mailbox.prefetch)),
            ("store.pool_size", u64::from(store.pool_size)),
            ("store.writer_queue", store.writer_queue as u64),
            ("store.connect_timeout_ms", store.connect_timeout_ms),
            ("store.acquire_timeout_ms", store.acquire_timeout_ms),
            ("store.statement_timeout_ms", store.statement_timeout_ms),
            ("store.idempotency_key_s", store.idempotency_key_s),
            ("retention.every_s", self.retention.every_s),
            ("limits.text_bytes", limits.text_bytes as u64),
            ("limits.batch_events", limits.batch_events as u64),
            ("limits.batch_bytes", limits.batch_bytes as u64),
            ("limits.recipients", limits.recipients as u64),
            ("limits.room_members", limits.room_members as u64),
            ("limits.signal_members", limits.signal_members as u64),
            ("presence.offline_after_ms", self.presence.offline_after_ms),
            ("limits.held_polls", limits.held_polls as u64),
            ("limits.held_polls_per_user", limits.held_polls_per_user as u64),
            ("limits.mailboxes", limits.mailboxes as u64),
            ("limits.sessions_per_user", limits.sessions_per_user as u64),
            ("limits.watched_mailboxes", limits.watched_mailboxes as u64),
            ("limits.relay_publications", limits.relay_publications as u64),
            ("limits.relay_bytes", limits.relay_bytes as u64),
            ("limits.outbox_rows", limits.outbox_rows as u64),
            ("limits.throttle_entries", limits.throttle_entries as u64),
            ("limits.tickets", limits.tickets as u64),
            ("throttle.timeout_ms", self.throttle.timeout_ms),
        ];
        let (key, _) = positive.into_iter().find(|(_, value)| *value == 0)?;
        Some(format!("{key} must not be 0"))
    }

    fn too_long(&self) -> Option<String> {
        let most = [
            ("mailbox.message_ttl_s", self.mailbox.message_ttl_s, LONGEST_S),
            ("mailbox.expires_s", self.mailbox.expires_s, LONGEST_S),
            ("mailbox.session_expires_s", self.mailbox.session_expires_s, LONGEST_S),
            ("presence.offline_after_ms", self.presence.offline_after_ms, MOST_OFFLINE_AFTER_MS),
            ("limits.signal_members", self.limits.signal_members as u64, MOST_SIGNAL_MEMBERS),
            ("messages.edit_s", self.messages.edit_s, LONGEST_S),
            ("retention.days", u64::from(self.retention.days), MOST_DAYS),
            ("retention.every_s", self.retention.every_s, MOST_EVERY_S),
            ("mailbox.looks_per_second", self.mailbox.looks_per_second as u64, MOST_LOOKS),
            ("stream.heartbeat_ms", self.stream.heartbeat_ms, MOST_HEARTBEAT_MS),
            ("stream.unconfirmed_ms", self.stream.unconfirmed_ms, MOST_UNCONFIRMED_MS),
            ("auth.jwt.leeway_s", self.auth.jwt.leeway_s, MOST_LEEWAY_S),
        ];
        let (key, _, most) = most.into_iter().find(|(_, value, most)| value > most)?;
        Some(format!("{key} must be at most {most}"))
    }

    fn contradiction(&self) -> Option<String> {
        if self.poll.limit > self.poll.most_events {
            return Some("poll.limit must not be above poll.most_events".into());
        }
        if (1..LEAST_LOOKS).contains(&self.mailbox.looks_per_second) {
            return Some(format!("mailbox.looks_per_second must be 0 or at least {LEAST_LOOKS}"));
        }
        if self.poll.jitter_percent > 50 {
            return Some("poll.jitter_percent must be at most 50".into());
        }
        let in_use_ms = self.poll.linger_ms.saturating_add(self.poll.hold_ms);
        (self.mailbox.session_expires_s.saturating_mul(1000) <= in_use_ms).then(|| {
            "mailbox.session_expires_s must be longer than poll.hold_ms and poll.linger_ms together".into()
        })
    }
}

/// Two listeners cannot share an address; port 0 is another one each time.
pub(super) fn same_address(one: SocketAddr, other: SocketAddr) -> bool {
    one == other && one.port() != 0
}

/// A word that is no level would name a target, and a mistyped level silence everything else.
fn bad_level(text: &str) -> Option<String> {
    let lone_word =
        |directive: &str| !directive.contains(['=', '[']) && directive.parse::<LevelFilter>().is_err();
    if text.trim().is_empty()
        || text.split(',').any(|directive| lone_word(directive.trim()))
        || EnvFilter::try_new(text).is_err()
    {
        return Some(
            "log.level: \"error\", \"warn\", \"info\", \"debug\", or directives such as \
             \"info,pollgate_core=debug\""
                .into(),
        );
    }
    None
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
