//! How long to wait before the next attempt.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(20);
/// A gateway or a balancer that asks for more is asked again after this.
const MOST_ASKED: Duration = Duration::from_secs(120);
/// Everybody was told the same: up to this part of it is added.
const SPREAD: f64 = 0.25;

/// Full-jitter back-off: anywhere from nothing to a ceiling that doubles with every failure, from 0.5 to 20 s.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// After one more failure. `asked` is what the answer said (`Retry-After`); `random` lies between 0 and 1.
    pub(crate) fn wait(&mut self, asked: Option<Duration>, random: f64) -> Duration {
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        match asked {
            Some(asked) => asked.min(MOST_ASKED).mul_f64(1.0 + SPREAD * random),
            None => FIRST.saturating_mul(1 << doublings).min(MOST).mul_f64(random),
        }
    }

    /// Something worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Between 0 and 1.
pub(crate) fn dice() -> f64 {
    rand::random()
}

/// No pause that an answer asks for is longer than this.
pub(crate) fn bounded(pause: Duration) -> Duration {
    pause.min(MOST_ASKED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_twenty_seconds() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<_> = (0..40).map(|_| backoff.wait(None, 1.0).as_millis()).collect();
        assert_eq!(ceilings[..7], [500, 1000, 2000, 4000, 8000, 16_000, 20_000]);
        assert!(ceilings[7..].iter().all(|&ceiling| ceiling == 20_000));
    }

    #[test]
    fn the_wait_lies_anywhere_below_the_ceiling() {
        assert_eq!(Backoff { failures: 3 }.wait(None, 0.0), Duration::ZERO);
        assert_eq!(Backoff { failures: 3 }.wait(None, 0.5), Duration::from_secs(2));
    }

    #[test]
    fn what_worked_begins_anew() {
        let mut backoff = Backoff { failures: 9 };
        backoff.reset();
        assert_eq!(backoff.wait(None, 1.0), FIRST);
    }

    #[test]
    fn what_is_asked_for_is_honoured_with_up_to_a_quarter_more() {
        let asked = Some(Duration::from_secs(8));
        assert_eq!(Backoff::default().wait(asked, 0.0), Duration::from_secs(8));
        assert_eq!(Backoff { failures: 7 }.wait(asked, 1.0), Duration::from_secs(10));
        let ages = Some(Duration::from_secs(1 << 30));
        assert_eq!(Backoff::default().wait(ages, 0.0), MOST_ASKED);
    }
}
