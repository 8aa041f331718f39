//! What RabbitMQ does, as opposed to what it says: policies and versions show here, whoever set them.

use std::time::{Duration, Instant};

use pollgate_broker::BrokerError;
use pollgate_broker::rabbit::probe::{Fill, Kept, Landed, Probe};

use super::{Visit, refusal};
use crate::cli::doctor::finding::Finding;

/// How long expiry is watched. A policy with a longer time is not seen.
const WATCHED: Duration = Duration::from_secs(3);
/// A confirm that takes longer means a slow disk, or a busy broker.
const SLOW_CONFIRM: Duration = Duration::from_millis(100);
const POLICIES: &str = "rabbitmqctl list_policies -p VHOST, list_operator_policies -p VHOST: give pollgate a virtual \
                        host of its own, or a pattern that does not match its queues";

/// Whether publishing is of use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    Flows,
    Stands,
}

/// Exchanges and queues; `false`: there is nothing to publish to.
pub(super) async fn places(probe: &mut Probe, visit: &Visit<'_>) -> (Vec<Finding>, bool) {
    let mut findings = Vec::new();
    match probe.exchange().await {
        Ok(true) => findings
            .push(Finding::ok("broker.exchange", "the exchange of the mailboxes is there, as it should be")),
        Ok(false) => findings.push(Finding::ok(
            "broker.exchange",
            "the first gateway makes the exchange; another could be made",
        )),
        Err(error) => {
            findings.push(refusal::of("broker.exchange", &error, visit));
            return (findings, false);
        }
    }
    findings.push(match probe.control().await {
        Ok(()) => Finding::ok("broker.control", "gateways can ask each other"),
        Err(error) => refusal::of("broker.control", &error, visit),
    });
    match probe.mailboxes().await {
        Ok(()) => {
            findings.push(Finding::ok(
                "broker.mailboxes",
                "mailboxes are declared and bound, with the arguments that are set",
            ));
            (findings, true)
        }
        Err(error) => {
            findings.push(refusal::of("broker.mailboxes", &error, visit));
            (findings, false)
        }
    }
}

/// The first publish, which shows whether there is an alarm.
pub(super) async fn publishing(probe: &Probe, visit: &Visit<'_>) -> (Vec<Finding>, Traffic) {
    let id = "broker.publish";
    let begun = Instant::now();
    let said = probe.publish().await;
    let took = begun.elapsed();
    if probe.is_blocked() {
        let alarm = Finding::problem("broker.alarm", "RabbitMQ blocks publishers: an alarm of memory or disk")
            .means("sends are accepted and wait in the outbox, up to limits.outbox_rows; polls deliver what is queued. \
                    What publishes was not looked at")
            .change("rabbitmq-diagnostics alarms names it: more memory or disk, a higher watermark, or fewer waiting events");
        return (vec![alarm], Traffic::Stands);
    }
    let finding = match said {
        Ok(Landed::Confirmed) if took > SLOW_CONFIRM => {
            Finding::warning(id, format!("a persistent event was confirmed after {took:.0?}"))
                .means("deliveries come that much later, and up to broker.publish_window of them are on their way at once")
                .change("a faster disk for RabbitMQ, or broker.persistence = \"unstored\"")
        }
        Ok(Landed::Confirmed) => Finding::ok(id, format!("a persistent event was confirmed after {took:.1?}")),
        Ok(landed) => Finding::problem(id, format!("an event to a mailbox that is bound: {landed:?}"))
            .means("events do not reach their mailboxes")
            .change("does the vhost's or a policy's setting refuse publishes (reject-publish, max-length 0)?"),
        Err(error) => {
            let change = matches!(error, BrokerError::TimedOut(_));
            let finding = refusal::of(id, &error, visit);
            let finding = if change { finding.change("look at RabbitMQ's disk and its log") } else { finding };
            return (vec![finding], Traffic::Stands);
        }
    };
    let quiet = Finding::ok("broker.alarm", "no alarm");
    (vec![quiet, finding], Traffic::Flows)
}

