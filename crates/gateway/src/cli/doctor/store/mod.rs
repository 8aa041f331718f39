//! The database: reached, understood, fast enough, and keeping what it is given.

mod facts;
mod file;
mod schema;

use std::time::Duration;

use pollgate_store::StoreError;
use pollgate_store::probe::{StoreProbe, Visited};

use super::family::within;
use super::finding::Finding;
use crate::settings::Settings;
use crate::start;

/// One question may take so long.
const LIMIT: Duration = Duration::from_secs(30);
/// Round trips that are timed.
const TRIPS: usize = 25;
/// A send is some eight round trips when nobody else sends.
const SLOW: Duration = Duration::from_millis(5);

pub(super) async fn run(settings: &Settings) -> Vec<Finding> {
    let id = "store.reachable";
    let shown = match settings.store.url.shown() {
        embedded if embedded.is_empty() => settings.data_dir.join("pollgate.db").display().to_string(),
        named => named,
    };
    let visited = match StoreProbe::visit(&start::store_settings(settings)).await {
        Ok(Visited::Here(probe)) => probe,
        Ok(Visited::NoFile(path)) => {
            let note = Finding::note(id, format!("{} is not there yet", path.display()));
            let mut findings = vec![note.means("the first start makes it")];
            findings.extend(file::place(&path).await);
            return findings;
        }
        Err(error) => return vec![away(&error, &shown)],
    };
    let mut findings =
        vec![Finding::ok(id, format!("a connection to {} was made", kind(&visited))).about(shown)];
    findings.extend(within("store.latency", LIMIT, latency(&visited)).await);
    findings.extend(within("store.schema", LIMIT, schema::check(&visited, settings)).await);
    if visited.kind() == "sqlite" {
        findings.extend(file::check(&visited).await);
    } else {
        findings.extend(within("store.facts", LIMIT, facts::check(&visited, settings)).await);
        findings.extend(within("store.sessions", LIMIT, sessions(&visited)).await);
    }
    findings
}

fn kind(probe: &StoreProbe) -> &'static str {
    if probe.kind() == "sqlite" { "SQLite" } else { "PostgreSQL" }
}

fn away(error: &StoreError, shown: &str) -> Finding {
    let text = error.to_string();
    let change = if text.contains("authentication") || text.contains("password") {
        "user or password in store.url, or pg_hba.conf on the server"
    } else if text.contains("does not exist") {
        "make the database (createdb), or mend its name in store.url"
    } else if text.contains("too many connections") || text.contains("remaining connection slots") {
        "max_connections on the server is used up: smaller store.pool_size, fewer gateways, or a larger bound"
    } else if text.contains("certificate") || text.contains("SSL") {
        "sslmode and sslrootcert in store.url, or the server's certificate"
    } else {
        "is the server running, is host and port in store.url right, and does a firewall let this machine through?"
    };
    Finding::problem("store.reachable", text)
        .about(shown)
        .means("no gateway starts without its database; those that run refuse sends with 503")
        .change(change)
}

/// A question that was not answered.
fn unanswered(id: &'static str, error: &StoreError) -> Finding {
    Finding::problem(id, error.to_string())
        .means("the database was there a moment ago and does not answer this")
        .change("look at the database's log")
}

async fn latency(probe: &StoreProbe) -> Vec<Finding> {
    let id = "store.latency";
    let times = match probe.round_trips(TRIPS).await {
        Ok(times) => times,
        Err(error) => return vec![unanswered(id, &error)],
    };
    let (Some(median), Some(worst)) = (times.get(times.len() / 2), times.last()) else { return Vec::new() };
    let seen = format!("a round trip takes {median:.1?} (median of {}; the worst {worst:.1?})", times.len());
    if *median > SLOW {
        return vec![
            Finding::warning(id, seen)
                .means(format!("a commit takes about eight of them: a lone send waits {:.0?}", *median * 8))
                .change("gateways near the database: the same site, the same network"),
        ];
    }
    vec![Finding::ok(id, seen)]
}

async fn sessions(probe: &StoreProbe) -> Vec<Finding> {
    let id = "store.sessions";
    vec![match probe.sessions_are_shared().await {
        Ok(false) => Finding::ok(id, "each connection has a session of its own"),
        Ok(true) => Finding::problem(
            id,
            "two connections were given the same session: a pooler in mode transaction",
        )
        .means(
            "settings and prepared statements of one connection are another's: time-outs, plans and \
                    synchronous_commit are not what pollgate has set",
        )
        .change(
            "pool_mode = session for this database, or connect to PostgreSQL itself: pollgate keeps its own \
                     few connections",
        ),
        Err(error) => unanswered(id, &error),
    }]
}
