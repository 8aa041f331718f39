//! RabbitMQ's version, and what differs between versions.

use super::{Visit, greet};
use crate::cli::doctor::finding::Finding;

/// What pollgate relies on beyond the protocol.
const NEEDED: [&str; 4] =
    ["publisher_confirms", "basic.nack", "consumer_cancel_notify", "connection.blocked"];
/// The version that the tests run on.
const TESTED: (u32, u32) = (3, 10);
/// Before it, a cluster with many queues takes very long to start.
const QUICK_RESTART: (u32, u32) = (3, 12);
/// From it on a message has 16 MiB at most, and 128 MiB before.
const SMALLER_MESSAGES: (u32, u32) = (4, 0);
const MOST_BYTES: usize = 16 << 20;

pub(super) async fn check(visit: &Visit<'_>) -> Vec<Finding> {
    let id = "broker.version";
    let greeting = match greet(visit).await {
        Ok(greeting) => greeting,
        Err(error) => return vec![Finding::note(id, format!("not known: {error}"))],
    };
    let seen = format!("{} {}, cluster {}", greeting.product, greeting.version, greeting.cluster);
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|needed| !greeting.capabilities.iter().any(|capability| capability == needed))
        .collect();
    if !missing.is_empty() {
        return vec![
            Finding::problem(id, format!("{seen}; it does not know {}", missing.join(", ")))
                .means("pollgate's promises rest on these")
                .change("RabbitMQ 3.10 or later"),
        ];
    }
    if greeting.product != "RabbitMQ" {
        return vec![
            Finding::warning(id, seen)
                .means("pollgate is made for RabbitMQ and tested with it alone")
                .change("RabbitMQ, or try everything out yourself"),
        ];
    }
    told(seen, &greeting.version, visit.settings.limits.text_bytes)
}

fn told(seen: String, version: &str, text_bytes: usize) -> Vec<Finding> {
    let id = "broker.version";
    let Some(number) = number(version) else { return vec![Finding::note(id, seen)] };
    let mut findings = vec![match number {
        number if number < TESTED => Finding::warning(id, seen)
            .means("older than 3.10, which the tests run on; nobody looks after it any more")
            .change("RabbitMQ 3.13 or 4"),
        number if number >= SMALLER_MESSAGES => Finding::ok(id, format!("{seen}; the tests run on 3.10")),
        _ => Finding::ok(id, seen),
    }];
    let differs = "broker.differences";
    if number < QUICK_RESTART {
        findings.push(
            Finding::note(differs, "before 3.12 a node with very many queues starts slowly")
                .means("15 minutes for 100,000 queues, by RabbitMQ's own notes, and 3 from 3.12 on; sends are accepted meanwhile"),
        );
    }
    if (SMALLER_MESSAGES..(4, 3)).contains(&number) {
        findings.push(
            Finding::note(differs, "in 4.0 to 4.2 many queues that expire at once are deleted more slowly")
                .means("after a large outage the broker is busy for a while with mailboxes that nobody came back for"),
        );
    }
    if number >= SMALLER_MESSAGES && text_bytes > MOST_BYTES {
        findings.push(
            Finding::problem(differs, format!("limits.text_bytes is {text_bytes}, and from 4.0 on a message has 16 MiB at most"))
                .means("a message that is larger is accepted, and RabbitMQ closes the channel each time it is published")
                .change("smaller limits.text_bytes, or a larger max_message_size in rabbitmq.conf"),
        );
    }
    findings
}

fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-', '+']).map(str::parse::<u32>);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn versions_differ() {
        let levels = |version: &str, bytes| -> Vec<Level> {
            told(String::new(), version, bytes).iter().map(|finding| finding.level).collect()
        };
        assert_eq!(levels("3.8.9", 1), [Level::Warning, Level::Note]);
        assert_eq!(levels("3.10.8", 1 << 30), [Level::Ok, Level::Note]);
        assert_eq!(levels("3.13.0-rc.1", 1), [Level::Ok]);
        assert_eq!(levels("4.1.2", 1), [Level::Ok, Level::Note]);
        assert_eq!(levels("4.3.0", 32 << 20), [Level::Ok, Level::Problem]);
        assert_eq!(levels("unknown", 1), [Level::Note]);
    }
}
