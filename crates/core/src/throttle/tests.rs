//! Several gateways around one bucket, on a clock that is turned by hand.

use std::sync::Mutex;

use async_trait::async_trait;
use futures::future::join_all;
use pollgate_model::{Charge, Grant};
use tokio::runtime::Handle;

use super::bucket::Bucket;
use super::*;
use crate::Tasks;

/// A shared count in this process: one bucket, an answer after `delay`, or none.
#[derive(Default)]
struct Here {
    bucket: Mutex<Bucket>,
    delay: Mutex<Duration>,
    hangs: AtomicBool,
    asked: AtomicU64,
    started: Mutex<Option<Instant>>,
}

#[async_trait]
impl Ledger for Here {
    async fn settle(&self, charges: Vec<Charge>) -> Result<Vec<Grant>, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let delay = *self.delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        let started = *self.started.lock().unwrap().get_or_insert_with(Instant::now);
        let now = started.elapsed().as_micros() as u64;
        let mut bucket = self.bucket.lock().unwrap();
        let one = |c: &Charge| bucket.settle(c.rate, now, c.spent, c.returned, c.wanted);
        Ok(charges.iter().map(one).collect())
    }

    async fn forget(&self, _limit: u32) -> Result<usize, String> {
        Ok(0)
    }
}

fn settings(messages: &str) -> ThrottleSettings {
    ThrottleSettings { enabled: true, messages: messages.parse().ok(), ..ThrottleSettings::off() }
}

struct Gateway {
    throttle: Arc<Throttle>,
    tasks: Tasks,
}

fn gateway(settings: ThrottleSettings, ledger: &Arc<Here>) -> Gateway {
    let (tasks, _first_failure) = Tasks::new(Handle::current());
    let throttle = Throttle::with(settings, Some(ledger.clone() as Arc<dyn Ledger>));
    tasks.service("settle", throttle.clone().settle(ledger.clone(), tasks.stop_signal()));
    tasks.service("sweep", throttle.clone().sweep(tasks.stop_signal()));
    Gateway { throttle, tasks }
}

fn ann() -> UserId {
    "ann".parse().unwrap()
}

/// So many requests at once at each gateway; how many pass.
async fn at_once(gateways: &[&Gateway], requests: usize) -> usize {
    let ann = ann();
    let all = gateways.iter().flat_map(|gateway| (0..requests).map(move |_| gateway));
    let verdicts = join_all(all.map(|gateway| gateway.throttle.charge(&ann, &Class::Messages))).await;
    verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Passed(_))).count()
}

#[tokio::test(start_paused = true)]
async fn two_gateways_let_through_one_bucket_and_hardly_more() {
    let ledger = Arc::new(Here::default());
    *ledger.delay.lock().unwrap() = Duration::from_millis(5);
    let (one, two) = (gateway(settings("60/h"), &ledger), gateway(settings("60/h"), &ledger));
    let mut passed = 0;
    for _ in 0..20 {
        passed += at_once(&[&one, &two], 10).await;
    }
    assert!((60..=62).contains(&passed), "{passed}");
    assert!(ledger.asked.load(Ordering::Relaxed) < 60, "not a round trip for each request");
}

#[tokio::test(start_paused = true)]
async fn many_requests_at_once_wait_for_one_answer_together() {
    let ledger = Arc::new(Here::default());
    *ledger.delay.lock().unwrap() = Duration::from_millis(50);
    let one = gateway(settings("100/h"), &ledger);
    let started = Instant::now();
    assert_eq!(at_once(&[&one], 150).await, 100);
    assert!(started.elapsed() < Duration::from_millis(400), "{:?}", started.elapsed());
    assert_eq!(one.throttle.figures().refused[0], ("messages".into(), 50));
}

#[tokio::test(start_paused = true)]
async fn a_refused_user_asks_the_shared_count_once_a_second_at_most() {
    let ledger = Arc::new(Here::default());
    let one = gateway(settings("10/h"), &ledger);
    assert_eq!(at_once(&[&one], 20).await, 10);
    let before = ledger.asked.load(Ordering::Relaxed);
    for _ in 0..500 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(at_once(&[&one], 20).await, 0);
    }
    let asked = ledger.asked.load(Ordering::Relaxed) - before;
    assert!(asked <= 6, "{asked} times in five seconds");
}

#[tokio::test(start_paused = true)]
async fn what_one_gateway_does_not_use_is_the_others() {
    let ledger = Arc::new(Here::default());
    let (one, two) = (gateway(settings("60/h"), &ledger), gateway(settings("60/h"), &ledger));
    // the second request makes the gateway take a tenth ahead
    assert_eq!(at_once(&[&one], 2).await, 2);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(at_once(&[&two], 100).await, 58);
}

