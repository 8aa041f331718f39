//! A client that reads for a while by a stream, and then goes on with the last cursor it had.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::client::Client;
use crate::mailbox::{Next, PollCursor, Portion, StreamRequest};

/// Where a client stands: the cursor it would send, and the numbers that this cursor confirms.
pub(super) struct Place {
    pub(super) cursor: PollCursor,
    pub(super) answered: Vec<u64>,
}

impl Client {
    /// Reads by a stream, for some time or until it ends.
    pub(super) async fn stream(&self, at: usize, place: &mut Place) {
        let cursor = match place.cursor {
            PollCursor::At(cursor) => Some(cursor),
            PollCursor::Start | PollCursor::Simple => None,
        };
        let request = StreamRequest {
            mailbox: self.mailbox.clone(),
            cursor,
            presence: false,
            patience: Duration::from_secs(5),
        };
        // in the middle of something, or between one thing and the next
        let patience = match self.world.chance(self.faults.leave_percent) {
            true => Duration::from_millis(self.world.between(0, 4000)),
            false => Duration::from_secs(60),
        };
        let leaves_at = Instant::now() + patience;
        let Some(Ok(mut stream)) = self.gateways[at].stream(request).await else {
            return tokio::time::sleep(Duration::from_millis(self.world.between(1, 250))).await;
        };
        // what the stream was begun with, or confirmed since, is confirmed when it is heard of next
        let mut confirmed = std::mem::take(&mut place.answered);
        for _each in 0..self.world.between(1, 20) {
            let wait = Duration::from_millis(self.world.between(0, 2000));
            let Ok(Some(Ok(next))) = timeout_at(leaves_at, self.gateways[at].alive(stream.next(wait))).await
            else {
                break;
            };
            // it was given, and the client never saw it
            if self.world.chance(self.faults.lost_percent) {
                break;
            }
            self.confirmed(std::mem::take(&mut confirmed));
            match next {
                Next::News(portion) => self.take(&portion, place),
                Next::Quiet => {}
                Next::Drained(pause) => {
                    drop(stream);
                    return tokio::time::sleep(pause).await;
                }
            }
            if let (true, PollCursor::At(cursor)) = (self.world.chance(60), place.cursor) {
                stream.confirm(cursor);
                confirmed.append(&mut place.answered);
            }
        }
        // of what was confirmed last it is not known whether it was heard: the next cursor says it again
        place.answered.append(&mut confirmed);
    }

    fn take(&self, portion: &Portion, place: &mut Place) {
        let events: Vec<_> = portion.events.iter().map(|one| one.event.clone()).collect();
        place.answered.extend(self.note_events(&events, portion.resync.is_some()));
        let last = portion.events.last().map(|one| one.cursor).or(portion.resync);
        place.cursor = last.map_or(place.cursor, PollCursor::At);
    }
}
