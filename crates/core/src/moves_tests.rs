use super::*;

fn placement(list: &str) -> Placement {
    list.parse().unwrap()
}

fn moves(own: &str) -> Moves {
    Moves { own: placement(own), within: Duration::from_secs(3600), others: RwLock::default() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_ms(second * 1000)
}

fn used(list: &str, second: i64) -> ListUse {
    ListUse { list: list.to_owned(), used_at: at(second) }
}

/// One who moves when `b` is added to `a`, and one who stays.
fn users() -> (UserId, UserId) {
    let both = placement("a b");
    let on = |lane: usize| {
        let mut names = (0..100).map(|n| format!("user-{n}").parse::<UserId>().unwrap());
        names.find(|user| both.lane_of(user) == lane).unwrap()
    };
    (on(1), on(0))
}

#[test]
fn whoever_moved_is_told_once_the_other_list_is_over() {
    let (moving, staying) = users();
    let moves = moves("a b");
    moves.learn(vec![used("a b", 1000), used("a", 900)], at(1000));
    // it was over at 915
    assert!(moves.missed_since(&moving, at(910), at(1000)));
    assert!(!moves.missed_since(&moving, at(915), at(1000)), "a cursor of after that end has been told");
    assert!(!moves.missed_since(&staying, at(910), at(1000)), "the same place in both lists");
    assert!(moves.may_have_missed(&moving) && !moves.may_have_missed(&staying));
}

#[test]
fn nobody_is_told_again_and_again_while_the_other_list_is_in_use() {
    let (moving, _) = users();
    let moves = moves("a b");
    moves.learn(vec![used("a", 999)], at(1000));
    assert!(!moves.missed_since(&moving, at(500), at(1000)));
    assert!(moves.missed_since(&moving, at(500), at(1014)), "it is out of use now");
    moves.learn(vec![], at(5000));
    assert!(!moves.missed_since(&moving, at(500), at(5000)), "nothing published by it waits any more");
}

/// Polls one after the other, each with the cursor of the one before, over the end of a list: exactly one is told.
#[test]
fn a_loop_over_the_end_is_told_exactly_once() {
    let (moving, _) = users();
    let moves = moves("a b");
    moves.learn(vec![used("a", 100)], at(101));
    for first in 90..97 {
        let polls: Vec<Timestamp> = (0..6).map(|n| at(first + 5 * n)).collect();
        let told = polls.windows(2).filter(|pair| moves.missed_since(&moving, pair[0], pair[1])).count();
        assert_eq!(told, 1, "polls from {first} on");
    }
}

#[test]
fn our_own_list_in_another_order_is_no_other_one() {
    let (moving, _) = users();
    let moves = moves("b a");
    moves.learn(vec![used(&placement("a b").to_string(), 900)], at(1000));
    assert!(!moves.may_have_missed(&moving));
}
