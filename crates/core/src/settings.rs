//! What can be set about the rules: times, sizes and bounds.

use std::time::Duration;

use crate::ThrottleSettings;
use crate::attachments::AttachmentSettings;
use crate::retention::Retention;
use crate::trace::Tracing;

/// Everything the rules can be told; the gateway's configuration fills it.
#[derive(Clone, Debug)]
pub struct CoreSettings {
    /// Longest hold of a poll.
    pub hold: Duration,
    /// How unevenly holds end, in percent of the hold: loops started together must not stay in step.
    pub jitter_percent: u32,
    /// How long a mailbox stays attended after its last poll.
    pub linger: Duration,
    /// Over so much time at most the ends of holds are spread when the gateway drains.
    pub drain: Duration,
    /// Most bytes of events in one answer.
    pub answer_bytes: usize,
    /// How long an event waits in a mailbox; a cursor older than that means `resync`.
    pub message_ttl: Duration,
    /// How long a session's mailbox lives without being used; a session's cursor older than that means `resync`.
    pub session_expires: Duration,
    /// How many events a mailbox holds; one found that full has overflowed.
    pub mailbox_length: u64,
    /// Most unconfirmed events of one mailbox in this process.
    pub prefetch: u16,
    /// Messages are published as transient: the store can replay them, and a broker that lost them means `resync`.
    pub unstored: bool,
    /// Most bytes of a message's text.
    pub text_bytes: usize,
    /// How long after their last poll somebody counts as online.
    pub offline_after: Duration,
    /// Typing, read marks and presence are told in rooms of at most so many members.
    pub signal_members: usize,
    /// Most recipients of one event, and events of one batch.
    pub recipients: usize,
    /// Most events in one batch.
    pub batch_events: usize,
    /// Most members of a room.
    pub room_members: usize,
    /// Most polls held for one user.
    pub held_polls_per_user: usize,
    /// Most polls held in all.
    pub held_polls: usize,
    /// Most mailboxes attended.
    pub mailboxes: usize,
    /// Most sessions of one user among them.
    pub sessions_per_user: usize,
    /// More events than this waiting in a mailbox are an alarm.
    pub alarm_depth: u64,
    /// Mailboxes that are looked at in a second, to find deep ones; 0: none.
    pub looks_per_second: usize,
    /// Most users and sessions that are watched for that.
    pub watched_mailboxes: usize,
    /// Most committed publications waiting in memory for the broker; more wait in the outbox alone.
    pub relay_publications: usize,
    /// Most bytes of them.
    pub relay_bytes: usize,
    /// Most outbox rows of this instance; at that bound nothing more is accepted.
    pub outbox_rows: usize,
    /// How many requests a user may make.
    pub throttle: ThrottleSettings,
    /// Files that go with messages.
    pub attachments: AttachmentSettings,
    /// How long after it was sent a message may be changed or deleted; `None`: always.
    pub edit_within: Option<Duration>,
    /// Messages can be found by their words.
    pub search: bool,
    /// Which messages are removed.
    pub retention: Retention,
    /// A stage (commit, publish, delivery) that takes longer is logged as slow.
    pub slow: Duration,
    /// Who is told of the stages of messages that are traced.
    pub tracing: Tracing,
}

impl Default for CoreSettings {
    fn default() -> Self {
        Self {
            hold: Duration::from_millis(5500),
            jitter_percent: 10,
            linger: Duration::from_secs(10),
            drain: Duration::from_secs(4),
            answer_bytes: 1 << 20,
            message_ttl: Duration::from_secs(3600),
            session_expires: Duration::from_secs(600),
            mailbox_length: 10_000,
            prefetch: 256,
            unstored: false,
            text_bytes: 64 << 10,
            offline_after: Duration::from_secs(10),
            signal_members: 100,
            recipients: 1000,
            batch_events: 1000,
            room_members: 1000,
            held_polls_per_user: 8,
            held_polls: 100_000,
            mailboxes: 100_000,
            alarm_depth: 100,
            looks_per_second: 50,
            watched_mailboxes: 100_000,
            sessions_per_user: 100,
            relay_publications: 20_000,
            relay_bytes: 64 << 20,
            outbox_rows: 1_000_000,
            throttle: ThrottleSettings::off(),
            attachments: AttachmentSettings::default(),
            edit_within: None,
            search: true,
            retention: Retention::default(),
            slow: Duration::from_millis(250),
            tracing: Tracing::default(),
        }
    }
}
