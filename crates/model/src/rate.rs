//! Rates of requests, and the words in which gateways count them together.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// So many requests in a second, a minute or an hour: `"60/min"`.
///
/// It is kept as a token bucket of `size` tokens in which a new one appears every [`Self::step_us`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    size: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }
}

/// The text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number from 1 to {MOST} and a time, such as \"60/min\"; the times are s, min and h")]
pub struct BadRate;

/// The largest number in a rate: with it, a token a second appears every microsecond.
const MOST: u32 = 1_000_000;

impl Rate {
    /// How many requests may come at once after a pause.
    #[must_use]
    pub const fn size(self) -> u32 {
        self.size
    }

    /// In how many seconds an empty bucket is full again.
    #[must_use]
    pub const fn period_s(self) -> u32 {
        self.unit.seconds()
    }

    /// Microseconds from one token to the next, rounded up, so that never more than the rate is let through.
    #[must_use]
    pub fn step_us(self) -> u64 {
        (u64::from(self.period_s()) * 1_000_000).div_ceil(u64::from(self.size))
    }

    /// How long it takes for so many tokens to appear.
    #[must_use]
    pub fn time_for(self, tokens: u32) -> Duration {
        Duration::from_micros(self.step_us().saturating_mul(u64::from(tokens)))
    }
}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let (number, unit) = text.split_once('/').ok_or(BadRate)?;
        // a number of digits alone: parse() would take a sign too
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadRate);
        }
        let size: u32 = number.parse().map_err(|_no_number| BadRate)?;
        let unit = match unit {
            "s" => Unit::Second,
            "min" => Unit::Minute,
            "h" => Unit::Hour,
            _other => return Err(BadRate),
        };
        if (1..=MOST).contains(&size) { Ok(Self { size, unit }) } else { Err(BadRate) }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "min",
            Unit::Hour => "h",
        };
        write!(f, "{}/{unit}", self.size)
    }
}

/// What one gateway tells the shared count about one bucket, and asks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Which bucket: the same text at every gateway.
    pub bucket: String,
    /// Its rate.
    pub rate: Rate,
    /// Tokens that were used without having been taken.
    pub spent: u32,
    /// Tokens that were taken and not used. They are put back before anything else, as far as the bucket takes them.
    pub returned: u32,
    /// Tokens to be taken now, as far as there are any.
    pub wanted: u32,
}

/// What the shared count answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Tokens that were taken: at most what was wanted.
    pub granted: u32,
    /// In how many microseconds the bucket is full again if nobody takes anything. More than the time of a whole
    /// bucket: that much was used beyond it.
    pub full_in_us: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_and_written() {
        for (text, size, step_us) in [
            ("60/min", 60, 1_000_000),
            ("1/s", 1, 1_000_000),
            ("1000000/s", 1_000_000, 1),
            ("7/min", 7, 8_571_429),
            ("2/h", 2, 1_800_000_000),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.size(), rate.step_us(), rate.to_string().as_str()), (size, step_us, text));
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "60",
            "0/min",
            "-1/s",
            "+1/s",
            "1.5/s",
            "60/m",
            "60/ min",
            "60 /min",
            "1000001/s",
            "/s",
            "1/d",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(BadRate), "{text}");
        }
    }
}
