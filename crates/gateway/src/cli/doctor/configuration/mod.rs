//! What the configuration says, in itself: nothing is asked, nobody is called.

mod credentials;
mod reach;
mod times;

use super::finding::Finding;
use crate::settings::{BrokerSettings, Settings};

pub(super) async fn run(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("configuration.readable", "every key is known and makes sense")];
    findings.push(pair(settings));
    findings.extend(reach::check(settings));
    findings.extend(credentials::check(settings));
    findings.extend(times::check(settings));
    findings
}

/// It is PostgreSQL, rather than a file.
pub(super) fn is_postgres(settings: &Settings) -> bool {
    settings.store.url.expose().starts_with("postgres")
}

fn pair(settings: &Settings) -> Finding {
    let id = "configuration.pair";
    let rabbit = matches!(settings.broker, BrokerSettings::Rabbitmq(_));
    match (is_postgres(settings), rabbit) {
        (true, true) => Finding::ok(id, "PostgreSQL and RabbitMQ: any number of gateways"),
        (false, false) => Finding::ok(id, "SQLite and the broker in the process: one gateway"),
        (false, true) => Finding::warning(id, "RabbitMQ with SQLite")
            .means("an SQLite file serves one gateway, so RabbitMQ brings its costs and no second gateway")
            .change("store.url = \"postgres://…\", or broker.kind = \"memory\""),
        (true, false) => Finding::warning(id, "PostgreSQL with the broker in the process")
            .means("a second gateway on this database would not reach the mailboxes of the first")
            .change("broker.kind = \"rabbitmq\" with broker.url, or keep to one gateway"),
    }
}
