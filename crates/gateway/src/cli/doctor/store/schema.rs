//! The schema beside this program's.

use pollgate_store::probe::{SchemaState, StoreProbe};

use super::unanswered;
use crate::cli::doctor::finding::Finding;
use crate::settings::Settings;

pub(super) async fn check(probe: &StoreProbe, settings: &Settings) -> Vec<Finding> {
    match probe.schema().await {
        Ok(state) => vec![told(&state, settings.store.migrate)],
        Err(error) => vec![unanswered("store.schema", &error)],
    }
}

fn told(state: &SchemaState, migrates: bool) -> Finding {
    let id = "store.schema";
    let SchemaState { applied, pending, unknown } = state;
    if !unknown.is_empty() {
        return Finding::warning(id, format!("{} migrations that this program does not know: {}", unknown.len(), unknown.join(", ")))
            .means("a newer pollgate has been here; this one works on with it as long as the newer one only added to the schema")
            .change("run the newer version here too");
    }
    if pending.is_empty() {
        return Finding::ok(id, format!("up to date: {applied} migrations"));
    }
    let missing = pending.join(", ");
    let seen = if *applied == 0 {
        format!("empty: {} migrations are to be applied", pending.len())
    } else {
        format!("{applied} migrations are applied, and {} are missing: {missing}", pending.len())
    };
    if migrates {
        return Finding::note(id, seen)
            .means("the next start applies them (store.migrate); with several gateways let `pollgate migrate` do it first");
    }
    Finding::problem(id, seen)
        .means("no gateway starts on a schema that is older than itself")
        .change("pollgate migrate")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn a_schema_is_older_newer_or_right() {
        let state = |applied, pending: &[&str], unknown: &[&str]| SchemaState {
            applied,
            pending: pending.iter().map(ToString::to_string).collect(),
            unknown: unknown.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(told(&state(3, &[], &[]), false).level, Level::Ok);
        assert_eq!(told(&state(3, &["a"], &[]), false).level, Level::Problem);
        assert_eq!(told(&state(0, &["a"], &[]), true).level, Level::Note);
        assert_eq!(told(&state(3, &["a"], &["20990101"]), false).level, Level::Warning);
    }
}
