//! The words of findings. docs/operator-page.md repeats them, and a test holds the two together.

use serde::Serialize;

/// What a finding says, whatever the figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    /// What it means for clients and for what was accepted.
    pub(super) meaning: &'static str,
    /// What to do.
    pub(super) action: &'static str,
    /// Where in the documentation there is more.
    pub(super) docs: &'static str,
}

macro_rules! codes {
    ($($name:ident $code:literal, $scope:ident, $title:literal, $meaning:literal, $action:literal, $docs:literal;)+) => {
        /// Kinds of findings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code { $(#[doc = $title] $name,)+ }

        impl Code {
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub(super) const fn words(self) -> Words {
                match self {
                    $(Self::$name => Words {
                        code: $code, title: $title, meaning: $meaning, action: $action, docs: $docs,
                    },)+
                }
            }

            /// It is about one gateway, and others do not see it by themselves.
            pub(super) const fn is_of_one_gateway(self) -> bool {
                match self { $(Self::$name => codes!(@ $scope),)+ }
            }
        }
    };
    (@ one) => { true };
    (@ all) => { false };
}

codes! {
    StoreAway "store-away", one,
        "The database does not answer",
        "Sends are refused with 503. Polls go on, and what was accepted before is delivered.",
        "Look whether PostgreSQL runs and can be reached from here, and whether its connections are used up. The gateway connects again by itself.",
        "faults.md#postgresql";
    BrokerAway "broker-away", one,
        "RabbitMQ is away",
        "Sends are accepted and wait in the outbox; nothing is lost. Polls of its users are held and bring nothing, or are answered 503.",
        "Look whether the node runs, and at its log: a network that is cut, a password, a virtual host that is not there. The gateway connects again by itself.",
        "faults.md#rabbitmq";
    BrokerBlocked "broker-blocked", one,
        "RabbitMQ blocks publishers",
        "Its memory or its disk runs out. Sends are accepted and wait in the outbox; polls deliver what is queued already.",
        "Look at `rabbitmq-diagnostics alarms`. Give it memory or disk, or find the mailboxes in which most waits, and purge those that nobody reads.",
        "faults.md#rabbitmq";
    OutboxOld "outbox-old", one,
        "Events wait long for RabbitMQ",
        "What was committed is not published in time, so it arrives late. Nothing is lost; at limits.outbox_rows sends are refused.",
        "If RabbitMQ is not away or blocked, it is slow: look at its processor, its disk, and the way to it.",
        "metrics.md#what-to-watch";
    LimitMet "limit-met", one,
        "A limit was met",
        "Somebody was refused or had to wait. Nothing that was accepted is lost.",
        "Raise the setting if the machine can carry more, or add a gateway. When it is a bound of one user, look for a client that runs wild.",
        "limits.md";
    LimitNearFull "limit-near-full", one,
        "A limit is near",
        "Nobody is refused yet.",
        "Raise the setting if the machine can carry more, or add a gateway before it is met.",
        "limits.md";
    MailboxesAlarming "mailboxes-alarming", all,
        "Much waits in some mailboxes",
        "Their readers are away or too slow. What waits for longer than mailbox.message_ttl_s is dropped, and the reader is told to resync.",
        "Look at the table of mailboxes: one without a consumer has a client that is away, one with a consumer has a slow one. Purge what nobody will read.",
        "operations.md#queue-depth";
    ClockDiffers "clock-differs", all,
        "Clocks are apart",
        "A gateway refuses tokens that are good, or takes tokens that have ended; its times are off. Order and delivery do not depend on clocks.",
        "Let all machines keep time by NTP, or set auth.jwt.leeway_s to what they may be apart.",
        "faults.md#gateways";
    InstanceGone "instance-gone", all,
        "A gateway is gone without a word",
        "It was killed, or its machine or its network is gone. The others adopt what it had not published, 15 s after its last sign.",
        "Look why it ended, and start it again. It is shown for ten minutes.",
        "faults.md#gateways";
    InstanceLate "instance-late", all,
        "A gateway has not been heard of for seconds",
        "It stands still, or it cannot reach the database. After 15 s the others take over what it had not published.",
        "Look at its readiness, its machine, and its way to the database.",
        "faults.md#gateways";
    InstanceTroubled "instance-troubled", all,
        "Another gateway has trouble",
        "It says so of itself; its users notice, those of this gateway do not.",
        "Open its own operator page.",
        "operator-page.md#findings";
    HandoversUnanswered "handovers-unanswered", one,
        "Gateways do not answer each other",
        "A mailbox that moved was read by two gateways for a while: its events may have come twice or out of order. Nothing is lost.",
        "Look for a gateway that stands still or is overloaded, and at RabbitMQ, which carries what they ask each other.",
        "delivery.md#several-gateways";
    ThrottleUnsettled "throttle-unsettled", one,
        "Requests are not counted together",
        "Users may make as many requests at each gateway as they should over all.",
        "Look at what counts them: Redis when throttle.redis is set, otherwise the database.",
        "throttling.md";
    PollsSuperseded "polls-superseded", one,
        "Polls push each other out",
        "Two clients read one mailbox in turn; each takes the other's place, and both hear 409.",
        "Give each tab and each device a session of its own, or let tabs share one loop as the client library does.",
        "delivery.md";
    SendsSlow "sends-slow", one,
        "Messages are stored slowly",
        "Whoever sends waits for the database's commit.",
        "Look at the database: its disk, its locks, its load, and the way to it. More senders at once are no reason: they share commits.",
        "metrics.md";
    AttachmentsFailing "attachments-failing", one,
        "The storage of attachments fails",
        "Files cannot be uploaded or downloaded. Messages go on, with files that are stored already too.",
        "Look whether the folder is mounted, or the bucket can be reached with this key.",
        "faults.md#the-attachment-storage";
    VersionsDiffer "versions-differ", all,
        "Gateways of several versions run",
        "This is meant to be while an upgrade is rolled out.",
        "Finish it: replace the older ones.",
        "operations.md";
    Draining "draining", one,
        "This gateway stops",
        "Its held polls are answered and told to come back elsewhere; it takes no new ones for long.",
        "Nothing, if it was you who stopped it.",
        "operations.md#stopping";
}

impl Code {
    pub(super) const fn as_str(self) -> &'static str {
        self.words().code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_repeats_every_word() {
        let page = include_str!("../../../../docs/operator-page.md");
        for words in Code::ALL.iter().map(|code| code.words()) {
            for said in [words.title, words.meaning, words.action] {
                assert!(page.contains(said), "docs/operator-page.md does not say: {said}");
            }
            assert!(page.contains(&format!("`{}`", words.code)), "{}", words.code);
        }
    }

    /// A heading as a link names it.
    fn anchor(heading: &str) -> String {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    }

    #[test]
    fn what_is_linked_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
        for words in Code::ALL.iter().map(|code| code.words()) {
            let (page, place) = words.docs.split_once('#').unwrap_or((words.docs, ""));
            let text = std::fs::read_to_string(format!("{folder}/{page}")).expect(page);
            let mut headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
            assert!(place.is_empty() || headings.any(|one| one == place), "{}: {}", words.code, words.docs);
        }
    }
}
