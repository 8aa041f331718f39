//! Finished spans on their way out: a bounded queue, and the task that empties it.
//!
//! Nobody waits for it: a span that finds the queue full is dropped, and counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::trace::SpanExporter;
use pollgate_core::{Limit, Span, SpanSink};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{info, warn};

use super::otlp;

/// What became of spans.
#[derive(Debug, Default)]
pub(super) struct SpanCounts {
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    waiting: AtomicUsize,
    most: usize,
}

impl SpanCounts {
    pub(super) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    pub(super) fn read(&self) -> [(&'static str, u64); 3] {
        [("exported", &self.exported), ("failed", &self.failed), ("dropped", &self.dropped)]
            .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }

    pub(super) fn limit(&self) -> Limit {
        Limit {
            name: "queue_spans",
            most: self.most as u64,
            used: Some(self.waiting.load(Ordering::Relaxed) as u64),
            refused: Some(self.dropped.load(Ordering::Relaxed)),
        }
    }
}

/// Where finished spans wait.
pub(super) struct SpanQueue {
    spans: mpsc::Sender<Span>,
    counts: Arc<SpanCounts>,
}

impl SpanSink for SpanQueue {
    fn finished(&self, span: Span) {
        // counted first: the task may be faster
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        if self.spans.try_send(span).is_err() {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How spans go together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Most of them in one request.
    pub(super) batch: usize,
    /// How long one waits for others.
    pub(super) interval: Duration,
}

/// The task that exports.
pub(super) struct Exporting {
    stop: watch::Sender<bool>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Exporting {
    /// Lets it export what there is, for so long at most.
    pub(super) async fn finish(&self, limit: Duration) {
        self.stop.send_replace(true);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running
            && timeout(limit, running).await.is_err()
        {
            warn!("the last spans were not exported in time");
        }
    }
}

/// Starts the task on the caller's runtime.
pub(super) fn start<E: SpanExporter + 'static>(
    exporter: E,
    counts: Arc<SpanCounts>,
    pace: Pace,
) -> (SpanQueue, Exporting) {
    let (spans, waiting) = mpsc::channel(counts.most);
    let (stop, stopped) = watch::channel(false);
    let task = Task { exporter, waiting, counts: counts.clone(), pace, stop: stopped, away: false };
    #[expect(
        clippy::disallowed_methods,
        reason = "`Exporting::finish` waits for it, after all tasks of core"
    )]
    let running = tokio::spawn(task.run());
    let running = Mutex::new(Some(running));
    (SpanQueue { spans, counts }, Exporting { stop, running })
}

struct Task<E> {
    exporter: E,
    waiting: mpsc::Receiver<Span>,
    counts: Arc<SpanCounts>,
    pace: Pace,
    stop: watch::Receiver<bool>,
    /// The collector did not take the last ones.
    away: bool,
}

impl<E: SpanExporter> Task<E> {
    async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let more = self.gather(&mut batch).await;
            if !batch.is_empty() {
                self.export(std::mem::take(&mut batch)).await;
            } else if !more {
                return;
            }
        }
    }

    /// Gathers a batch: full, or as many as came within the interval; `false`: no more will come.
    async fn gather(&mut self, batch: &mut Vec<Span>) -> bool {
        let mut until = None;
        while batch.len() < self.pace.batch {
            let room = self.pace.batch - batch.len();
            let stopping = *self.stop.borrow();
            if stopping {
                // what is there goes out, what comes now is dropped
                self.waiting.close();
            }
            let mut stop = self.stop.clone();
            let receive = async {
                tokio::select! {
                    got = self.waiting.recv_many(batch, room) => Some(got),
                    _stop = stop.wait_for(|stop| *stop), if !stopping => None,
                }
            };
            let got = match until {
                Some(until) => match timeout_at(until, receive).await {
                    Ok(got) => got,
                    Err(_elapsed) => return true,
                },
                None => receive.await,
            };
            match got {
                Some(0) => return false,
                Some(_some) => until = until.or_else(|| Some(Instant::now() + self.pace.interval)),
                None => {}
            }
        }
        true
    }

    async fn export(&mut self, batch: Vec<Span>) {
        let count = batch.len();
        self.counts.waiting.fetch_sub(count, Ordering::Relaxed);
        let spans = batch.into_iter().map(otlp::span).collect();
        let counter = match self.exporter.export(spans).await {
            Ok(()) => {
                if std::mem::take(&mut self.away) {
                    info!("the collector takes spans again");
                }
                &self.counts.exported
            }
            Err(error) => {
                // said once: the metric says how many
                if !std::mem::replace(&mut self.away, true) {
                    warn!(%error, spans = count, "the collector did not take spans, which are given up");
                }
                &self.counts.failed
            }
        };
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}
