//! Memory and processors, also those of a container.

use std::fs;

use crate::cli::doctor::finding::Finding;
use crate::settings::{BrokerSettings, Settings};

/// A held poll on a connection of its own, measured at 10,000 of them (docs/operations.md, Capacity).
const POLL_BYTES: u64 = 27_700;
/// A gateway that does nothing.
const IDLE_BYTES: u64 = 64 << 20;

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    [memory().map(|bytes| told_of_memory(settings, bytes)), Some(processors(settings, cores, quota()))]
        .into_iter()
        .flatten()
        .collect()
}

fn told_of_memory(settings: &Settings, bytes: u64) -> Finding {
    let id = "system.memory";
    let broker = match settings.broker {
        BrokerSettings::Memory { bytes, .. } => bytes,
        BrokerSettings::Rabbitmq(_) => 0,
    };
    let fixed = IDLE_BYTES.saturating_add(broker).saturating_add(settings.limits.relay_bytes as u64);
    let polls = settings.limits.held_polls as u64;
    let needed = fixed.saturating_add(polls.saturating_mul(POLL_BYTES));
    let mib = |bytes: u64| bytes >> 20;
    let seen = format!(
        "{} MiB of memory; limits.held_polls ({polls}) and what waits for the broker come to {} MiB when they are met",
        mib(bytes),
        mib(needed)
    );
    if needed > bytes {
        let fit = bytes.saturating_sub(fixed) / POLL_BYTES;
        return Finding::warning(id, seen)
            .means("the system ends the process before the limits do: clients are cut off instead of being answered 503")
            .change(format!("limits.held_polls = {} at most, smaller limits.relay_bytes or broker.memory_bytes, or more memory", fit / 100 * 100));
    }
    Finding::ok(id, seen)
}

fn processors(settings: &Settings, cores: usize, quota: Option<f64>) -> Finding {
    let id = "system.processors";
    let share = quota.map(|quota| format!(", of which the container may use {quota:.1}")).unwrap_or_default();
    let seen = format!("{cores} processors{share}; http.workers is {}", settings.http.workers);
    if quota.is_some_and(|quota| quota < 1.0) {
        return Finding::warning(id, seen)
            .means("the container is stopped for parts of each tenth of a second: deliveries come that much later")
            .change("a processor at least, or no quota");
    }
    if settings.http.workers > cores.saturating_mul(4) {
        return Finding::note(id, seen)
            .means("more threads than processors take turns, and share http.most_connections");
    }
    Finding::ok(id, seen)
}

/// What the container may have, or the machine has.
fn memory() -> Option<u64> {
    let total = fs::read_to_string("/proc/meminfo").ok()?;
    let line = total.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    let machine = kib.saturating_mul(1024);
    let bounds = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let bound = bounds.iter().find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    Some(bound.map_or(machine, |bound| bound.min(machine)))
}

/// How many processors the container may use.
fn quota() -> Option<f64> {
    let text = fs::read_to_string("/sys/fs/cgroup/cpu.max").ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn limits_that_do_not_fit_are_told_with_the_number_that_does() {
        let settings = Settings::load(None).unwrap();
        assert_eq!(told_of_memory(&settings, 16 << 30).level, Level::Ok);
        let small = told_of_memory(&settings, 1 << 30);
        assert_eq!(small.level, Level::Warning);
        // 1024 - 64 - 512 - 64 MiB of 27.7 kB each
        assert!(small.change.contains("limits.held_polls = 14500 at most"), "{}", small.change);
    }

    #[test]
    fn a_part_of_a_processor_is_told() {
        let settings = Settings::load(None).unwrap();
        assert_eq!(processors(&settings, 2, Some(0.5)).level, Level::Warning);
        assert_eq!(processors(&settings, 2, None).level, Level::Ok);
    }
}
