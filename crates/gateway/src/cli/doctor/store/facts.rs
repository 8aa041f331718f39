//! What PostgreSQL says of itself, and what of that would bite.

use pollgate_store::probe::{PgFacts, StoreProbe};

use super::unanswered;
use crate::cli::doctor::finding::Finding;
use crate::settings::Settings;

/// The versions that are looked after: the tests run on 15.
const OLDEST: i64 = 130_000;
const TESTED: i64 = 150_000;
/// A writer's connection each, one for what is written beside the messages.
const BESIDES: i64 = 1;
const WRITERS: i64 = 2;

pub(super) async fn check(probe: &StoreProbe, settings: &Settings) -> Vec<Finding> {
    let facts = match probe.postgres().await {
        Ok(Some(facts)) => facts,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![unanswered("store.facts", &error)],
    };
    vec![
        version(&facts),
        primary(&facts),
        durability(&facts),
        connections(&facts, settings),
        timeouts(&facts),
        rights(&facts),
        encoding(&facts),
    ]
}

fn version(facts: &PgFacts) -> Finding {
    let id = "store.version";
    let seen = format!("PostgreSQL {}", facts.version);
    if facts.version_number < OLDEST {
        return Finding::problem(id, seen)
            .means("pollgate takes PostgreSQL 13 and later")
            .change("a newer PostgreSQL; 15 is what the tests run on");
    }
    if facts.version_number < TESTED {
        return Finding::note(id, seen).means("older than 15, which the tests run on");
    }
    Finding::ok(id, seen)
}

fn primary(facts: &PgFacts) -> Finding {
    let id = "store.primary";
    if facts.standby {
        return Finding::problem(id, "this server is a standby and takes no writes")
            .means("every send is refused")
            .change(
                "store.url must lead to the primary; with several hosts add target_session_attrs=read-write",
            );
    }
    if facts.read_only {
        return Finding::problem(id, "transactions are read-only here (default_transaction_read_only)")
            .means("every send is refused")
            .change("ALTER ROLE or ALTER DATABASE … SET default_transaction_read_only = off");
    }
    Finding::ok(id, "this server takes writes")
}

fn durability(facts: &PgFacts) -> Finding {
    let id = "store.durability";
    let off = [
        ("fsync", !facts.fsync),
        ("full_page_writes", !facts.full_page_writes),
        ("synchronous_commit", facts.synchronous_commit == "off"),
    ];
    let off: Vec<&str> = off.iter().filter(|(_, off)| *off).map(|(name, _)| *name).collect();
    if off.is_empty() {
        return Finding::ok(id, "what is committed survives the loss of power");
    }
    Finding::problem(id, format!("off: {}", off.join(", ")))
        .means("the promise does not hold: a message that was answered 201 can be gone after a crash of the server")
        .change(format!("switch {} on in postgresql.conf", off.join(" and ")))
}

fn connections(facts: &PgFacts, settings: &Settings) -> Finding {
    let id = "store.connections";
    let writers = match settings.store.writers {
        0 => WRITERS,
        given => i64::try_from(given).unwrap_or(i64::MAX),
    };
    let each = i64::from(settings.store.pool_size).saturating_add(writers).saturating_add(BESIDES);
    let most = facts.max_connections.saturating_sub(facts.reserved_connections);
    let most = if facts.login_connections >= 0 { most.min(facts.login_connections) } else { most };
    let others = facts.connections.saturating_sub(facts.our_connections).max(0);
    let room = most.saturating_sub(others) / each.max(1);
    let seen = format!(
        "a gateway takes up to {each} connections; the server gives {most}, of which others have {others} now: room for {room} gateways"
    );
    let change = "smaller store.pool_size, a larger max_connections (or CONNECTION LIMIT), or a pooler in mode session";
    match room {
        i64::MIN..=0 => Finding::problem(id, seen)
            .means("connections are refused, and with them sends and reads")
            .change(change),
        1 => Finding::warning(id, seen).means("while a gateway is replaced, two of them run").change(change),
        _ => Finding::ok(id, seen),
    }
}

fn timeouts(facts: &PgFacts) -> Finding {
    let id = "store.timeouts";
    // what pollgate sets itself for each session (statement_timeout and others) is no matter of the server's
    if facts.transaction_ms > 0 && facts.transaction_ms < 60_000 {
        return Finding::warning(id, format!("transaction_timeout is {} ms", facts.transaction_ms))
            .means("it ends long transactions whatever pollgate sets: a large batch, or a migration")
            .change("ALTER ROLE … SET transaction_timeout = 0");
    }
    if facts.idle_session_ms > 0 {
        return Finding::note(id, format!("idle_session_timeout is {} ms", facts.idle_session_ms)).means(
            "connections that wait for work are ended; the next request makes a new one, and takes longer",
        );
    }
    Finding::ok(id, "no time-out of the server's ends what pollgate has begun")
}

fn rights(facts: &PgFacts) -> Finding {
    let id = "store.rights";
    let Some(schema) = &facts.schema else {
        return Finding::problem(id, "no schema of the search path is there")
            .means("there is no place for tables")
            .change("make the schema that search_path names, or name one that is there");
    };
    if !facts.may_write {
        return Finding::problem(
            id,
            format!("this login may not read and write the tables in schema {schema}"),
        )
        .means("every send is refused")
        .change("connect as the owner of the tables, or GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES");
    }
    if !facts.may_create {
        return Finding::warning(id, format!("this login may not make tables in schema {schema}"))
            .means("migrations fail; since PostgreSQL 15 only the owner may make tables in public")
            .change(format!("GRANT CREATE ON SCHEMA {schema}, or let another login run `pollgate migrate`"));
    }
    Finding::ok(id, format!("tables may be made, read and written in schema {schema}"))
}

fn encoding(facts: &PgFacts) -> Finding {
    let id = "store.encoding";
    if facts.encoding == "UTF8" {
        return Finding::ok(id, "the database holds UTF-8");
    }
    Finding::problem(id, format!("the database's encoding is {}", facts.encoding))
        .means("messages with characters that it does not have are refused")
        .change("a database with ENCODING 'UTF8'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    fn facts() -> PgFacts {
        PgFacts {
            version: "15.1".into(),
            version_number: 150_001,
            standby: false,
            read_only: false,
            fsync: true,
            full_page_writes: true,
            synchronous_commit: "on".into(),
            max_connections: 100,
            reserved_connections: 3,
            login_connections: -1,
            connections: 10,
            our_connections: 7,
            idle_session_ms: 0,
            transaction_ms: 0,
            schema: Some("public".into()),
            may_create: true,
            may_write: true,
            encoding: "UTF8".into(),
        }
    }

    #[test]
    fn what_bites_is_told() {
        assert_eq!(durability(&facts()).level, Level::Ok);
        let lax = durability(&PgFacts { fsync: false, synchronous_commit: "off".into(), ..facts() });
        assert_eq!((lax.level, lax.seen.as_str()), (Level::Problem, "off: fsync, synchronous_commit"));
        assert_eq!(primary(&PgFacts { standby: true, ..facts() }).level, Level::Problem);
        assert_eq!(version(&PgFacts { version_number: 120_000, ..facts() }).level, Level::Problem);
        assert_eq!(version(&PgFacts { version_number: 140_000, ..facts() }).level, Level::Note);
        assert_eq!(timeouts(&PgFacts { transaction_ms: 1000, ..facts() }).level, Level::Warning);
        assert_eq!(rights(&PgFacts { schema: None, ..facts() }).level, Level::Problem);
        assert_eq!(encoding(&PgFacts { encoding: "LATIN1".into(), ..facts() }).level, Level::Problem);
    }
}
