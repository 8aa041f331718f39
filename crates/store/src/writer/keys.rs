//! Idempotency keys of a batch: which publications are the first with theirs, and what the others hear.

use std::collections::{BTreeMap, HashMap, HashSet};

use pollgate_model::{EventId, Timestamp};

use super::tables::Tables;
use super::unit::Publish;
use crate::error::Failure;
use crate::idempotency::{Digest, Keyed, from_bytes};

/// What a publication's key was used for before.
pub(crate) enum Used {
    /// Nothing, or there is no key.
    No,
    /// The same publication, which got these ids.
    Same(Vec<EventId>),
    /// Another one.
    Other,
}

/// Takes the keys of all publications that can be done, and looks up those that are taken.
///
/// Taking a key waits for any other transaction that is about to take it, so whoever is told that a key is taken is told
/// of something committed.
pub(crate) fn take<T: Tables>(
    tables: &mut T,
    publishes: &[&Publish],
    possible: &[bool],
    now: Timestamp,
    oldest: i64,
) -> Result<Vec<Used>, Failure> {
    // in the order of the ids, so that two batches never wait for each other; in a batch the first one takes it
    let mut wanted: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut asked: Vec<&[u8]> = Vec::new();
    for (at, (publish, possible)) in publishes.iter().zip(possible).enumerate() {
        let Some(keyed) = &publish.key else { continue };
        asked.push(&keyed.key.id);
        if *possible {
            wanted.entry(keyed.key.id).or_insert(at);
        }
    }
    if asked.is_empty() {
        return Ok(publishes.iter().map(|_| Used::No).collect());
    }
    let rows: Vec<&Keyed> =
        wanted.values().filter_map(|at| publishes.get(*at)).filter_map(|p| p.key.as_ref()).collect();
    let taken: HashSet<Vec<u8>> = tables.take_keys(&rows, now.as_ms(), oldest)?.into_iter().collect();
    let mut kept: HashMap<Vec<u8>, (Vec<u8>, Vec<EventId>)> = HashMap::new();
    // when each of them was free there is nothing to look up
    if taken.len() < asked.len() {
        for (id, fingerprint, ids) in tables.kept_keys(&asked, oldest)? {
            kept.insert(id, (fingerprint, from_bytes(&ids)?));
        }
    }
    let used = |(at, publish): (usize, &&Publish)| {
        let Some(Keyed { key, .. }) = &publish.key else { return Ok(Used::No) };
        let first = wanted.get(&key.id);
        if first == Some(&at) && taken.contains(key.id.as_slice()) {
            return Ok(Used::No);
        }
        match kept.get(key.id.as_slice()) {
            Some((fingerprint, ids)) if *fingerprint == key.fingerprint => Ok(Used::Same(ids.clone())),
            Some(_) => Ok(Used::Other),
            // it cannot be done, so it needs no key
            None if first.is_none() => Ok(Used::No),
            None => Err(Failure::Race("a key went away while it was looked up".into())),
        }
    };
    publishes.iter().enumerate().map(used).collect()
}
