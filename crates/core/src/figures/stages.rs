//! The stages of a message's way: how long each takes.

use std::time::Duration;

use super::Histogram;
use super::times::Times;

/// A stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// From the request to a checked message.
    Accept,
    /// From there to the commit.
    Commit,
    /// From there until the broker's client has it.
    Publish,
    /// From there to the broker's answer.
    Confirm,
    /// From the event's coming to a gateway to the first answer that holds it.
    Deliver,
}

/// Names of [`Stage`], in its order.
const STAGES: [&str; 5] = ["accept", "commit", "publish", "confirm", "deliver"];

/// How long each took since the start.
#[derive(Debug, Default)]
pub(crate) struct Stages([Times; STAGES.len()]);

impl Stages {
    pub(crate) fn note(&self, stage: Stage, took: Duration) {
        if let Some(times) = self.0.get(stage as usize) {
            times.note(took);
        }
    }

    pub(crate) fn read(&self) -> Vec<(&'static str, Histogram)> {
        STAGES.iter().zip(&self.0).map(|(name, times)| (*name, times.read())).collect()
    }
}
