use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;
/// The shared count answers within this time, or is not waited for.
const TIME_OUT: u64 = SECOND;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// Asks the shared bucket and brings the answer, at one moment.
fn settle(account: &mut Account, shared: &mut Bucket, now: u64) {
    if let Some(ask) = account.settle(now) {
        let grant = shared.settle(account.rate, now, ask.spent, ask.returned, ask.wanted);
        account.settled(ask, grant, now);
    }
}

/// How many of so many requests pass when the shared count answers at once.
fn burst(account: &mut Account, shared: &mut Bucket, now: u64, requests: usize) -> usize {
    let pass = |_: &usize| {
        let mut decision = account.ask(now, Mode::Shared);
        if decision == Decision::Wait {
            account.begins_to_wait();
            settle(account, shared, now);
            account.ends_waiting();
            decision = account.decide(now, Mode::Shared);
        }
        settle(account, shared, now);
        decision == Decision::Pass
    };
    (0..requests).filter(pass).count()
}

#[test]
fn one_gateway_lets_through_exactly_the_bucket() {
    for text in ["1/s", "9/min", "60/min", "1000/h"] {
        let (mut account, mut shared) = (Account::new(rate(text)), Bucket::default());
        assert_eq!(burst(&mut account, &mut shared, 0, 2000), account.rate.size() as usize, "{text}");
        assert_eq!(account.remaining(0, Mode::Shared), 0);
        let later = account.rate.step_us();
        assert_eq!(burst(&mut account, &mut shared, later, 10), 1, "{text}");
    }
}

#[test]
fn the_first_request_waits_for_nobody_and_the_next_ones_do() {
    let mut account = Account::new(rate("60/min"));
    assert_eq!(account.ask(0, Mode::Shared), Decision::Pass);
    assert_eq!(account.ask(0, Mode::Shared), Decision::Wait);
    account.begins_to_wait();
    let ask = account.settle(0).unwrap();
    assert_eq!((ask.spent, ask.wanted), (1, 7), "the first one, a tenth ahead and one that waits");
    assert_eq!(account.settle(0), None, "one at a time");
    account.settled(ask, Grant { granted: 7, full_in_us: 8 * SECOND }, 0);
    for _ in 0..7 {
        assert_eq!(account.decide(0, Mode::Shared), Decision::Pass);
    }
}

#[test]
fn somebody_who_asks_now_and_then_never_waits_and_holds_nothing() {
    let (mut account, mut shared) = (Account::new(rate("60/min")), Bucket::default());
    for request in 0..100 {
        let now = request * 2 * SECOND;
        assert_eq!(account.ask(now, Mode::Shared), Decision::Pass);
        settle(&mut account, &mut shared, now);
        assert_eq!(account.left, 0);
    }
}

#[test]
fn a_lease_is_given_back_when_it_is_over() {
    let (mut account, mut shared) = (Account::new(rate("60/min")), Bucket::default());
    assert_eq!(burst(&mut account, &mut shared, 0, 2), 2);
    assert!(account.left > 0 && !account.may_be_forgotten(0));
    account.expire(LEASE_US - 1);
    assert!(account.left > 0);
    account.expire(LEASE_US);
    assert_eq!(account.left, 0);
    settle(&mut account, &mut shared, LEASE_US);
    assert_eq!(shared.tokens(account.rate, LEASE_US), 59);
    assert!(!account.may_be_forgotten(LEASE_US) && account.may_be_forgotten(2 * SECOND));
}

#[test]
fn without_the_shared_count_each_gateway_lets_through_one_bucket_and_tells_of_it_later() {
    let (mut account, mut shared) = (Account::new(rate("60/min")), Bucket::default());
    let passed = (0..200).filter(|_| account.ask(0, Mode::Away) == Decision::Pass).count();
    assert_eq!(passed, 60);
    let ask = account.settle(0).unwrap();
    account.unsettled();
    assert_eq!(account.settle(SECOND).map(|again| again.spent), Some(ask.spent));
    account.unsettled();
    settle(&mut account, &mut shared, SECOND);
    assert_eq!(shared.tokens(account.rate, SECOND), 0, "all of it is counted");
}

#[test]
fn a_gateway_alone_asks_nobody() {
    let mut account = Account::new(rate("60/min"));
    let passed = (0..200).filter(|_| account.ask(0, Mode::Alone) == Decision::Pass).count();
    assert_eq!(passed, 60);
    assert_eq!(
        (account.remaining(30 * SECOND, Mode::Alone), account.full_in(0, Mode::Alone)),
        (30, 60 * SECOND)
    );
    assert!(account.may_be_forgotten(60 * SECOND));
}

#[test]
fn what_is_refunded_may_be_used_again() {
    for mode in [Mode::Alone, Mode::Shared] {
        let (mut account, mut shared) = (Account::new(rate("10/h")), Bucket::default());
        for _ in 0..50 {
            assert_eq!(account.ask(0, mode), Decision::Pass);
            account.refund(0, mode);
            settle(&mut account, &mut shared, 0);
        }
    }
}

