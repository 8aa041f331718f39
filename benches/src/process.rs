//! CPU time and memory of the processes that take part, as Linux counts them.

use std::collections::HashMap;
use std::fs;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

/// `USER_HZ`: 100 on every platform that Linux shows to programs.
const TICKS_PER_SECOND: f64 = 100.0;
const MOST_PROCESSES: usize = 100_000;

/// A process to watch, with its descendants, by a name of the user's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    /// What it is called in the table.
    pub(crate) name: String,
    /// Its process id.
    pub(crate) pid: u32,
    /// Its descendants are somebody else's: a gateway that this program started is not this program.
    pub(crate) alone: bool,
}

impl Watched {
    /// A process with all its descendants.
    pub(crate) fn tree(name: &str, pid: u32) -> Self {
        Self { name: name.into(), pid, alone: false }
    }
}

impl FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, pid) = text.split_once('=').ok_or("must be name=pid")?;
        let pid = pid.parse().map_err(|error| format!("{pid:?} is no process id: {error}"))?;
        Ok(Self::tree(name, pid))
    }
}

/// What a process used while something was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Usage {
    /// What it is called.
    pub(crate) name: String,
    /// User and system time together.
    pub(crate) cpu_seconds: f64,
    /// Share of one core.
    pub(crate) cores: f64,
    /// Memory in use at the end. Of a tree of processes the proportional set size, because shared pages
    /// would count several times.
    pub(crate) memory_mib: f64,
}

/// The CPU time of several processes at one moment.
pub(crate) struct Sample(Vec<(Watched, f64)>);

impl Sample {
    /// Looks at every process now. One that is gone counts as zero.
    pub(crate) fn take(watched: &[Watched]) -> Self {
        let tree = Tree::read();
        Self(watched.iter().map(|one| (one.clone(), tree.cpu_seconds(one))).collect())
    }

    /// What was used since.
    pub(crate) fn until_now(&self, took: Duration) -> Vec<Usage> {
        let tree = Tree::read();
        self.0
            .iter()
            .map(|(one, before)| {
                let cpu_seconds = (tree.cpu_seconds(one) - before).max(0.0);
                Usage {
                    name: one.name.clone(),
                    cpu_seconds,
                    cores: cpu_seconds / took.as_secs_f64().max(f64::EPSILON),
                    memory_mib: tree.memory_bytes(one) as f64 / (1024.0 * 1024.0),
                }
            })
            .collect()
    }
}

/// Memory that a process holds now, in bytes; `None` when there is no such process.
pub(crate) fn resident_bytes(pid: u32) -> Option<u64> {
    kib_after(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:").map(|kib| kib * 1024)
}

/// The first process whose name is `name` and whose parent has another one.
pub(crate) fn find(name: &str) -> Option<u32> {
    let tree = Tree::read();
    let named =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name);
    let mut roots: Vec<u32> = tree
        .stats
        .iter()
        .filter(|(pid, stat)| named(pid) && !named(&stat.parent))
        .map(|(pid, _stat)| *pid)
        .collect();
    roots.sort_unstable();
    roots.first().copied()
}

struct Stat {
    parent: u32,
    /// Own time and that of children that ended.
    ticks: u64,
}

struct Tree {
    stats: HashMap<u32, Stat>,
}

impl Tree {
    fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten().take(MOST_PROCESSES);
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let stat =
            |pid: u32| Some((pid, parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?));
        Self { stats: pids.filter_map(stat).collect() }
    }

    fn members(&self, watched: &Watched) -> Vec<u32> {
        let mut found = vec![watched.pid];
        if watched.alone {
            return found;
        }
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            let children = self.stats.iter().filter(|(_pid, stat)| stat.parent == parent);
            found.extend(children.map(|(pid, _stat)| *pid));
            at += 1;
        }
        found
    }

    fn cpu_seconds(&self, watched: &Watched) -> f64 {
        let ticks: u64 =
            self.members(watched).iter().filter_map(|pid| Some(self.stats.get(pid)?.ticks)).sum();
        ticks as f64 / TICKS_PER_SECOND
    }

    fn memory_bytes(&self, watched: &Watched) -> u64 {
        let all = self.members(watched);
        if let [alone] = all[..] {
            return resident_bytes(alone).unwrap_or(0);
        }
        all.iter().map(|pid| proportional_bytes(*pid).or_else(|| resident_bytes(*pid)).unwrap_or(0)).sum()
    }
}

fn proportional_bytes(pid: u32) -> Option<u64> {
    kib_after(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:").map(|kib| kib * 1024)
}

fn kib_after(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(label))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Fields 4 and 14 to 17 of `/proc/<pid>/stat`; the name before them may hold anything, even brackets.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Stat { parent, ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = parse_stat("7 (odd) name (x) S 3 7 7 0 -1 0 1 2 3 4 10 20 1 2 20 0").unwrap();
        assert_eq!((stat.parent, stat.ticks), (3, 33));
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
        let me = Watched::tree("me", std::process::id());
        let usage = Sample::take(std::slice::from_ref(&me)).until_now(Duration::from_secs(1));
        assert!(usage[0].memory_mib > 0.1);
    }

    #[test]
    fn watched_processes_are_named() {
        assert_eq!("broker=12".parse(), Ok(Watched::tree("broker", 12)));
        assert!("12".parse::<Watched>().is_err() && "broker=x".parse::<Watched>().is_err());
    }
}
