//! The shared count of requests, where it is kept in Redis.

use std::time::{Duration, Instant};

use pollgate_model::{Charge, Rate};
use pollgate_redis::RedisBuckets;

use super::family::within;
use super::finding::Finding;
use crate::settings::{Settings, ms};

/// An answer that takes longer makes requests wait for their count.
const SLOW: Duration = Duration::from_millis(20);

pub(super) async fn run(settings: &Settings) -> Vec<Finding> {
    let id = "throttle.redis";
    let section = &settings.throttle;
    if !section.enabled {
        return vec![
            Finding::note(id, "throttle.enabled is false")
                .means("a user may make any number of requests, and one who does so is felt by all"),
        ];
    }
    if section.redis.expose().is_empty() {
        let place = if super::configuration::is_postgres(settings) { "in PostgreSQL" } else { "in memory" };
        return vec![Finding::ok(id, format!("requests are counted {place}"))];
    }
    let limit = ms(section.timeout_ms).saturating_add(Duration::from_secs(2));
    within(id, limit, async { vec![redis(settings).await] }).await
}

async fn redis(settings: &Settings) -> Finding {
    let id = "throttle.redis";
    let section = &settings.throttle;
    let away = |said: String| {
        Finding::problem(id, said)
            .about(section.redis.shown())
            .means("each gateway counts by itself until Redis answers: users get as many times their rate as there are gateways")
            .change("is Redis there, is the password right, and does it let EVAL be called?")
    };
    let buckets =
        match RedisBuckets::new(section.redis.expose(), &section.redis_prefix, ms(section.timeout_ms)) {
            Ok(buckets) => buckets,
            Err(error) => return away(error.to_string()),
        };
    let Ok(rate) = "1/s".parse::<Rate>() else { return away("no rate".into()) };
    // a bucket of its own, which is full again, and forgotten, after a second
    let bucket = format!("doctor:{}", uuid::Uuid::now_v7().simple());
    let charge = Charge { bucket, rate, spent: 0, returned: 0, wanted: 1 };
    // the first call connects
    for _time in 0..2 {
        let begun = Instant::now();
        match buckets.settle(std::slice::from_ref(&charge)).await {
            Err(error) => return away(error.to_string()),
            Ok(_) if begun.elapsed() > SLOW => {}
            Ok(_) => {
                let took = begun.elapsed();
                return Finding::ok(id, format!("Redis counts, in {took:.1?}")).about(section.redis.shown());
            }
        }
    }
    Finding::warning(id, format!("Redis counts, and takes more than {SLOW:?} for it"))
        .about(section.redis.shown())
        .means("requests wait for it now and then")
        .change("a Redis that is nearer, or leave throttle.redis empty: PostgreSQL counts then")
}