pub(super) async fn returns(probe: &Probe, visit: &Visit<'_>) -> Vec<Finding> {
    let id = "broker.returns";
    vec![match probe.publish_to_nobody().await {
        Ok(Landed::Returned) => Finding::ok(id, "an event for nobody comes back"),
        Ok(landed) => Finding::problem(id, format!("an event for nobody: {landed:?}, and it did not come back"))
            .means("mailboxes that have expired are not made again, and what is sent to them is lost")
            .change("is there an alternate-exchange policy for the exchange, or a proxy in between that drops returns?"),
        Err(error) => refusal::of(id, &error, visit),
    }]
}

pub(super) async fn copies(probe: &Probe, visit: &Visit<'_>) -> Vec<Finding> {
    let id = "broker.copies";
    vec![match probe.copies().await {
        Ok([1, 1, 1]) => {
            Finding::ok(id, "one publish reaches all mailboxes of a user, and those named in CC")
        }
        Ok([1, 1, copies]) => {
            Finding::note(id, format!("one publish reaches all mailboxes of a user; CC brought {copies}"))
                .means("pollgate does not use CC; RabbitMQ knows it")
        }
        Ok(got) => Finding::problem(id, format!("one publish to two mailboxes of a user brought {got:?}"))
            .means("devices of one user do not all get their events, or get them twice")
            .change("look for other bindings of the exchange, and for policies"),
        Err(error) => refusal::of(id, &error, visit),
    }]
}

pub(super) async fn length(probe: &Probe, visit: &Visit<'_>) -> Vec<Finding> {
    vec![match probe.fill().await {
        Ok(fill) => told_of_length(fill),
        Err(error) => refusal::of("broker.length", &error, visit),
    }]
}

fn told_of_length(fill: Fill) -> Finding {
    let id = "broker.length";
    let Fill { put, refused, held, most, oldest } = fill;
    if refused > 0 {
        return Finding::problem(id, format!("of {put} events in a mailbox {refused} were refused"))
            .means("a policy sets overflow to reject-publish: a full mailbox holds up what comes after it")
            .change(POLICIES);
    }
    if held < put.min(most) {
        return Finding::problem(id, format!("a mailbox holds {held} events; mailbox.max_length is {most}"))
            .means("a policy sets max-length or max-length-bytes: readers miss events, and are told to resync, sooner than configured")
            .change(POLICIES);
    }
    if held > most {
        return Finding::problem(id, format!("a mailbox took {held} events; mailbox.max_length is {most}"))
            .means("nothing bounds a mailbox that nobody reads")
            .change("is it RabbitMQ, and a classic queue?");
    }
    if oldest != Some(put - held) {
        return Finding::problem(
            id,
            format!("a full mailbox keeps event {oldest:?} as its oldest, of {put}"),
        )
        .means("a full mailbox must drop its oldest events")
        .change(POLICIES);
    }
    if put <= most {
        return Finding::ok(id, format!("a mailbox holds {held} events, and may hold {most}"));
    }
    Finding::ok(id, format!("a mailbox holds {most} events, and drops the oldest for one more"))
}

pub(super) async fn expiry(probe: &Probe, visit: &Visit<'_>) -> Vec<Finding> {
    match probe.wait_and_see(WATCHED).await {
        Ok(kept) => told_of_expiry(kept, visit.limits.session_expires.min(visit.limits.message_ttl)),
        Err(error) => vec![refusal::of("broker.expiry", &error, visit)],
    }
}

