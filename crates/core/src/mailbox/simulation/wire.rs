//! What is on the way from the broker to a consumer: in order, with delay, held up while the line is cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pollgate_broker::{Delivery, Detached, Inbox};
use tokio::sync::mpsc;

use super::world::World;
use crate::task::Tasks;

/// A delivery, or the end of the consumer.
pub(super) enum Frame {
    Deliver(Delivery),
    Detached(Detached),
}

/// The sending end.
pub(super) struct Wire {
    frames: mpsc::UnboundedSender<Frame>,
    /// The broker has given the line up: what is on it arrives nowhere.
    given_up: Arc<AtomicBool>,
}

impl Wire {
    /// A wire that ends at an inbox; nothing comes out any more once `open` is false.
    pub(super) fn new(
        world: &Arc<World>,
        tasks: &Tasks,
        line: u64,
        inbox: Arc<dyn Inbox>,
        open: Arc<AtomicBool>,
    ) -> Self {
        let (frames, mut coming) = mpsc::unbounded_channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let (world, ended) = (world.clone(), given_up.clone());
        let work = async move {
            while let Some(frame) = coming.recv().await {
                world.step().await;
                let passes = || open.load(Ordering::SeqCst) && !ended.load(Ordering::SeqCst);
                match frame {
                    Frame::Deliver(delivery) => {
                        while passes() && world.lock().is_cut(line) {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                        if passes() {
                            inbox.deliver(delivery);
                        }
                    }
                    Frame::Detached(why) => {
                        if open.swap(false, Ordering::SeqCst) {
                            inbox.detached(why);
                        }
                    }
                }
            }
        };
        drop(tasks.job(work));
        Self { frames, given_up }
    }

    /// A wire to nowhere, for takers.
    pub(super) fn none() -> Self {
        Self { frames: mpsc::unbounded_channel().0, given_up: Arc::default() }
    }

    pub(super) fn send(&self, frame: Frame) {
        if matches!(frame, Frame::Detached(_)) {
            self.given_up.store(true, Ordering::SeqCst);
        }
        // a wire to nowhere, or one whose gateway died
        drop(self.frames.send(frame));
    }
}
