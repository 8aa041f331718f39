use proptest::prelude::*;

use super::*;

fn names(hosts: &[String]) -> Vec<ClusterName> {
    hosts.iter().map(|host| ClusterName::of_url(&format!("amqp://{host}")).unwrap()).collect()
}

fn placed(hosts: &[String]) -> Placement {
    Placement::new(names(hosts)).unwrap()
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn hosts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::hash_set("[a-z]{1,12}", 2..10).prop_map(|set| set.into_iter().collect())
}

/// Written down once: a change of the hash would move everybody on every upgrade.
#[test]
fn places_are_the_same_for_good() {
    let placement: Placement = "mq1:5672/%2f mq2:5672/%2f mq3:5672/%2f".parse().unwrap();
    let of = |name: &str| placement.cluster_of(&user(name)).unwrap().as_str().to_owned();
    let all = ["ann", "bob", "eve", "user-1", "zoe", "tom", "\u{e9}"].map(of);
    // found with another implementation of XXH3
    let host = all.each_ref().map(|name| &name[..3]);
    assert_eq!(host, ["mq2", "mq1", "mq1", "mq1", "mq1", "mq3", "mq2"]);
    assert_eq!(ClusterName::of_url("amqp://mq1").unwrap().number(), 2_899_860_408);
}

#[test]
fn a_list_is_refused_when_it_makes_no_sense() {
    let of =
        |hosts: &[&str]| Placement::new(names(&hosts.iter().map(ToString::to_string).collect::<Vec<_>>()));
    assert_eq!(of(&[]), Err(PlacementError::Empty));
    assert!(
        matches!(of(&["a", "b", "a"]), Err(PlacementError::Twice(name)) if name.as_str() == "a:5672/%2f")
    );
    let many: Vec<String> = (0..=MOST_CLUSTERS).map(|n| format!("h{n}")).collect();
    assert_eq!(Placement::new(names(&many)), Err(PlacementError::TooMany));
}

#[test]
fn shares_are_even() {
    const USERS: usize = 20_000;
    for count in 2..6_usize {
        let placement = placed(&(0..count).map(|n| format!("mq{n}")).collect::<Vec<_>>());
        let mut had = vec![0_usize; count];
        for n in 0..USERS {
            had[placement.lane_of(&user(&format!("user-{n}")))] += 1;
        }
        let fair = USERS / count;
        assert!(had.iter().all(|n| n.abs_diff(fair) * 20 < fair), "{had:?} instead of {fair} each");
    }
}

#[test]
fn one_more_cluster_draws_its_share_and_moves_nobody_else() {
    const USERS: usize = 20_000;
    for count in 1..6_usize {
        let before: Vec<String> = (0..count).map(|n| format!("mq{n}")).collect();
        let after: Vec<String> = (0..=count).map(|n| format!("mq{n}")).collect();
        let (before, after) = (placed(&before), placed(&after));
        let mut moved = 0_usize;
        for n in 0..USERS {
            let user = user(&format!("user-{n}"));
            if before.cluster_of(&user) != after.cluster_of(&user) {
                assert_eq!(after.lane_of(&user), count, "moved between clusters that were there before");
                moved += 1;
            }
        }
        let fair = USERS / (count + 1);
        assert!(moved.abs_diff(fair) * 20 < fair, "{moved} moved instead of {fair}");
    }
}

proptest! {
    #[test]
    fn the_order_of_the_list_does_not_matter(hosts in hosts(), who in ".{1,30}") {
        let mut turned = hosts.clone();
        turned.reverse();
        if let Ok(who) = who.parse::<UserId>() {
            let (one, other) = (placed(&hosts), placed(&turned));
            prop_assert_eq!(one.cluster_of(&who), other.cluster_of(&who));
            prop_assert_eq!(one.to_string(), other.to_string());
            let read: Placement = one.to_string().parse().unwrap();
            prop_assert_eq!(one.cluster_of(&who), read.cluster_of(&who));
        }
    }

    #[test]
    fn taking_a_cluster_away_moves_only_its_own_users(hosts in hosts(), who in "[a-z0-9-]{1,30}") {
        let who = user(&who);
        let before = placed(&hosts);
        let gone = names(&hosts).remove(0);
        let after = placed(&hosts[1..]);
        let (was, is) = (before.cluster_of(&who).unwrap(), after.cluster_of(&who).unwrap());
        prop_assert!(was == is || *was == gone, "{} moved from {} to {}", who, was, is);
        prop_assert_ne!(is, &gone);
    }
}
