//! Deep, alarming, or neither.

use pollgate_store::NotedAlarm;

/// What the numbers mean, by `mailbox.alarm_depth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthRule {
    alarm: u64,
}

impl DepthRule {
    /// More events than `alarm` are too many.
    #[must_use]
    pub const fn new(alarm: u64) -> Self {
        Self { alarm }
    }

    /// More events than this are an alarm.
    #[must_use]
    pub const fn alarm(self) -> u64 {
        self.alarm
    }

    /// From so many events on a mailbox is noted: a tenth of an alarm.
    #[must_use]
    pub const fn noted(self) -> u64 {
        let tenth = self.alarm / 10;
        if tenth == 0 { 1 } else { tenth }
    }

    /// At so many events an alarm ends: some room below, so that one event more or less is not told each time.
    #[must_use]
    pub const fn ends(self) -> u64 {
        self.alarm - self.alarm.div_ceil(5)
    }

    /// What a depth says about an alarm.
    pub(super) const fn verdict(self, ready: u64) -> NotedAlarm {
        if ready > self.alarm {
            NotedAlarm::Stands
        } else if ready > self.ends() {
            NotedAlarm::Stays
        } else {
            NotedAlarm::Ends
        }
    }

    /// An alarm stands at this depth, if one `stood` when it was looked at last.
    #[must_use]
    pub const fn alarms(self, ready: u64, stood: bool) -> bool {
        ready > self.alarm || (stood && ready > self.ends())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_numbers() {
        let rule = DepthRule::new(100);
        assert_eq!((rule.noted(), rule.ends()), (10, 80));
        let verdicts = [80, 81, 100, 101].map(|ready| rule.verdict(ready));
        assert_eq!(verdicts, [NotedAlarm::Ends, NotedAlarm::Stays, NotedAlarm::Stays, NotedAlarm::Stands]);
        assert!(rule.alarms(101, false) && rule.alarms(81, true));
        assert!(!rule.alarms(100, false) && !rule.alarms(80, true));
    }

    #[test]
    fn small_numbers_and_the_largest() {
        for alarm in [0, 1, 2, 3, 5, 9, 11, u64::MAX] {
            let rule = DepthRule::new(alarm);
            assert!(rule.noted() >= 1 && rule.noted() <= alarm.saturating_add(1), "{alarm}");
            assert!(rule.ends() < alarm.max(1), "an alarm of {alarm} can end");
            // whatever starts an alarm is noted
            assert!(alarm == u64::MAX || alarm + 1 >= rule.noted());
        }
    }
}
