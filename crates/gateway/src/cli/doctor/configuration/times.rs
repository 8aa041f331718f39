//! Times that others have an opinion about: balancers, service managers, RabbitMQ.

use std::path::Path;

use crate::cli::doctor::finding::Finding;
use crate::settings::{BrokerSettings, Settings};

/// What stands between a client and us commonly gives up after this without a byte.
const COMMON_CUT_MS: u64 = 30_000;
/// nginx keeps idle connections to us for so long.
const COMMON_KEEP_ALIVE_MS: u64 = 60_000;
/// Docker kills so long after it has asked a container to stop, unless told otherwise.
const DOCKER_MS: u64 = 10_000;
/// So does Kubernetes.
const KUBERNETES_MS: u64 = 30_000;
/// And systemd.
const SYSTEMD_MS: u64 = 90_000;
/// RabbitMQ closes the channel of a consumer that leaves something unconfirmed for 30 minutes; some minutes before.
const CONSUMER_MS: u64 = 25 * 60_000;
/// A dead broker should be noticed within this.
const NOTICED_S: u64 = 60;

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![hold(settings), keep_alive(settings), grace(settings)];
    if let BrokerSettings::Rabbitmq(rabbit) = &settings.broker {
        findings.push(heartbeat(u64::from(rabbit.heartbeat_s)));
    }
    findings
}

fn hold(settings: &Settings) -> Finding {
    let id = "configuration.hold";
    let (hold, linger) = (settings.poll.hold_ms, settings.poll.linger_ms);
    let in_use = hold.saturating_add(linger);
    if matches!(settings.broker, BrokerSettings::Rabbitmq(_)) && in_use > CONSUMER_MS {
        return Finding::problem(id, format!("poll.hold_ms and poll.linger_ms are {} min together", in_use / 60_000))
            .means("RabbitMQ closes the channel of a consumer that confirms nothing for 30 minutes, and with it up to \
                    broker.mailboxes_per_channel mailboxes (before 4.3)")
            .change("both together below 25 minutes");
    }
    if hold >= COMMON_CUT_MS {
        return Finding::warning(id, format!("poll.hold_ms is {hold}"))
            .means("balancers commonly cut a connection on which nothing came for 30 to 60 s, and a held poll is silent")
            .change("poll.hold_ms below 30000, or longer time-outs everywhere in front");
    }
    Finding::ok(id, format!("polls are held for {hold} ms at most"))
}

fn keep_alive(settings: &Settings) -> Finding {
    let id = "configuration.keep-alive";
    let keep = settings.http.keep_alive_ms;
    if keep <= COMMON_KEEP_ALIVE_MS {
        return Finding::warning(id, format!("http.keep_alive_ms is {keep}"))
            .means("a balancer that keeps connections for 60 s, as nginx does, now and then sends a request into one \
                    that closes: 502 for a client")
            .change("longer than whatever stands in front keeps them; 75000 is the default");
    }
    Finding::ok(id, format!("idle connections are kept for {} s", keep / 1000))
}

fn grace(settings: &Settings) -> Finding {
    let (place, most) = if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        ("terminationGracePeriodSeconds of Kubernetes (30 s unless it was set)", KUBERNETES_MS)
    } else if Path::new("/.dockerenv").exists() {
        ("stop_grace_period of the container (10 s unless it was set)", DOCKER_MS)
    } else {
        ("TimeoutStopSec= of systemd (90 s unless it was set)", SYSTEMD_MS)
    };
    told_of_grace(settings.http.grace_ms, place, most)
}

fn told_of_grace(grace: u64, place: &str, most: u64) -> Finding {
    let id = "configuration.grace";
    let means = format!(
        "it is killed in the middle unless that is shorter than {place}: nothing is lost, and clients hear an error instead of an answer"
    );
    if grace >= SYSTEMD_MS {
        return Finding::warning(id, format!("http.grace_ms is {grace}; a stop takes that long at most"))
            .means(means)
            .change("http.grace_ms some seconds shorter than that");
    }
    if grace >= most {
        // what was set there cannot be seen from here
        return Finding::note(id, format!("http.grace_ms is {grace}; a stop takes that long at most"))
            .means(means);
    }
    Finding::ok(id, format!("a stop takes {grace} ms at most"))
}

fn heartbeat(seconds: u64) -> Finding {
    let id = "configuration.heartbeat";
    if seconds * 2 > NOTICED_S {
        return Finding::warning(id, format!("broker.heartbeat_s is {seconds}"))
            .means(format!("a RabbitMQ that is gone without a word is noticed after {} s; until then nothing is delivered", seconds * 2))
            .change("broker.heartbeat_s = 10");
    }
    Finding::ok(id, format!("a silent RabbitMQ is noticed after {} s", seconds * 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn a_stop_must_be_shorter_than_the_patience_of_who_stops_it() {
        assert_eq!(told_of_grace(90_000, "docker", DOCKER_MS).level, Level::Warning);
        assert_eq!(told_of_grace(10_000, "docker", DOCKER_MS).level, Level::Note);
        assert_eq!(told_of_grace(8_000, "docker", DOCKER_MS).level, Level::Ok);
        assert_eq!(told_of_grace(10_000, "kubernetes", KUBERNETES_MS).level, Level::Ok);
        assert_eq!(heartbeat(10).level, Level::Ok);
        assert_eq!(heartbeat(60).level, Level::Warning);
    }
}
