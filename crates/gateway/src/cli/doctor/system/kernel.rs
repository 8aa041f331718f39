//! Bounds of the kernel.

use std::fs;

use rlimit::Resource;

use crate::cli::doctor::finding::Finding;
use crate::settings::{BrokerSettings, Settings};

/// Connections that a gateway asks the system to hold for it.
const BACKLOG: u64 = 4096;
/// The range that Linux has by default; fewer ports mean fewer connections to one address.
const USUAL_PORTS: u64 = 28_232;
/// Threads, logs, libraries, listeners.
const OWN_FILES: u64 = 200;
/// Fewer are no server.
const FEWEST: u64 = 4096;

/// Each connection is an open file; a gateway takes as many as the hard limit lets it.
pub(super) fn open_files(settings: &Settings) -> Finding {
    let id = "system.open-files";
    let (soft, hard) = match Resource::NOFILE.get() {
        Ok(limits) => limits,
        Err(error) => return Finding::note(id, format!("the limit of open files is not known: {error}")),
    };
    told_of_files(settings, soft, hard)
}

fn told_of_files(settings: &Settings, soft: u64, hard: u64) -> Finding {
    let id = "system.open-files";
    let brokers = match &settings.broker {
        BrokerSettings::Memory { .. } => 0,
        BrokerSettings::Rabbitmq(rabbit) => {
            let consuming = settings
                .limits
                .mailboxes
                .div_ceil(rabbit.mailboxes_per_channel.saturating_mul(rabbit.channels_per_connection).max(1));
            rabbit.clusters.len().saturating_mul(consuming.saturating_add(4))
        }
    };
    let others = brokers as u64 + u64::from(settings.store.pool_size) + OWN_FILES;
    let most = settings.http.most_connections as u64;
    let seen = format!(
        "open files: {soft} now, {hard} at most; http.most_connections is {most}, and {others} are for the rest"
    );
    let change = "LimitNOFILE= (systemd), ulimits: nofile (Docker), or a smaller http.most_connections";
    let means = format!(
        "at {} connections no more are taken, and they wait instead of being answered 503",
        hard.saturating_sub(others)
    );
    if hard >= most.saturating_add(others) {
        return Finding::ok(id, seen);
    }
    if hard < FEWEST {
        return Finding::problem(id, seen).means(means).change(change);
    }
    Finding::warning(id, seen).means(means).change(change)
}

/// How many connections wait while they are not taken yet.
pub(super) fn backlog() -> Option<Finding> {
    let id = "system.backlog";
    let most: u64 = number("/proc/sys/net/core/somaxconn")?;
    let seen = format!("net.core.somaxconn is {most}");
    if most < BACKLOG {
        return Some(
            Finding::warning(id, seen)
                .means("when many clients come at once, as after a restart, connections are refused or late")
                .change(format!("sysctl net.core.somaxconn={BACKLOG}")),
        );
    }
    Some(Finding::ok(id, seen))
}

/// Ports for connections that go out from here.
pub(super) fn ports() -> Option<Finding> {
    let id = "system.ports";
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut numbers = text.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
    let (first, last) = (numbers.next()?, numbers.next()?);
    let many = last.saturating_sub(first) + 1;
    let seen = format!("net.ipv4.ip_local_port_range is {first} to {last}: {many} ports");
    if many < USUAL_PORTS {
        return Some(
            Finding::warning(id, seen)
                .means("a balancer on this machine has that many connections to one gateway address, and a held poll is one")
                .change("sysctl net.ipv4.ip_local_port_range='10240 65535'"),
        );
    }
    Some(Finding::ok(id, seen))
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn connections_are_measured_by_the_hard_limit() {
        let settings = Settings::load(None).unwrap();
        assert_eq!(told_of_files(&settings, 1024, 1_048_576).level, Level::Ok);
        assert_eq!(told_of_files(&settings, 1024, 65_536).level, Level::Warning);
        assert_eq!(told_of_files(&settings, 1024, 1024).level, Level::Problem);
    }
}