/// What happens, in any order.
#[derive(Clone, Debug)]
enum Step {
    Time(u64),
    Request(usize),
    /// Requests at all gateways until none passes.
    Burst,
    Tell(usize),
    Count(usize),
    Answer(usize),
    Lose(usize),
    Sweep,
}

fn step(gateways: usize) -> impl Strategy<Value = Step> {
    let one = 0..gateways;
    prop_oneof![
        2 => (0..400_000_u64).prop_map(Step::Time),
        1 => (0..30 * SECOND).prop_map(Step::Time),
        6 => one.clone().prop_map(Step::Request),
        1 => Just(Step::Burst),
        4 => one.clone().prop_map(Step::Tell),
        4 => one.clone().prop_map(Step::Count),
        4 => one.clone().prop_map(Step::Answer),
        1 => one.prop_map(Step::Lose),
        2 => Just(Step::Sweep),
    ]
}

/// Its account, its question under way with the answer to it, and how many wait.
type Gateway = (Account, Option<(Ask, Option<Grant>)>, u32);

/// Gateways with one shared bucket, and messages between them that take any time.
struct Model {
    rate: Rate,
    shared: Bucket,
    gateways: Vec<Gateway>,
    now: u64,
    passed: Vec<u64>,
}

impl Model {
    fn request(&mut self, at: usize) -> bool {
        let (account, _, waiting) = &mut self.gateways[at];
        match account.ask(self.now, Mode::Shared) {
            Decision::Pass => self.passed.push(self.now),
            Decision::Wait => {
                account.begins_to_wait();
                *waiting += 1;
            }
            Decision::Refuse(_) => return false,
        }
        true
    }

    fn tell(&mut self, at: usize) {
        let (account, message, _) = &mut self.gateways[at];
        if let Some(ask) = account.settle(self.now) {
            *message = Some((ask, None));
        }
    }

    /// A message that takes longer than the time-out is given up.
    fn give_up(&mut self, at: usize) {
        let (account, message, _) = &mut self.gateways[at];
        if message.take_if(|(ask, _)| self.now - ask.sent_at > TIME_OUT).is_some() {
            account.unsettled();
        }
    }

    fn count(&mut self, at: usize) {
        self.give_up(at);
        if let (_, Some((ask, grant @ None)), _) = &mut self.gateways[at] {
            *grant = Some(self.shared.settle(self.rate, self.now, ask.spent, ask.returned, ask.wanted));
        }
    }

    fn answer(&mut self, at: usize) {
        self.give_up(at);
        let (account, message, waiting) = &mut self.gateways[at];
        let Some((ask, Some(grant))) = message.take_if(|(_, grant)| grant.is_some()) else { return };
        account.settled(ask, grant, self.now);
        for _ in 0..std::mem::take(waiting) {
            account.ends_waiting();
            match account.decide(self.now, Mode::Shared) {
                Decision::Pass => self.passed.push(self.now),
                Decision::Refuse(_) => {}
                Decision::Wait => {
                    account.begins_to_wait();
                    *waiting += 1;
                }
            }
        }
    }

    fn burst(&mut self) {
        for at in (0..self.gateways.len()).cycle().take(self.gateways.len() * 4) {
            for _ in 0..self.rate.size() {
                if !self.request(at) {
                    break;
                }
                self.tell(at);
                self.count(at);
                self.answer(at);
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Time(more) => self.now += more,
            Step::Request(at) => drop(self.request(at)),
            Step::Burst => self.burst(),
            Step::Tell(at) => self.tell(at),
            Step::Count(at) => self.count(at),
            Step::Answer(at) => self.answer(at),
            Step::Lose(at) => {
                let (account, message, _) = &mut self.gateways[at];
                if message.take().is_some() {
                    account.unsettled();
                }
            }
            Step::Sweep => {
                let now = self.now;
                for (account, ..) in &mut self.gateways {
                    account.expire(now);
                    if account.may_be_forgotten(now) {
                        *account = Account::new(self.rate);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The bound that docs/throttling.md derives: in no window more than the bucket, what appears meanwhile, what appears
    /// while tokens are on lease, and one uncounted request for each gateway.
    #[test]
    fn several_gateways_let_through_little_more_than_one(
        size in prop_oneof![1_u32..10, 10_u32..70],
        steps in prop::collection::vec(step(3), 1..400),
    ) {
        let rate = rate(&format!("{size}/min"));
        let gateway = || (Account::new(rate), None, 0);
        let gateways = vec![gateway(), gateway(), gateway()];
        let mut model = Model { rate, shared: Bucket::default(), gateways, now: 0, passed: Vec::new() };
        steps.iter().for_each(|step| model.step(step));
        let uncounted = if size < PARTS { 0 } else { 3 };
        let extra = uncounted + (LEASE_US + RETURN_US + TIME_OUT) / rate.step_us() + 1;
        for (first, start) in model.passed.iter().enumerate() {
            for (last, end) in model.passed.iter().enumerate().skip(first) {
                let most = u64::from(size) + (end - start) / rate.step_us() + extra;
                let there = (last - first + 1) as u64;
                prop_assert!(there <= most, "{there} within {} µs, at most {most}", end - start);
            }
        }
    }
}
