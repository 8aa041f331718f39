use proptest::prelude::*;

use super::*;

fn delivery(n: u128, redelivered: bool) -> Delivery {
    Delivery {
        tag: n as u64,
        id: uuid::Uuid::from_u128(n).into(),
        payload: Bytes::from(format!("event {n}")),
        redelivered,
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
    assert_eq!((first.events.len(), first.upto, first.more), (2, 2, true));
    let again = window.next(0, 2, MANY);
    assert_eq!(again, first);
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

#[test]
fn what_a_client_has_seen_elsewhere_is_done_when_it_comes_back() {
    let mut window = Window::default();
    assert!(window.confirm_seen(uuid::Uuid::from_u128(2).into()).is_empty());
    window.arrive(delivery(1, true), Source::Own);
    assert!(window.expects_seen());
    window.arrive(delivery(2, true), Source::Own);
    window.arrive(delivery(3, true), Source::Own);
    let done: Vec<_> = window.match_seen().into_iter().map(|d| d.tag).collect();
    assert_eq!(done, [1, 2]);
    assert!(!window.expects_seen());
    assert_eq!(window.next(window.confirmed(), 10, MANY).events, [Bytes::from("event 3")]);
}

#[test]
fn what_nobody_was_given_stays_although_it_stands_before_what_a_client_has_seen() {
    let mut window = Window::default();
    window.confirm_seen(uuid::Uuid::from_u128(3).into());
    window.arrive(delivery(1, false), Source::Own); // read beside another gateway, which gives back the next two
    window.arrive(delivery(2, true), Source::Own);
    window.arrive(delivery(3, true), Source::Own);
    window.arrive(delivery(4, false), Source::Own);
    let done: Vec<_> = window.match_seen().into_iter().map(|d| d.tag).collect();
    assert_eq!(done, [2, 3]);
    let batch = window.next(window.confirmed(), 10, MANY);
    assert_eq!(batch.events, [Bytes::from("event 1"), Bytes::from("event 4")]);
    let done: Vec<_> = window.confirm(batch.upto).into_iter().map(|d| d.tag).collect();
    assert_eq!(done, [1, 4]);
}

#[test]
fn a_fresh_delivery_ends_the_wait_for_redeliveries() {
    let mut window = Window::default();
    window.confirm_seen(uuid::Uuid::from_u128(9).into());
    assert!(window.expects_seen());
    window.arrive(delivery(1, false), Source::Own);
    assert!(!window.expects_seen());
}

#[test]
fn what_both_mailboxes_hold_comes_once() {
    let mut window = Window::default();
    window.arrive(delivery(1, false), Source::Main);
    window.arrive(delivery(2, false), Source::Main);
    let had = window.arrive(delivery(2, false), Source::Own);
    assert_eq!(had, Some(Done { source: Source::Own, tag: 2 }));
    assert_eq!(window.arrive(delivery(3, false), Source::Own), None);
    assert_eq!(window.next(0, 10, MANY).events.len(), 3);
    let done = window.confirm(3);
    assert_eq!(done.iter().map(|d| d.source).collect::<Vec<_>>(), [Source::Main, Source::Main, Source::Own]);
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
