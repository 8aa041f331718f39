//! Chance, from a seed: what spreads holds and pauses can be repeated in a simulation.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

/// A source of chance that several may use.
pub(super) struct Dice(Mutex<SmallRng>);

impl Dice {
    /// Always the same throws for the same seed.
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }

    /// A part of something: 0 to 1.
    pub(super) fn part(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random_range(0.0..1.0)
    }

    /// A time from `least` to below `most`, in ms.
    pub(super) fn ms(&self, least: u32, most: u32) -> Duration {
        Duration::from_millis(u64::from(least))
            + Duration::from_millis(u64::from(most - least)).mul_f64(self.part())
    }
}