#[tokio::test(start_paused = true)]
async fn when_the_shared_count_hangs_each_gateway_counts_and_tells_later() {
    let ledger = Arc::new(Here::default());
    ledger.hangs.store(true, Ordering::Relaxed);
    let (one, two) = (gateway(settings("60/h"), &ledger), gateway(settings("60/h"), &ledger));
    let started = Instant::now();
    assert_eq!(at_once(&[&one, &two], 100).await, 120, "one bucket at each gateway, and not more");
    assert!(started.elapsed() <= Duration::from_secs(3), "{:?}", started.elapsed());
    let figures = one.throttle.figures();
    assert!(figures.failures >= 1 && figures.settlements == 0, "{figures:?}");
    ledger.hangs.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(one.throttle.figures().settlements >= 1);
    // a third one knows nothing of them, but the bucket does: one request passes before it is asked
    let three = gateway(settings("60/h"), &ledger);
    assert_eq!(at_once(&[&three], 100).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_it_waits_takes_nothing() {
    let ledger = Arc::new(Here::default());
    *ledger.delay.lock().unwrap() = Duration::from_millis(500);
    let one = gateway(settings("5/h"), &ledger);
    for _ in 0..5 {
        let leaving = tokio::time::timeout(Duration::from_millis(100), at_once(&[&one], 5)).await;
        assert!(leaving.is_err());
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(at_once(&[&one], 10).await, 5);
}

#[tokio::test(start_paused = true)]
async fn repeats_are_not_counted() {
    let ledger = Arc::new(Here::default());
    let one = gateway(settings("20/h"), &ledger);
    for _ in 0..200 {
        assert_eq!(at_once(&[&one], 1).await, 1);
        one.throttle.refund(&ann(), &Class::Messages);
    }
    assert_eq!(at_once(&[&one], 40).await, 20);
}

#[tokio::test(start_paused = true)]
async fn classes_and_users_are_counted_apart_and_the_rest_not_at_all() {
    let mut settings = settings("1/h");
    settings.rooms = "2/h".parse().ok();
    settings.context.insert("order".into(), "3/h".parse().ok());
    let throttle = Throttle::with(settings, None);
    let bob: UserId = "bob".parse().unwrap();
    for (class, passes) in [(Class::Messages, 1), (Class::Rooms, 2), (Class::Context("order".into()), 3)] {
        for user in [&ann(), &bob] {
            for number in 0..5 {
                let verdict = throttle.charge(user, &class).await;
                assert_eq!(
                    matches!(verdict, Verdict::Passed(_)),
                    number < passes,
                    "{class} {number} {verdict:?}"
                );
            }
        }
    }
    for _ in 0..100 {
        assert_eq!(throttle.charge(&bob, &Class::Publish).await, Verdict::Free);
    }
    let refused = throttle.figures().refused;
    let names: Vec<_> = refused.iter().map(|(class, count)| (class.as_ref(), *count)).collect();
    assert_eq!(
        names,
        [
            ("messages", 8),
            ("rooms", 6),
            ("general", 0),
            ("signals", 0),
            ("publish", 0),
            ("context.order", 4),
            ("polls", 0)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_says_is_what_is_left() {
    let throttle = Throttle::with(settings("60/min"), None);
    for left in (0..60).rev() {
        let Verdict::Passed(said) = throttle.charge(&ann(), &Class::Messages).await else {
            panic!("refused")
        };
        assert_eq!((said.remaining, said.full_in), (left, Duration::from_secs(60 - u64::from(left))));
    }
    let Verdict::Refused(said, wait) = throttle.charge(&ann(), &Class::Messages).await else {
        panic!("passed")
    };
    assert_eq!((said.remaining, wait), (0, Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_counts_nothing() {
    let throttle = Throttle::with(ThrottleSettings { enabled: false, ..settings("1/h") }, None);
    for _ in 0..10 {
        assert_eq!(throttle.charge(&ann(), &Class::Messages).await, Verdict::Free);
    }
}

#[tokio::test(start_paused = true)]
async fn the_services_end_when_they_are_told_to() {
    let one = gateway(settings("60/min"), &Arc::new(Here::default()));
    assert_eq!(at_once(&[&one], 10).await, 10);
    assert!(one.tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(start_paused = true)]
async fn alone_nothing_waits_for_a_settlement_and_idle_users_are_forgotten() {
    let throttle = Throttle::with(settings("60/min"), None);
    for _ in 0..5 {
        throttle.charge(&ann(), &Class::Messages).await;
    }
    throttle.refund(&ann(), &Class::Messages);
    assert_eq!(throttle.table.limit().used, Some(1));
    tokio::time::advance(Duration::from_secs(120)).await;
    throttle.table.sweep(|_, _| {});
    assert_eq!(throttle.table.limit().used, Some(0));
}
