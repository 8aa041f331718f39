//! What is wrong, in words: from figures to findings, without I/O.
//!
//! Thresholds stand here and nowhere else; words stand in `words.rs`.

use std::time::Duration;

use serde::Serialize;

use super::limits;
use super::roster::{Instance, Standing};
use super::words::{Code, Words};

/// Events that wait for the broker for so long are worth a look, and for so long are trouble.
const OUTBOX_SLOW: Duration = Duration::from_secs(10);
const OUTBOX_STUCK: Duration = Duration::from_secs(60);
/// Such a part of a bound is near it.
const NEAR: f64 = 0.8;
/// Clocks that are further apart than tokens are allowed to be by default.
const CLOCKS_APART: Duration = Duration::from_secs(5);
/// So few messages say nothing about how long messages take.
const FEW_SENDS: u64 = 20;
/// Such a part of all polls that ends because another one took its place is no accident, if there are so many.
const MANY_SUPERSEDED: f64 = 0.2;
const FEW_SUPERSEDED: u64 = 30;
/// So many names stand in one sentence.
const NAMED: usize = 3;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Severity {
    /// Clients notice.
    Bad,
    /// They will, or some do.
    Warn,
    /// Good to know.
    Info,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Finding {
    #[serde(flatten)]
    pub(super) words: Words,
    pub(super) severity: Severity,
    /// What the figures say about it.
    pub(super) detail: String,
}

/// One cluster of the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ClusterNow {
    pub(super) name: String,
    pub(super) up: bool,
    pub(super) blocked: bool,
}

/// One bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct LimitNow {
    pub(super) name: &'static str,
    pub(super) most: u64,
    pub(super) used: Option<u64>,
    /// The least that was used of it in the last half minute.
    #[serde(skip)]
    pub(super) lasting: u64,
    /// How often it was met lately.
    pub(super) met: u64,
}

/// What happened in the last five minutes, or since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lately {
    pub(super) polls: u64,
    pub(super) superseded: u64,
    pub(super) unanswered: u64,
    pub(super) settle_failures: u64,
    pub(super) storage_errors: u64,
    pub(super) sends: u64,
    pub(super) send_p99: Option<f64>,
}

/// Mailboxes in which much waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct DepthNow {
    /// How many are over the alarm.
    pub(super) alarming: u64,
    /// What waits in the deepest one.
    pub(super) deepest: u64,
    /// More than this is an alarm.
    pub(super) alarm_depth: u64,
}

/// Everything that findings come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Situation {
    pub(super) draining: bool,
    pub(super) store_up: bool,
    pub(super) clusters: Vec<ClusterNow>,
    /// The broker lives in this process: rows wait in the outbox for readers, not for it.
    pub(super) embedded_broker: bool,
    pub(super) outbox_rows: u64,
    pub(super) outbox_oldest: Option<Duration>,
    pub(super) limits: Vec<LimitNow>,
    pub(super) lately: Lately,
    /// A message that takes longer to be stored is slow.
    pub(super) slow: Duration,
    pub(super) depth: Option<DepthNow>,
    pub(super) instances: Vec<Instance>,
}

/// What is wrong, the worst first.
pub(super) fn findings(now: &Situation) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |code: Code, severity, detail: String| {
        found.push(Finding { words: code.words(), severity, detail });
    };
    if !now.store_up {
        add(Code::StoreAway, Severity::Bad, "It did not answer within two seconds.".into());
    }
    brokers(now, &mut add);
    outbox(now, &mut add);
    bounds(now, &mut add);
    lately(now, &mut add);
    if let Some(depth) = now.depth.as_ref().filter(|depth| depth.alarming > 0) {
        let (is, word) = plural(depth.alarming, "mailbox", "mailboxes");
        let detail = format!(
            "In {is} {word} more than {} events wait; {} in the deepest.",
            depth.alarm_depth, depth.deepest
        );
        add(Code::MailboxesAlarming, Severity::Warn, detail);
    }
    gateways(now, &mut add);
    if now.draining {
        add(Code::Draining, Severity::Info, "It was told to stop.".into());
    }
    found.sort_by_key(|finding| finding.severity);
    found
}

fn brokers(now: &Situation, add: &mut impl FnMut(Code, Severity, String)) {
    let several = now.clusters.len() > 1;
    let named = |which: Vec<&ClusterNow>| {
        let names = list(which.into_iter().map(|cluster| cluster.name.clone()).collect());
        if several { format!("Of {} clusters: {names}.", now.clusters.len()) } else { format!("{names}.") }
    };
    let away: Vec<&ClusterNow> = now.clusters.iter().filter(|cluster| !cluster.up).collect();
    if !away.is_empty() {
        add(Code::BrokerAway, Severity::Bad, named(away));
    }
    let blocked: Vec<&ClusterNow> = now.clusters.iter().filter(|c| c.up && c.blocked).collect();
    if !blocked.is_empty() {
        add(Code::BrokerBlocked, Severity::Bad, named(blocked));
    }
}

fn outbox(now: &Situation, add: &mut impl FnMut(Code, Severity, String)) {
    let Some(oldest) = now.outbox_oldest.filter(|_| !now.embedded_broker) else { return };
    if oldest < OUTBOX_SLOW {
        return;
    }
    let severity = if oldest >= OUTBOX_STUCK { Severity::Bad } else { Severity::Warn };
    let (rows, word) = plural(now.outbox_rows, "event waits", "events wait");
    add(Code::OutboxOld, severity, format!("{rows} {word}, the oldest for {} s.", oldest.as_secs()));
}

