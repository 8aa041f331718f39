//! PostgreSQL and Redis keep to the rule that the bucket itself is tested by.

use pollgate_broker::{ClusterName, Placement};
use pollgate_model::{InstanceId, Rate};
use pollgate_store::StoreSettings;
use pollgate_testkit::{PgSchema, RedisKeys, redis_url};
use std::time::Duration;

use super::super::bucket::Bucket;
use super::*;
use crate::{CoreSettings, Relay};

/// What gateways count in, and what removes it afterwards.
struct Count {
    ledger: Arc<dyn Ledger>,
    _keys: RedisKeys,
    schema: Option<PgSchema>,
}

async fn store(schema: &PgSchema) -> Store {
    let relay = Relay::new(&CoreSettings::default(), Placement::single(ClusterName::in_process()));
    Store::open(StoreSettings::new(schema.url()), InstanceId::new(), relay).await.unwrap()
}

async fn both() -> [Count; 2] {
    let (schema, keys) = (PgSchema::create(), RedisKeys::new());
    let redis = RedisBuckets::new(&redis_url(), keys.prefix(), Duration::from_secs(10)).unwrap();
    let store = store(&schema).await;
    [
        Count { ledger: Arc::new(store), _keys: RedisKeys::new(), schema: Some(schema) },
        Count { ledger: Arc::new(redis), _keys: keys, schema: None },
    ]
}

fn charge(bucket: &str, rate: &str, [spent, returned, wanted]: [u32; 3]) -> Charge {
    Charge { bucket: bucket.into(), rate: rate.parse().unwrap(), spent, returned, wanted }
}

#[tokio::test]
async fn both_count_like_the_bucket() {
    // a step takes minutes, so time makes no difference to whole ones
    let terms = [
        [1, 0, 2],
        [0, 0, 100],
        [1, 0, 2],
        [0, 3, 2],
        [1000, 0, 1],
        [0, 5, 1],
        [0, 1000, 0],
        [2, 1000, 0],
        [0, 0, 0],
        [0, 1, 3],
        [20, 0, 0],
        [0, 2, 5],
        [3, 3, 3],
    ];
    for count in both().await {
        let rate: Rate = "20/h".parse().unwrap();
        let mut bucket = Bucket::default();
        for [spent, returned, wanted] in terms {
            let told = charge("messages:ann", "20/h", [spent, returned, wanted]);
            let grant = count.ledger.settle(vec![told]).await.unwrap()[0];
            let rule = bucket.settle(rate, 0, spent, returned, wanted);
            let steps = |grant: Grant| (grant.granted, grant.full_in_us.div_ceil(rate.step_us()));
            assert_eq!(steps(grant), steps(rule), "{spent} {returned} {wanted}");
        }
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order_and_each_bucket_by_itself() {
    for count in both().await {
        let names = ["b:x", "a:ü", "c:'; --", "a:z"];
        let batch = |_| names.iter().zip(1..).map(|(name, n)| charge(name, "10/h", [n, 0, n])).collect();
        for round in 0..2 {
            let grants = count.ledger.settle(batch(round)).await.unwrap();
            let granted: Vec<u32> = grants.iter().map(|grant| grant.granted).collect();
            let expected = if round == 0 { [1, 2, 3, 4] } else { [1, 2, 1, 0] };
            assert_eq!(granted, expected);
        }
    }
}

#[tokio::test]
async fn many_gateways_at_once_never_get_more_than_there_is() {
    let (schema, keys) = (PgSchema::create(), RedisKeys::new());
    let redis = || RedisBuckets::new(&redis_url(), keys.prefix(), Duration::from_secs(10)).unwrap();
    let mut in_pg: Vec<Arc<dyn Ledger>> = Vec::new();
    let mut in_redis: Vec<Arc<dyn Ledger>> = Vec::new();
    for _ in 0..4 {
        in_pg.push(Arc::new(store(&schema).await));
        in_redis.push(Arc::new(redis()));
    }
    for gateways in [in_pg, in_redis] {
        let settled = gateways.iter().map(async |ledger| {
            let mut granted = [0; 3];
            for round in 0..6 {
                // in another order each time: nobody waits for anybody in a circle
                let mut names = ["b", "a", "c"];
                names.rotate_left(round % 3);
                let batch = names.map(|name| charge(name, "60/h", [0, 0, 7])).to_vec();
                for (name, grant) in names.iter().zip(ledger.settle(batch).await.unwrap()) {
                    granted[usize::from(name.as_bytes()[0] - b'a')] += grant.granted;
                }
            }
            granted
        });
        let all: Vec<[u32; 3]> = futures::future::join_all(settled).await;
        for bucket in 0..3 {
            assert_eq!(all.iter().map(|granted| granted[bucket]).sum::<u32>(), 60);
        }
    }
}

#[tokio::test]
async fn a_database_that_hangs_gets_one_connection_for_counting_and_not_more() {
    let schema = PgSchema::create();
    let store = store(&schema).await;
    let one = || vec![charge("a", "60/h", [1, 0, 0])];
    let (first, second) = tokio::join!(store.settle_buckets(one()), store.settle_buckets(one()));
    assert!(first.is_ok() && second.is_err(), "{first:?} {second:?}");
    assert!(store.settle_buckets(one()).await.is_ok());
}

#[tokio::test]
async fn full_buckets_leave() {
    let [pg, redis] = both().await;
    let schema = pg.schema.as_ref().unwrap();
    for count in [&pg, &redis] {
        let charges = vec![charge("a", "1000000/s", [1, 0, 0]), charge("b", "1/h", [1, 0, 0])];
        count.ledger.settle(charges).await.unwrap();
    }
    // removed by whoever cleans up, and by itself
    let gone =
        pollgate_testkit::eventually_async("the full ones leave", Duration::from_secs(20), async || {
            pg.ledger.forget(10).await.unwrap();
            schema.count("throttle") == 1 && redis._keys.count() == 1
        });
    gone.await;
    assert_eq!(redis.ledger.forget(10).await, Ok(0));
}

#[tokio::test]
async fn a_redis_that_is_away_is_an_error_and_no_password_is_shown() {
    let none = pollgate_testkit::free_port();
    let url = format!("redis://:geheim@127.0.0.1:{none}");
    let ledger = RedisBuckets::new(&url, "x", Duration::from_secs(5)).unwrap();
    let error = Ledger::settle(&ledger, vec![charge("a", "1/s", [1, 0, 0])]).await.unwrap_err();
    assert!(!error.contains("geheim"), "{error}");
    let bad = RedisBuckets::new("redis://:geheim@[", "x", Duration::from_secs(5)).unwrap_err();
    assert!(!format!("{bad} {bad:?}").contains("geheim"));
}
