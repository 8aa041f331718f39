//! Where a loop's answers come from: polls, or a stream while one can be had.

use std::time::Duration;

use tokio::time::Instant;

use super::stream::Reading;
use super::{Answer, Options, Source, Transport, poll};
use crate::client::Client;
use crate::error::Error;

/// After streams did not come through; doubles each time, up to [`MOST_POLLING`].
const POLLING: Duration = Duration::from_secs(60);
const MOST_POLLING: Duration = Duration::from_secs(30 * 60);

pub(super) struct Line {
    client: Client,
    options: Options,
    stream: Option<Reading>,
    /// Streams do not come through: they are tried again then.
    polling_until: Option<Instant>,
    polling_for: Duration,
}

impl Line {
    pub(super) fn new(client: Client, options: Options) -> Self {
        Self { client, options, stream: None, polling_until: None, polling_for: POLLING }
    }

    /// Confirms without waiting for more.
    pub(super) async fn confirm(client: &Client, options: &Options, cursor: &str) -> Result<(), Error> {
        poll::confirm(client, options, cursor).await
    }

    /// The next of a stream; `None`: streams do not come through.
    async fn stream(&mut self, cursor: &str) -> Result<Option<Answer>, Error> {
        let mut reading = match self.stream.take() {
            Some(reading) => reading,
            None => match Reading::open(&self.client, &self.options, cursor).await? {
                Some(reading) => {
                    self.polling_for = POLLING;
                    reading
                }
                None => return Ok(None),
            },
        };
        // a stream that failed or has ended is not put back
        let (answer, goes_on) = reading.next(&self.client, cursor).await?;
        self.stream = goes_on.then_some(reading);
        Ok(Some(answer))
    }

    fn wants_stream(&self) -> bool {
        self.options.transport == Transport::Sse
            && self.polling_until.is_none_or(|until| until <= Instant::now())
    }
}

impl Source for Line {
    async fn ask(&mut self, cursor: &str) -> Result<Answer, Error> {
        if self.wants_stream() {
            if let Some(answer) = self.stream(cursor).await? {
                return Ok(answer);
            }
            self.polling_until = Some(Instant::now() + self.polling_for);
            self.polling_for = (self.polling_for * 2).min(MOST_POLLING);
        }
        poll::poll(&self.client, &self.options, cursor).await
    }
}
