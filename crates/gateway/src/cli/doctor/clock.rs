//! Clocks: the database's beside this machine's, and whether this one runs evenly.

use std::time::{Duration, Instant, SystemTime};

use pollgate_store::probe::{ClockReading, StoreProbe, Visited};

use super::family::within;
use super::finding::Finding;
use crate::settings::{Settings, ms};
use crate::start;

const LIMIT: Duration = Duration::from_secs(30);
/// What was signed for S3 is good for so long.
const SIGNED_FOR: Duration = Duration::from_secs(15 * 60);
/// How long the clock is watched.
const WATCHED: Duration = Duration::from_secs(1);
/// Of so much nobody takes notice.
const FINE_MS: i64 = 1000;
/// Beyond this, what gateways tell each other through the database is wrong.
const BAD_MS: i64 = 5000;
/// A clock that is led, and not set, moves less than this in a second.
const LED_MS: i128 = 50;

pub(super) async fn run(settings: &Settings) -> Vec<Finding> {
    let (mut findings, storage, even) = tokio::join!(
        within("clock.store", LIMIT, store(settings)),
        within("clock.storage", LIMIT, storage(settings)),
        even()
    );
    findings.extend(storage);
    findings.push(even);
    findings
}

async fn store(settings: &Settings) -> Vec<Finding> {
    let id = "clock.store";
    if !super::configuration::is_postgres(settings) {
        return vec![Finding::ok(id, "SQLite has this machine's clock")];
    }
    let read = async {
        match StoreProbe::visit(&start::store_settings(settings)).await? {
            Visited::Here(probe) => probe.clock().await.map(Some),
            Visited::NoFile(_) => Ok(None),
        }
    };
    vec![match read.await {
        Ok(Some(reading)) => told(reading),
        Ok(None) => Finding::ok(id, "no database yet"),
        Err(error) => Finding::note(id, format!("not looked at: {error}")),
    }]
}

fn told(reading: ClockReading) -> Finding {
    let id = "clock.store";
    let ClockReading { ahead_ms, uncertain_ms } = reading;
    // what is certain: the answer may have taken all of its time on one way
    let apart = ahead_ms.abs().saturating_sub(uncertain_ms).max(0);
    let side = if ahead_ms >= 0 { "ahead of" } else { "behind" };
    let seen =
        format!("the database's clock is {} ms {side} this machine's (± {uncertain_ms} ms)", ahead_ms.abs());
    let found = if apart > BAD_MS {
        Finding::problem(id, seen)
    } else if apart > FINE_MS {
        Finding::warning(id, seen)
    } else {
        return Finding::ok(id, seen);
    };
    found
        .means("leases go by the database's clock, times of messages, tokens and moves between clusters by each \
                gateway's own: tokens are refused too early or too late, and a changed list of clusters is misjudged")
        .change("keep all machines at the same time (NTP: chrony, systemd-timesyncd)")
}

/// The clock of the server that keeps attachments: it refuses what was signed at another time. Any answer bears its time.
async fn storage(settings: &Settings) -> Vec<Finding> {
    let section = &settings.attachments;
    if !section.url.starts_with("s3://") {
        return Vec::new();
    }
    let url = match section.s3_endpoint.as_str() {
        "" => format!("https://s3.{}.amazonaws.com", section.s3_region),
        endpoint => endpoint.to_owned(),
    };
    let asked = async {
        let client = reqwest::Client::builder().timeout(ms(section.timeout_ms)).build().ok()?;
        let answer = client.head(url).send().await.ok()?;
        let date = answer.headers().get(reqwest::header::DATE)?.to_str().ok()?;
        httpdate::parse_http_date(date).ok()
    };
    // that nobody answers is told by files.attachments
    asked.await.map(|theirs| told_of_storage(theirs, SystemTime::now())).into_iter().collect()
}

fn told_of_storage(theirs: SystemTime, ours: SystemTime) -> Finding {
    let id = "clock.storage";
    let apart = theirs.duration_since(ours).unwrap_or_else(|behind| behind.duration());
    let seen = format!("the storage's clock and this machine's are {} s apart", apart.as_secs());
    if apart > SIGNED_FOR / 2 {
        return Finding::problem(id, seen)
            .means("S3 refuses what was signed 15 minutes ago or ahead: uploads and downloads are 503")
            .change("keep all machines at the same time (NTP: chrony, systemd-timesyncd)");
    }
    Finding::ok(id, seen)
}

/// The clock on the wall beside the one that only counts.
async fn even() -> Finding {
    let (counted, wall) = (Instant::now(), SystemTime::now());
    tokio::time::sleep(WATCHED).await;
    let counted = i128::try_from(counted.elapsed().as_millis()).unwrap_or(i128::MAX);
    let wall = match wall.elapsed() {
        Ok(forward) => i128::try_from(forward.as_millis()).unwrap_or(i128::MAX),
        Err(back) => -i128::try_from(back.duration().as_millis()).unwrap_or(i128::MAX),
    };
    evenly(wall - counted)
}

fn evenly(off_ms: i128) -> Finding {
    let id = "clock.even";
    if off_ms.abs() > LED_MS {
        return Finding::warning(
            id,
            format!("this machine's clock moved by {off_ms} ms while a second went by"),
        )
        .means("something sets the clock instead of leading it; tokens and cursors carry times")
        .change("let one service keep the time, and have it step only at the start of the machine");
    }
    Finding::ok(id, "this machine's clock runs evenly")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn only_what_is_certain_counts() {
        let level = |ahead_ms, uncertain_ms| told(ClockReading { ahead_ms, uncertain_ms }).level;
        assert_eq!(level(900, 0), Level::Ok);
        assert_eq!(level(1500, 1000), Level::Ok);
        assert_eq!(level(-1500, 10), Level::Warning);
        assert_eq!(level(-9000, 10), Level::Problem);
        assert_eq!(level(i64::MIN + 1, i64::MAX), Level::Ok);
    }

    #[test]
    fn a_storage_takes_what_was_signed_in_time() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(told_of_storage(now + Duration::from_secs(60), now).level, Level::Ok);
        assert_eq!(told_of_storage(now - Duration::from_secs(600), now).level, Level::Problem);
    }

    #[test]
    fn a_clock_that_is_set_is_seen() {
        assert_eq!(evenly(3).level, Level::Ok);
        assert_eq!(evenly(-400).level, Level::Warning);
    }
}