fn told_of_expiry(kept: Kept, set: Duration) -> Vec<Finding> {
    // what is configured so short goes rightly
    let lasts = set > WATCHED.saturating_mul(2);
    let mut findings = Vec::new();
    if lasts && !kept.mailbox {
        findings.push(
            Finding::problem("broker.expiry", format!("a mailbox was gone after {} s without use", WATCHED.as_secs()))
                .means("a policy sets expires: whoever is away for a moment loses what waited, and is told to resync")
                .change(POLICIES),
        );
    } else if lasts && !kept.event {
        findings.push(
            Finding::problem("broker.expiry", format!("an event was gone after {} s", WATCHED.as_secs()))
                .means("a policy sets message-ttl: whoever is away for a moment misses events, and is told to resync only \
                        after mailbox.message_ttl_s")
                .change(POLICIES),
        );
    }
    if kept.short_event || kept.short_queue {
        let what = if kept.short_event { "events" } else { "queues" };
        findings.push(
            Finding::problem("broker.expiry", format!("{what} do not expire when they should"))
                .means(
                    "mailboxes of users who do not come back stay for ever, and RabbitMQ's memory with them",
                )
                .change("is it RabbitMQ, and a classic queue?"),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "broker.expiry",
            format!(
                "events and queues expire when they should; no policy that bites within {} s",
                WATCHED.as_secs()
            ),
        ));
    }
    findings
}

pub(super) async fn giving_back(probe: &Probe, visit: &Visit<'_>) -> Vec<Finding> {
    let id = "broker.giving-back";
    vec![match probe.give_back().await {
        Ok((came, rounds)) if came == rounds => Finding::ok(id, format!("an event that was given back {rounds} times came again")),
        Ok((came, rounds)) => Finding::problem(id, format!("an event that was given back {rounds} times came {came} times only"))
            .means("there is a delivery limit: events of a mailbox that moves between gateways are thrown away. \
                    The queue is no classic one: the virtual host's default queue type may be quorum")
            .change("rabbitmqctl update_vhost_metadata VHOST --default-queue-type classic, and look for a delivery-limit policy"),
        Err(error) => refusal::of(id, &error, visit),
    }]
}

pub(super) async fn cancel(probe: &Probe, visit: &Visit<'_>) -> Vec<Finding> {
    let id = "broker.cancel";
    vec![match probe.cancel().await {
        Ok(true) => Finding::ok(id, "a consumer is told when its queue is deleted"),
        Ok(false) => Finding::problem(id, "a consumer is not told when its queue is deleted")
            .means("a poll whose mailbox was deleted waits in vain, and its client is not told to resync")
            .change("is there a proxy in between, or something else than RabbitMQ?"),
        Err(error) => refusal::of(id, &error, visit),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn a_mailbox_holds_what_is_set_and_drops_the_oldest() {
        let level = |put, refused, held, most, oldest| {
            told_of_length(Fill { put, refused, held, most, oldest: Some(oldest) }).level
        };
        assert_eq!(level(101, 0, 100, 100, 1), Level::Ok);
        assert_eq!(level(10_001, 0, 10_001, 50_000, 0), Level::Ok);
        assert_eq!(level(101, 0, 5, 100, 96), Level::Problem);
        assert_eq!(level(101, 0, 101, 100, 0), Level::Problem);
        assert_eq!(level(101, 1, 100, 100, 0), Level::Problem);
        assert_eq!(level(101, 0, 100, 100, 0), Level::Problem);
    }

    #[test]
    fn what_goes_too_early_and_what_stays_is_told() {
        let good = Kept { mailbox: true, event: true, short_event: false, short_queue: false };
        let hour = Duration::from_secs(3600);
        let level = |kept, set| told_of_expiry(kept, set).iter().map(|finding| finding.level).max().unwrap();
        assert_eq!(level(good, hour), Level::Ok);
        assert_eq!(level(Kept { mailbox: false, event: false, ..good }, hour), Level::Problem);
        assert_eq!(level(Kept { event: false, ..good }, hour), Level::Problem);
        assert_eq!(level(Kept { event: false, ..good }, Duration::from_secs(2)), Level::Ok);
        assert_eq!(level(Kept { short_queue: true, ..good }, hour), Level::Problem);
    }
}
