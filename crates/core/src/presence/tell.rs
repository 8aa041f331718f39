//! Changes as events, for those who are to hear of them, and no more than a tick may bring.

use std::collections::HashMap;
use std::time::Duration;

use pollgate_broker::{Durability, Publication};
use pollgate_model::{EncodedEvent, EventId, EventKind, Recipient, Timestamp, UserId};
use pollgate_store::PresenceChange;

use super::shown;

/// Most notices in one tick, one for each event and user who hears of it. The broker takes so many at once.
pub(super) const MOST_NOTICES: usize = 1000;
/// Who reads later than that asks.
const WORTH: Duration = Duration::from_secs(60);

/// Publications for these changes, and of how many changes not all were told who are to hear of them. `pairs`: changed user
/// and who is to hear of it, in the order of the former; if there are more than `left`, some may be missing.
pub(super) fn notices(
    changes: Vec<PresenceChange>,
    mut pairs: Vec<(UserId, UserId)>,
    left: &mut usize,
) -> (Vec<Publication>, usize) {
    // of whoever is cut off, some may be missing; and of those behind, all
    let cut = pairs.get(*left).map(|(of, _)| of.clone());
    pairs.truncate(*left);
    *left -= pairs.len();
    let mut to: HashMap<UserId, Vec<Recipient>> = HashMap::new();
    for (of, user) in pairs {
        to.entry(of).or_default().push(Recipient { user, make_mailbox: false });
    }
    let whole = to.keys().filter(|of| cut.as_ref() != Some(*of)).count();
    let dropped = if cut.is_some() { changes.len() - whole } else { 0 };
    let heard = changes.into_iter().filter_map(|change| notice(to.remove(&change.user)?, change));
    (heard.collect(), dropped)
}

fn notice(recipients: Vec<Recipient>, change: PresenceChange) -> Option<Publication> {
    let (id, at) = (EventId::new(), Timestamp::now());
    // texts, a flag and a number: writing them cannot fail
    let event = EncodedEvent::new(id, &EventKind::PRESENCE, at, None, &shown(change)).ok()?;
    Some(Publication {
        ticket: 0,
        id,
        payload: event.json,
        recipients: recipients.into(),
        durability: Durability::Transient,
        trace: None,
        expires_at: Some(at.plus(WORTH)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    fn changes(names: &[&str]) -> Vec<PresenceChange> {
        let change =
            |name: &&str| PresenceChange { user: user(name), online: true, since: Timestamp::from_ms(0) };
        names.iter().map(change).collect()
    }

    fn pairs(names: &[(&str, &str)]) -> Vec<(UserId, UserId)> {
        names.iter().map(|(of, to)| (user(of), user(to))).collect()
    }

    #[test]
    fn a_change_is_one_publication_to_all_who_hear_of_it_and_none_when_nobody_does() {
        let mut left = 10;
        let of = pairs(&[("ann", "bob"), ("ann", "cyd"), ("bob", "ann")]);
        let (told, dropped) = notices(changes(&["bob", "zoe", "ann"]), of, &mut left);
        assert_eq!((told.len(), dropped, left), (2, 0, 7));
        assert_eq!(told[1].recipients.len(), 2);
        assert!(told.iter().all(|one| one.recipients.iter().all(|to| !to.make_mailbox)));
        let event: serde_json::Value = serde_json::from_slice(&told[0].payload).unwrap();
        let data = serde_json::json!({"user": "bob", "online": true, "since": "1970-01-01T00:00:00.000Z"});
        assert_eq!((&event["type"], &event["data"]), (&serde_json::json!("presence"), &data));
    }

    #[test]
    fn beyond_the_bound_of_a_tick_nothing_is_told_and_it_is_counted() {
        let mut left = 2;
        let of = pairs(&[("ann", "bob"), ("bob", "ann"), ("bob", "cyd")]);
        let (told, dropped) = notices(changes(&["ann", "bob", "cyd"]), of, &mut left);
        let heard: usize = told.iter().map(|one| one.recipients.len()).sum();
        assert_eq!((heard, left), (2, 0));
        assert_eq!(dropped, 2, "cyd did not hear of bob, and who hears of cyd is not known");
        let (told, dropped) = notices(changes(&["ann"]), pairs(&[("ann", "bob")]), &mut left);
        assert_eq!((told.len(), dropped), (0, 1));
        let (told, dropped) = notices(changes(&["ann"]), vec![], &mut left);
        assert_eq!((told.len(), dropped), (0, 0), "nobody was to hear of it");
    }
}