fn bounds(now: &Situation, add: &mut impl FnMut(Code, Severity, String)) {
    for limit in &now.limits {
        let Some(bound) = limits::known(limit.name) else { continue };
        let raise = bound.setting.map_or_else(
            || "It is fixed: another gateway takes a part of the load.".to_owned(),
            |setting| format!("The setting is {setting}."),
        );
        if limit.met > 0 {
            let (times, word) = plural(limit.met, "time", "times");
            let severity = if bound.shared { Severity::Bad } else { Severity::Warn };
            let refused = bound.refused;
            let detail = format!("{}: met {times} {word} in five minutes; {refused}. {raise}", limit.name);
            add(Code::LimitMet, severity, detail);
            continue;
        }
        let part = ratio(limit.lasting, limit.most);
        if bound.shared && part >= NEAR {
            let percent = (part * 100.0).floor();
            let (most, refused) = (limit.most, bound.refused);
            let detail =
                format!("{}: {percent} % of {most} in use. At the bound {refused}. {raise}", limit.name);
            add(Code::LimitNearFull, Severity::Warn, detail);
        }
    }
}

fn lately(now: &Situation, add: &mut impl FnMut(Code, Severity, String)) {
    let lately = now.lately;
    let slow = now.slow.as_secs_f64();
    if let Some(p99) = lately.send_p99.filter(|p99| lately.sends >= FEW_SENDS && *p99 > slow) {
        let detail = format!(
            "99 of 100 messages took up to {:.0} ms; more than {:.0} ms is slow.",
            p99 * 1000.0,
            slow * 1000.0
        );
        add(Code::SendsSlow, Severity::Warn, detail);
    }
    if lately.superseded >= FEW_SUPERSEDED && ratio(lately.superseded, lately.polls) >= MANY_SUPERSEDED {
        let detail = format!("{} of {} polls in five minutes.", lately.superseded, lately.polls);
        add(Code::PollsSuperseded, Severity::Warn, detail);
    }
    if lately.unanswered > 0 {
        let (times, word) = plural(lately.unanswered, "time", "times");
        add(Code::HandoversUnanswered, Severity::Warn, format!("{times} {word} in five minutes."));
    }
    if lately.settle_failures > 0 {
        let (times, word) = plural(lately.settle_failures, "time", "times");
        add(Code::ThrottleUnsettled, Severity::Warn, format!("It failed {times} {word} in five minutes."));
    }
    if lately.storage_errors > 0 {
        let (times, word) = plural(lately.storage_errors, "failure", "failures");
        add(Code::AttachmentsFailing, Severity::Bad, format!("{times} {word} in five minutes."));
    }
}

fn gateways(now: &Situation, add: &mut impl FnMut(Code, Severity, String)) {
    let which = |standing: Standing| -> Vec<String> {
        let some = now.instances.iter().filter(|one| !one.own && one.standing == standing);
        some.map(Instance::name).collect()
    };
    let gone = which(Standing::Gone);
    if !gone.is_empty() {
        add(Code::InstanceGone, Severity::Bad, format!("{}.", list(gone)));
    }
    let late = which(Standing::Late);
    if !late.is_empty() {
        add(Code::InstanceLate, Severity::Warn, format!("{}.", list(late)));
    }
    let here = || now.instances.iter().filter(|one| one.is_here());
    let most_apart = u64::try_from(CLOCKS_APART.as_millis()).unwrap_or(u64::MAX);
    let apart: Vec<String> = here()
        .filter_map(|one| {
            let ms = one.clock_ms.filter(|ms| ms.unsigned_abs() > most_apart)?;
            let where_to = if ms > 0 { "ahead of" } else { "behind" };
            Some(format!("{} is {} s {where_to} the database", one.name(), ms.unsigned_abs() / 1000))
        })
        .collect();
    if !apart.is_empty() {
        add(Code::ClockDiffers, Severity::Warn, format!("{}.", list(apart)));
    }
    let mut versions: Vec<&str> =
        here().map(|one| one.report.as_ref().map_or("an older one", |r| r.version.as_str())).collect();
    versions.sort_unstable();
    versions.dedup();
    if versions.len() > 1 {
        let versions = list(versions.into_iter().map(str::to_owned).collect());
        add(Code::VersionsDiffer, Severity::Info, format!("{versions}."));
    }
    // what concerns all of them is found here, too
    let troubled: Vec<String> = here().filter(|one| !one.own).filter_map(trouble_of).collect();
    if !troubled.is_empty() {
        add(Code::InstanceTroubled, Severity::Warn, format!("{}.", list(troubled)));
    }
}

/// What another gateway says is wrong with itself, in the titles of this version.
fn trouble_of(one: &Instance) -> Option<String> {
    let report = one.report.as_ref()?;
    let own = |code: &Code| code.is_of_one_gateway() && report.findings.iter().any(|c| c == code.as_str());
    let titles: Vec<String> =
        Code::ALL.iter().filter(|code| own(code)).map(|c| c.words().title.to_owned()).collect();
    (!titles.is_empty()).then(|| format!("{}: {}", one.name(), list(titles).to_lowercase()))
}

fn ratio(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { super::sample::number(part) / super::sample::number(all) }
}

fn plural(count: u64, one: &'static str, many: &'static str) -> (u64, &'static str) {
    (count, if count == 1 { one } else { many })
}

/// The first names, and how many more there are.
fn list(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}
