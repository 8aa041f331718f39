use proptest::prelude::*;

use super::*;

fn user(number: usize) -> UserId {
    format!("u{number}").parse().unwrap()
}

fn session(number: usize) -> Mailbox {
    Mailbox::of_session(user(number), "tab".parse().unwrap())
}

const FOLLOW: Duration = Duration::from_secs(300);

fn candidates(most: usize) -> (Candidates, Instant) {
    (Candidates::new(10, most, FOLLOW), Instant::now())
}

fn publish(candidates: &mut Candidates, number: usize, events: u32, now: Instant) {
    for _ in 0..events {
        candidates.published(&user(number), now);
    }
}

#[test]
fn a_user_is_a_candidate_once_enough_was_published() {
    let (mut all, now) = candidates(100);
    publish(&mut all, 1, 9, now);
    assert_eq!(all.take_users(9, now), []);
    publish(&mut all, 1, 3, now);
    assert_eq!(all.take_users(9, now), [(user(1), 12)]);
    assert_eq!(all.take_users(9, now), [], "in somebody's hand");
    publish(&mut all, 1, 4, now);
    all.looked(&user(1), 12, true, now);
    publish(&mut all, 1, 5, now);
    assert_eq!(all.take_users(9, now + LONGEST_PAUSE), [], "only nine since the look");
    publish(&mut all, 1, 1, now);
    assert_eq!(all.take_users(9, now + FIRST_PAUSE / 2), [], "not so soon");
    assert_eq!(all.take_users(9, now + FIRST_PAUSE), [(user(1), 10)]);
}

/// What was published a moment ago may not be with the broker.
#[test]
fn who_looks_in_vain_looks_once_more() {
    let (mut all, now) = candidates(100);
    publish(&mut all, 1, 10, now);
    assert_eq!(all.take_users(9, now).len(), 1);
    all.looked(&user(1), 10, false, now);
    let then = now + FIRST_PAUSE;
    assert_eq!(all.take_users(9, then), [(user(1), 0)], "although nothing came meanwhile");
    all.looked(&user(1), 0, false, then);
    assert_eq!(all.take_users(9, then + LONGEST_PAUSE), [], "twice is enough");
}

#[test]
fn pauses_double_up_to_a_minute() {
    let (mut all, mut now) = candidates(100);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        publish(&mut all, 1, 10, now);
        let begun = now;
        while all.take_users(1, now).is_empty() {
            now += Duration::from_secs(1);
        }
        pauses.push((now - begun).as_secs());
        all.looked(&user(1), 10, false, now);
    }
    assert_eq!(pauses, [0, 5, 10, 20, 40, 60]);
}

#[test]
fn who_is_put_off_comes_again_without_a_further_event() {
    let (mut all, now) = candidates(100);
    publish(&mut all, 1, 10, now);
    publish(&mut all, 2, 10, now);
    assert_eq!(all.take_users(9, now).len(), 2);
    all.later(&user(1), now);
    all.at_once(user(2), now);
    assert_eq!(all.take_users(9, now), [(user(2), 10)]);
    assert_eq!(all.take_users(9, now + FIRST_PAUSE), [(user(1), 10)]);
}

#[test]
fn those_with_the_fewest_events_make_room() {
    let (mut all, now) = candidates(100);
    for number in 0..100 {
        publish(&mut all, number, if number < 30 { 1 } else { 5 }, now);
    }
    assert_eq!((all.len(), all.refused()), (100, 0));
    publish(&mut all, 100, 1, now);
    assert_eq!((all.len(), all.refused()), (71, 30));
    publish(&mut all, 99, 5, now);
    assert_eq!(all.take_users(9, now), [(user(99), 10)], "it was not forgotten");
}

#[test]
fn where_all_are_candidates_one_more_is_refused() {
    let (mut all, now) = candidates(10);
    for number in 0..10 {
        publish(&mut all, number, 10, now);
    }
    publish(&mut all, 10, 10, now);
    all.left(&session(1), now);
    assert_eq!((all.len(), all.refused()), (10, 11));
    assert_eq!(all.take_users(99, now).len(), 10);
}

#[test]
fn a_session_that_was_left_is_looked_at_until_it_is_old() {
    let (mut all, mut now) = candidates(100);
    let begun = now;
    all.left(&session(1), now);
    let mut looks = Vec::new();
    while now < begun + FOLLOW * 3 {
        if !all.take_left(9, now).is_empty() {
            looks.push((now - begun).as_secs());
        }
        now += Duration::from_secs(1);
    }
    assert_eq!(looks, [2, 7, 17, 37, 77, 157, 300]);
    assert_eq!(all.len(), 0);
}

#[test]
fn a_session_that_is_left_again_is_followed_anew() {
    let (mut all, now) = candidates(100);
    all.left(&session(1), now);
    assert_eq!(all.take_left(9, now + FIRST_LOOK).len(), 1);
    let later = now + Duration::from_secs(4);
    all.left(&session(1), later);
    assert_eq!(all.take_left(9, later + FIRST_LOOK), [session(1)]);
    all.seen_to(&session(1));
    assert_eq!((all.len(), all.take_left(9, later + FOLLOW * 2).len()), (0, 0));
}

proptest! {
    /// Whatever happens, nothing grows beyond the bound, and nobody stands anywhere twice.
    #[test]
    fn the_bound_holds(steps in proptest::collection::vec((0_usize..7, 0_usize..40, 0_u64..90), 1..400)) {
        let (mut all, mut now) = candidates(20);
        let mut hand: Vec<(UserId, u32)> = Vec::new();
        for (step, number, seconds) in steps {
            match step {
                0 | 1 => publish(&mut all, number, 6, now),
                2 => all.left(&session(number), now),
                3 => drop(all.take_left(3, now)),
                4 => hand.extend(all.take_users(3, now)),
                5 => if let Some((user, events)) = hand.pop() {
                    match number % 3 {
                        0 => all.looked(&user, events, seconds % 2 == 0, now),
                        1 => all.later(&user, now),
                        _else => all.at_once(user, now),
                    }
                },
                _else => all.seen_to(&session(number)),
            }
            now += Duration::from_secs(seconds / 10);
            prop_assert!(all.len() <= 20);
            prop_assert_eq!(all.left.len(), all.due.len());
            let candidates = all.users.values().filter(|counted| counted.candidate).count();
            prop_assert_eq!(candidates, all.ripe.len() + hand.len());
        }
    }
}
