//! The token bucket: one number, and the rule that every count of requests follows.

#[cfg(test)]
use pollgate_model::Grant;
use pollgate_model::Rate;

/// A token bucket, kept as the time at which it is full again (the generic cell rate algorithm).
///
/// Taking a token moves that time one step on. A bucket that is full again is the same as none, so it may be forgotten.
/// Times are microseconds on any clock that does not go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    full_at: u64,
}

/// Microseconds for a whole bucket.
pub(super) fn whole(rate: Rate) -> u64 {
    rate.step_us().saturating_mul(u64::from(rate.size()))
}

impl Bucket {
    /// A bucket that will be full at this time.
    pub(super) const fn full_at(time: u64) -> Self {
        Self { full_at: time }
    }

    /// It is full.
    pub(super) const fn is_full(self, now: u64) -> bool {
        self.full_at <= now
    }

    /// In how many microseconds it is full.
    pub(super) const fn full_in(self, now: u64) -> u64 {
        self.full_at.saturating_sub(now)
    }

    /// Whole tokens in it; none when more was used than there was.
    pub(super) fn tokens(self, rate: Rate, now: u64) -> u32 {
        let room = whole(rate).saturating_sub(self.full_in(now));
        u32::try_from(room / rate.step_us()).unwrap_or(u32::MAX).min(rate.size())
    }

    /// Microseconds until there is a token; 0: there is one.
    pub(super) fn wait(self, rate: Rate, now: u64) -> u64 {
        self.full_in(now).saturating_add(rate.step_us()).saturating_sub(whole(rate))
    }

    /// Takes a token; `false`: there is none.
    pub(super) fn take(&mut self, rate: Rate, now: u64) -> bool {
        if self.wait(rate, now) > 0 {
            return false;
        }
        self.count(rate, now);
        true
    }

    /// Counts what was used, whether there was a token or not.
    pub(super) fn count(&mut self, rate: Rate, now: u64) {
        self.full_at = self.full_at.max(now).saturating_add(rate.step_us());
    }

    /// Puts a token back.
    pub(super) fn put_back(&mut self, rate: Rate) {
        self.full_at = self.full_at.saturating_sub(rate.step_us());
    }

    /// What a shared count does with a gateway's charge; PostgreSQL and Redis do the same in their own languages, and a
    /// test holds them to it.
    ///
    /// First what was not used is put back; a full bucket takes no more, so this must not be set off against what was used.
    /// Then that is counted, also beyond what there was, but never further than one bucket below empty: so that nobody
    /// waits longer than for two buckets after an outage. Then tokens are taken, as far as there are any.
    #[cfg(test)]
    pub(super) fn settle(&mut self, rate: Rate, now: u64, spent: u32, returned: u32, wanted: u32) -> Grant {
        let time = |tokens: u32| u64::from(tokens) * rate.step_us();
        self.full_at = self.full_at.saturating_sub(time(returned)).max(now) + time(spent);
        self.full_at = self.full_at.min(now + 2 * whole(rate));
        let granted = self.tokens(rate, now).min(wanted);
        self.full_at += time(granted);
        Grant { granted, full_in_us: self.full_in(now) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the moments: in no window more is let through than a bucket and what appears meanwhile.
        #[test]
        fn no_window_has_more_than_a_bucket_and_its_refill(
            size in 1_u32..20,
            pauses in prop::collection::vec(0_u64..40_000_000, 1..200),
        ) {
            let rate: Rate = format!("{size}/min").parse().unwrap();
            let (mut bucket, mut now, mut passed) = (Bucket::default(), 0, Vec::new());
            for pause in pauses {
                now += pause;
                if bucket.take(rate, now) {
                    passed.push(now);
                }
            }
            for (first, start) in passed.iter().enumerate() {
                for (last, end) in passed.iter().enumerate().skip(first) {
                    let most = u64::from(size) + (end - start) / rate.step_us();
                    prop_assert!((last - first + 1) as u64 <= most, "{} from {start} to {end}", last - first + 1);
                }
            }
        }

        /// And nobody is refused who has kept to the rate.
        #[test]
        fn who_keeps_to_the_rate_is_let_through(size in 1_u32..100, more in 0_u64..1_000_000) {
            let rate: Rate = format!("{size}/s").parse().unwrap();
            let (mut bucket, mut now) = (Bucket::default(), 0);
            for _ in 0..200 {
                prop_assert!(bucket.take(rate, now));
                now += rate.step_us() + more;
            }
        }

        #[test]
        fn what_is_told_of_a_bucket_is_what_it_does(used in 0_u32..30, later in 0_u64..30_000_000) {
            let rate: Rate = "20/min".parse().unwrap();
            let mut bucket = Bucket::default();
            let taken = (0..used).filter(|_| bucket.take(rate, 0)).count() as u32;
            prop_assert_eq!(taken, used.min(20));
            let (tokens, wait) = (bucket.tokens(rate, later), bucket.wait(rate, later));
            prop_assert_eq!(tokens == 0, wait > 0);
            let mut copy = bucket;
            prop_assert!(wait == 0 || !copy.take(rate, later + wait - 1));
            prop_assert!(copy.take(rate, later + wait));
            prop_assert!(bucket.is_full(later + bucket.full_in(later)));
            prop_assert_eq!((0..30).filter(|_| bucket.take(rate, later)).count() as u32, tokens);
        }
    }

    #[test]
    fn a_charge_counts_what_was_used_and_takes_what_there_is() {
        let rate: Rate = "60/min".parse().unwrap();
        let mut shared = Bucket::default();
        assert_eq!(shared.settle(rate, 0, 1, 0, 6), Grant { granted: 6, full_in_us: 7_000_000 });
        assert_eq!(shared.settle(rate, 0, 0, 0, 100), Grant { granted: 53, full_in_us: 60_000_000 });
        assert_eq!(shared.settle(rate, 0, 1, 0, 6), Grant { granted: 0, full_in_us: 61_000_000 });
        assert_eq!(shared.settle(rate, 0, 0, 3, 6), Grant { granted: 2, full_in_us: 60_000_000 });
        assert_eq!(shared.settle(rate, 0, 1000, 0, 1), Grant { granted: 0, full_in_us: 120_000_000 });
        assert_eq!(shared.settle(rate, 0, 2, 1000, 0), Grant { granted: 0, full_in_us: 2_000_000 });
    }
}
