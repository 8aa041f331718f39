//! What the system gives: addresses, open files, queues of connections, memory, processors.

pub(super) mod filesystem;
mod kernel;
mod ports;
mod room;

use super::finding::Finding;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings) -> Vec<Finding> {
    let mut findings = ports::check(settings).await;
    findings.push(kernel::open_files(settings));
    findings.extend(kernel::backlog());
    findings.extend(kernel::ports());
    findings.extend(room::check(settings));
    findings
}
