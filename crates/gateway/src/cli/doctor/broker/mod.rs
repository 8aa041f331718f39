//! RabbitMQ, each cluster: everything that a gateway does there is done once, on queues that are removed afterwards.

mod agreed;
mod behaviour;
mod refusal;
mod version;

use std::time::Duration;

use futures::future::join_all;
use pollgate_broker::rabbit::RabbitSettings;
use pollgate_broker::rabbit::probe::{self, Probe};
use pollgate_broker::{BrokerError, MailboxLimits};

use self::behaviour::Traffic;
use super::family::within;
use super::finding::Finding;
use crate::brokers;
use crate::settings::{BrokerSettings, ClusterSettings, RabbitmqSettings, Settings};

/// A part of the visit may take so many of the broker's own time-outs.
const PART: u32 = 6;

pub(super) async fn run(settings: &Settings) -> Vec<Finding> {
    let BrokerSettings::Rabbitmq(rabbit) = &settings.broker else {
        return vec![Finding::ok("broker.reachable", "the broker is in the process")];
    };
    let visits = rabbit.clusters.iter().map(|cluster| visit(settings, rabbit, cluster));
    let findings = join_all(visits).await;
    let named = rabbit.clusters.iter().zip(findings).flat_map(|(cluster, findings)| {
        findings.into_iter().map(|finding| finding.about(cluster.name.as_str()))
    });
    named.collect()
}

/// Where a visit goes, and what it is measured by.
struct Visit<'a> {
    settings: &'a Settings,
    limits: MailboxLimits,
    rabbit: RabbitSettings,
    /// A part of it may take so long.
    part: Duration,
}

async fn visit(settings: &Settings, rabbit: &RabbitmqSettings, cluster: &ClusterSettings) -> Vec<Finding> {
    let rabbit = brokers::rabbit_settings(settings, rabbit, cluster);
    let part = rabbit.timeout.saturating_mul(PART);
    let visit = Visit { settings, limits: brokers::mailbox_limits(settings), rabbit, part };
    let mut findings = within("broker.version", visit.part, version::check(&visit)).await;
    let connecting = Probe::connect(visit.limits.clone(), visit.rabbit.clone());
    let probe = match tokio::time::timeout(visit.part, connecting).await {
        Ok(Ok(probe)) => probe,
        Ok(Err(error)) => {
            // who did not answer the first question is told of once
            findings.clear();
            findings.push(refusal::of_connection(&error, &visit));
            return findings;
        }
        Err(_elapsed) => {
            findings.clear();
            findings.push(refusal::of_connection(&BrokerError::TimedOut(visit.part), &visit));
            return findings;
        }
    };
    findings.push(Finding::ok("broker.reachable", "connections for managing and for publishing were made"));
    findings.extend(agreed::check(&probe, &visit));
    findings.extend(try_out(probe, &visit).await);
    findings
}

/// The parts that change something there for a moment; whatever comes of them, it is removed.
async fn try_out(mut probe: Probe, visit: &Visit<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match tokio::time::timeout(visit.part, behaviour::places(&mut probe, visit)).await {
        Ok((made, standing)) => {
            findings.extend(made);
            if standing {
                findings.extend(in_parts(&probe, visit).await);
            }
        }
        Err(_elapsed) => findings.push(hung("broker.mailboxes", visit)),
    }
    findings.push(tidy(probe, visit).await);
    findings
}

async fn in_parts(probe: &Probe, visit: &Visit<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match tokio::time::timeout(visit.part, behaviour::publishing(probe, visit)).await {
        Ok((found, Traffic::Flows)) => findings.extend(found),
        // whatever else publishes would hang as well
        Ok((found, Traffic::Stands)) => {
            findings.extend(found);
            return findings;
        }
        Err(_elapsed) => {
            findings.push(hung("broker.publish", visit));
            return findings;
        }
    }
    findings.extend(within("broker.returns", visit.part, behaviour::returns(probe, visit)).await);
    findings.extend(within("broker.copies", visit.part, behaviour::copies(probe, visit)).await);
    findings.extend(within("broker.length", visit.part, behaviour::length(probe, visit)).await);
    findings.extend(within("broker.expiry", visit.part, behaviour::expiry(probe, visit)).await);
    findings.extend(within("broker.giving-back", visit.part, behaviour::giving_back(probe, visit)).await);
    findings.extend(within("broker.cancel", visit.part, behaviour::cancel(probe, visit)).await);
    findings
}

fn hung(check: &'static str, visit: &Visit<'_>) -> Finding {
    Finding::problem(check, format!("no answer within {} s", visit.part.as_secs()))
        .means("RabbitMQ hangs; sends are accepted and wait in the outbox, polls are answered 503")
        .change("look at its log, its disk and its memory")
}

async fn tidy(probe: Probe, visit: &Visit<'_>) -> Finding {
    let id = "broker.tidy";
    match tokio::time::timeout(visit.part, probe.clean_up()).await {
        Ok(Ok(())) => Finding::ok(id, "the queues that were made for this are removed"),
        Ok(Err((left, error))) => Finding::note(id, format!("not removed: {} ({error})", left.join(", ")))
            .means("they expire by themselves (mailbox.session_expires_s)"),
        Err(_elapsed) => {
            Finding::note(id, "not known whether the queues that were made for this are removed")
                .means("they expire by themselves (mailbox.session_expires_s)")
        }
    }
}

/// What RabbitMQ says of itself.
async fn greet(visit: &Visit<'_>) -> Result<probe::Greeting, BrokerError> {
    probe::greeting(visit.rabbit.clone()).await
}
