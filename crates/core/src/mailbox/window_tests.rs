use proptest::prelude::*;

use super::*;

fn delivery(n: u128, redelivered: bool) -> Delivery {
    Delivery {
        tag: n as u64,
        id: uuid::Uuid::from_u128(n).into(),
        payload: Bytes::from(format!("event {n}")),
        redelivered,
        arrived: std::time::Instant::now(),
        trace: None,
    }
}

fn filled(count: u128) -> Window {
    let mut window = Window::default();
    for n in 1..=count {
        assert_eq!(window.arrive(delivery(n, false), Source::Own), None);
    }
    window
}

const MANY: usize = 1 << 20;

#[test]
fn what_was_sent_and_not_confirmed_comes_again_first() {
    let mut window = filled(3);
    let first = window.next(0, 2, MANY);
    assert_eq!((first.events.len(), first.upto, first.more, first.fresh.len()), (2, 2, true, 2));
    let again = window.next(0, 2, MANY);
    assert_eq!(again.fresh.len(), 0, "both were answered before");
    assert_eq!(again, Batch { fresh: Vec::new(), ..first.clone() });
    let all = window.next(0, 10, MANY);
    assert_eq!(all.events[..2], first.events[..]);
}

#[test]
fn confirming_never_passes_what_was_sent_and_never_moves_back() {
    let mut window = filled(3);
    assert!(window.confirm(99).is_empty(), "nothing was sent");
    window.next(0, 2, MANY);
    assert_eq!(window.confirm(99).len(), 2);
    assert!(window.confirm(1).is_empty());
    assert_eq!(window.confirmed(), 2);
}

#[test]
fn an_answer_is_bounded_in_bytes_but_never_empty_for_it() {
    let mut window = filled(3);
    let batch = window.next(0, 10, 1);
    assert_eq!((batch.events.len(), batch.more), (1, true));
    let batch = window.next(0, 10, 2 * ("event 1".len() + 1));
    assert_eq!((batch.events.len(), batch.more), (2, true));
}

fn marks(ids: &[u128]) -> Marks {
    ids.iter().map(|id| EventId::from(uuid::Uuid::from_u128(*id))).collect()
}

#[test]
fn what_a_client_had_elsewhere_is_done_when_it_comes_and_nothing_else_is() {
    let mut window = Window::default();
    assert!(window.confirm_had(marks(&[2, 5])).is_empty());
    // 1 was held by somebody who gives it back late, 3 and 4 nobody has had
    let tags: Vec<_> =
        [5, 3, 2, 4, 1].iter().filter_map(|n| window.arrive(delivery(*n, true), Source::Own)).collect();
    assert_eq!(tags.iter().map(|d| d.tag).collect::<Vec<_>>(), [5, 2]);
    assert_eq!(window.next(0, 10, MANY).events, ["event 3", "event 4", "event 1"].map(Bytes::from));
}

#[test]
fn what_a_client_had_elsewhere_and_is_here_is_done_unless_it_was_answered_here() {
    let mut window = filled(4);
    window.next(0, 1, MANY);
    let done: Vec<_> = window.confirm_had(marks(&[1, 3])).into_iter().map(|d| d.tag).collect();
    assert_eq!(done, [3], "a cursor of this window may name the place behind 1");
    assert_eq!(window.confirm(1).len(), 1);
    assert_eq!(window.next(1, 10, MANY).events, ["event 2", "event 4"].map(Bytes::from));
}

#[test]
fn what_both_mailboxes_hold_comes_once_and_is_kept_by_the_own_one() {
    let tagged = |n: u128, tag: u64| Delivery { tag, ..delivery(n, false) };
    let mut window = Window::default();
    window.arrive(tagged(1, 10), Source::Main);
    window.arrive(tagged(2, 11), Source::Main);
    window.arrive(tagged(3, 12), Source::Main);
    window.next(0, 1, MANY);
    assert_eq!(window.confirm(1), [Done { source: Source::Main, tag: 10 }]);
    assert_eq!(window.arrive(tagged(1, 20), Source::Own), Some(Done { source: Source::Own, tag: 20 }));
    assert_eq!(window.arrive(tagged(3, 21), Source::Own), Some(Done { source: Source::Main, tag: 12 }));
    assert_eq!(window.arrive(tagged(4, 22), Source::Own), None);
    assert_eq!(window.next(1, 10, MANY).events, ["event 2", "event 3", "event 4"].map(Bytes::from));
    let done: Vec<_> = window.confirm(4).iter().map(|d| (d.source, d.tag)).collect();
    assert_eq!(done, [(Source::Main, 11), (Source::Own, 21), (Source::Own, 22)]);
    assert!(!window.has_main());
}

