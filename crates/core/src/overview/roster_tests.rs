use std::time::{Duration, Instant};

use pollgate_model::{InstanceId, Timestamp};
use pollgate_store::SeenInstance;

use super::report::{Identity, Report};
use super::roster::{Roster, Standing};

/// The database's clock, in seconds.
const T: i64 = 1_000_000;

fn seen(id: InstanceId, heartbeat_s: i64, seen_s: i64, clock_ms: i64) -> SeenInstance {
    let identity = Identity { name: "gw".into(), ..Identity::default() };
    let report = Report { at_ms: (T + heartbeat_s) * 1000 + clock_ms, ..Report::of(&identity, 0) };
    SeenInstance {
        id,
        heartbeat_at: Timestamp::from_ms((T + heartbeat_s) * 1000),
        seen_at: Timestamp::from_ms((T + seen_s) * 1000),
        report: report.json(),
    }
}

fn after(start: Instant, s: u64) -> Instant {
    start + Duration::from_secs(s)
}

#[test]
fn one_that_gave_its_lease_back_has_stopped_and_one_whose_lease_ran_out_is_gone() {
    let (own, polite, dead) = (InstanceId::new(), InstanceId::new(), InstanceId::new());
    let start = Instant::now();
    let mut roster = Roster::new(own);
    roster.saw(start, &[seen(own, 0, 0, 0), seen(polite, 0, 0, 0), seen(dead, 0, 0, 0)]);
    roster.saw(after(start, 3), &[seen(own, 3, 3, 0), seen(dead, 0, 3, 0)]);
    let standing = |roster: &Roster, id, s| {
        roster.all(after(start, s)).into_iter().find(|one| one.id == id).map(|one| one.standing)
    };
    assert_eq!(standing(&roster, own, 3), Some(Standing::Here));
    assert_eq!(standing(&roster, polite, 3), Some(Standing::Stopped));
    assert_eq!(standing(&roster, dead, 3), Some(Standing::Here));
    roster.saw(after(start, 9), &[seen(own, 9, 9, 0), seen(dead, 0, 9, 0)]);
    assert_eq!(standing(&roster, dead, 9), Some(Standing::Late));
    roster.saw(after(start, 16), &[seen(own, 15, 16, 0)]);
    assert_eq!(standing(&roster, dead, 16), Some(Standing::Gone));
    // both are remembered for a while, and no longer
    roster.saw(after(start, 500), &[seen(own, 500, 500, 0)]);
    assert_eq!(roster.all(after(start, 500)).len(), 3);
    roster.saw(after(start, 700), &[seen(own, 700, 700, 0)]);
    assert_eq!(roster.all(after(start, 700)).len(), 1);
}

#[test]
fn one_that_comes_back_is_here() {
    let (own, other) = (InstanceId::new(), InstanceId::new());
    let start = Instant::now();
    let mut roster = Roster::new(own);
    roster.saw(start, &[seen(other, 0, 0, 0)]);
    roster.saw(after(start, 20), &[]);
    roster.saw(after(start, 21), &[seen(other, 21, 21, 0)]);
    let all = roster.all(after(start, 21));
    assert_eq!((all.len(), all[0].standing), (1, Standing::Here));
}

#[test]
fn a_clock_is_judged_by_the_report_that_was_on_its_way_the_shortest() {
    let other = InstanceId::new();
    let start = Instant::now();
    let mut roster = Roster::new(InstanceId::new());
    for (n, ms) in [-9000, -40, -7000].into_iter().enumerate() {
        let s = i64::try_from(n).unwrap() * 3;
        roster.saw(start, &[seen(other, s, s, ms)]);
    }
    assert_eq!(roster.all(start)[0].clock_ms, Some(-40));
    // the same report, looked at again, is no further witness
    for _ in 0..5 {
        roster.saw(start, &[seen(other, 6, 7, -7000)]);
    }
    assert_eq!(roster.all(start)[0].clock_ms, Some(-40));
}

#[test]
fn a_gateway_of_a_version_before_is_seen_without_a_report() {
    let id = InstanceId::new();
    let mut roster = Roster::new(InstanceId::new());
    let start = Instant::now();
    roster.saw(start, &[SeenInstance { report: None, ..seen(id, 0, 0, 0) }]);
    let all = roster.all(start);
    assert_eq!((all[0].report.clone(), all[0].clock_ms, all[0].name()), (None, None, id.to_string()));
}

#[test]
fn whatever_the_database_holds_there_is_a_bound() {
    let mut roster = Roster::new(InstanceId::new());
    let start = Instant::now();
    for n in 0..50 {
        let many: Vec<_> = (0..100).map(|_| seen(InstanceId::new(), n, n, 0)).collect();
        roster.saw(after(start, u64::try_from(n).unwrap()), &many);
    }
    let all = roster.all(after(start, 49));
    assert!(all.len() <= 200, "{}", all.len());
    assert_eq!(all.iter().filter(|one| one.is_here()).count(), 100);
}