#[test]
fn after_a_deleted_mailbox_what_was_delivered_is_still_answered_and_nobody_is_told() {
    let mut window = filled(2);
    window.detach();
    assert_eq!(window.next(0, 10, MANY).events.len(), 2);
    assert!(window.confirm(2).is_empty());
    assert_eq!(window.len(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Arrive,
    Ask {
        limit: usize,
        bytes: usize,
    },
    /// Confirms what answer number `which` (modulo those there were) gave.
    Confirm {
        which: usize,
    },
    /// The consumer is lost: the broker delivers all that is unacked again.
    Lose,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Arrive),
        4 => (1_usize..5, 1_usize..40).prop_map(|(limit, bytes)| Step::Ask { limit, bytes }),
        3 => any::<usize>().prop_map(|which| Step::Confirm { which }),
        1 => Just(Step::Lose),
    ]
}

proptest! {
    /// Whatever is delivered, asked, confirmed and lost in whatever order: every event is answered until it is
    /// confirmed, in order, and none after it was confirmed in the incarnation that answered it.
    #[test]
    fn nothing_is_lost_and_nothing_confirmed_comes_again(steps in proptest::collection::vec(step(), 1..200)) {
        let mut window = Window::default();
        let mut queue: VecDeque<(u128, bool)> = VecDeque::new(); // the broker's: not acked
        let mut made = 0_u128;
        let mut answers: Vec<u64> = Vec::new();
        for step in steps {
            match step {
                Step::Arrive => {
                    made += 1;
                    queue.push_back((made, false));
                    window.arrive(delivery(made, false), Source::Own);
                }
                Step::Ask { limit, bytes } => {
                    let batch = window.next(window.confirmed(), limit, bytes);
                    let expected: Vec<Bytes> = queue.iter().take(batch.events.len())
                        .map(|(n, _)| Bytes::from(format!("event {n}"))).collect();
                    prop_assert_eq!(&batch.events, &expected);
                    prop_assert_eq!(batch.events.is_empty(), queue.is_empty());
                    prop_assert_eq!(batch.more, batch.events.len() < queue.len());
                    prop_assert!(batch.events.len() <= limit);
                    answers.push(batch.upto);
                }
                Step::Confirm { which } if !answers.is_empty() => {
                    let upto = answers[which % answers.len()];
                    for done in window.confirm(upto) {
                        let (n, _) = queue.pop_front().unwrap();
                        prop_assert_eq!(u128::from(done.tag), n);
                    }
                }
                Step::Confirm { .. } => {}
                Step::Lose => {
                    window.reset();
                    answers.clear(); // cursors of that incarnation mean nothing here any more
                    for (n, redelivered) in &mut queue {
                        *redelivered = true;
                        window.arrive(delivery(*n, true), Source::Own);
                    }
                }
            }
            prop_assert_eq!(window.len(), queue.len());
        }
    }
}

#[test]
fn ids_are_remembered_only_while_the_main_mailbox_is_there() {
    let mut window = Window::default();
    window.arrive(delivery(1, false), Source::Own);
    assert!(window.own.ids.is_empty(), "nobody asked for it");
    window.remember();
    for n in 2..(MOST_REMEMBERED as u128 + 100) {
        window.arrive(delivery(n, false), Source::Own);
    }
    assert_eq!((window.own.ids.len(), window.own.order.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
    window.remember_no_more();
    window.arrive(delivery(1, false), Source::Own);
    assert!(window.own.ids.is_empty() && window.own.order.is_empty());
}
