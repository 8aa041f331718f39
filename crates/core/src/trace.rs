//! Traces: each stage of a message's way is told as a span, when it is over, to whoever exports them.
//!
//! What is not sampled has no [`TraceContext`], so it costs a look at an `Option` and nothing else.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use pollgate_model::{EventId, TraceContext};

/// Where finished spans go. Called wherever a stage ends: must not block.
pub trait SpanSink: Send + Sync + 'static {
    /// A span is over.
    fn finished(&self, span: Span);
}

/// What a span is to those around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// It answers a request.
    Server,
    /// It happens inside.
    Internal,
    /// It hands something over, for others to take.
    Producer,
    /// It takes what was handed over.
    Consumer,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanValue {
    /// A text.
    Text(String),
    /// A name that the program knows.
    Name(&'static str),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// A span that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Itself.
    pub context: Arc<TraceContext>,
    /// The span it is part of, and whether that is another process's.
    pub parent: Option<(u64, bool)>,
    /// What happened.
    pub name: String,
    /// What it is to those around it.
    pub kind: SpanKind,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// More about it.
    pub attributes: Vec<(&'static str, SpanValue)>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// A span that has begun.
#[derive(Clone, Debug)]
pub struct SpanBegun {
    /// Itself: the parent of what it leads to.
    pub context: Arc<TraceContext>,
    parent: Option<(u64, bool)>,
    start: SystemTime,
}

/// Tells of spans, or of nothing.
#[derive(Clone, Default)]
pub struct Tracing(Option<Arc<dyn SpanSink>>);

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Tracing(on)" } else { "Tracing(off)" })
    }
}

fn new_id() -> u64 {
    // 0 stands for none
    rand::random::<u64>().max(1)
}

impl SpanBegun {
    /// The first span of a trace here; `from` is the span of a caller.
    #[must_use]
    pub fn root(from: Option<&TraceContext>, trace: u128) -> Option<Self> {
        let (context, parent) = match from {
            Some(caller) => (caller.child(new_id()), Some((caller.span(), true))),
            None => (TraceContext::new(trace, new_id())?, None),
        };
        Some(Self { context: Arc::new(context), parent, start: SystemTime::now() })
    }

    fn child(parent: &TraceContext, remote: bool, start: SystemTime) -> Self {
        let context = Arc::new(parent.child(new_id()));
        Self { context, parent: Some((parent.span(), remote)), start }
    }

    /// It is over now.
    #[must_use]
    pub fn ended(
        self,
        name: impl Into<String>,
        kind: SpanKind,
        attributes: Vec<(&'static str, SpanValue)>,
    ) -> Span {
        let Self { context, parent, start } = self;
        let end = SystemTime::now().max(start);
        Span { context, parent, name: name.into(), kind, start, end, attributes, failure: None }
    }
}

impl Tracing {
    /// To this.
    #[must_use]
    pub fn new(sink: Arc<dyn SpanSink>) -> Self {
        Self(Some(sink))
    }

    /// Begins a span below another, when that one is sampled and somebody wants to know. `remote`: the other is another
    /// process's, or may be.
    pub(crate) fn below(&self, parent: Option<&Arc<TraceContext>>, remote: bool) -> Option<SpanBegun> {
        self.0.as_ref()?;
        Some(SpanBegun::child(parent?, remote, SystemTime::now()))
    }

    /// The same for one that began so long ago.
    pub(crate) fn below_since(
        &self,
        parent: Option<&Arc<TraceContext>>,
        remote: bool,
        took: Duration,
    ) -> Option<SpanBegun> {
        self.0.as_ref()?;
        let now = SystemTime::now();
        Some(SpanBegun::child(parent?, remote, now.checked_sub(took).unwrap_or(now)))
    }

    /// Tells of a span.
    pub fn tell(&self, span: Span) {
        if let Some(sink) = &self.0 {
            sink.finished(span);
        }
    }
}

/// An event that somebody is given for the first time here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The event.
    pub id: EventId,
    /// When it came here.
    pub arrived: Instant,
    /// Somebody else may have been given it before.
    pub redelivered: bool,
    /// Where it stands in a trace.
    pub trace: Option<Arc<TraceContext>>,
}

/// What all spans about a message on its way through the broker say.
pub(crate) fn messaging(
    system: &'static str,
    operation: (&'static str, &'static str),
    event: EventId,
) -> Vec<(&'static str, SpanValue)> {
    let (name, kind) = operation;
    vec![
        ("messaging.system", SpanValue::Name(system)),
        ("messaging.operation.name", SpanValue::Name(name)),
        ("messaging.operation.type", SpanValue::Name(kind)),
        ("messaging.destination.template", SpanValue::Name("{user}/{session}")),
        ("messaging.message.id", SpanValue::Text(event.to_string())),
    ]
}

/// Milliseconds for an attribute.
pub(crate) fn as_ms(time: Duration) -> SpanValue {
    SpanValue::Number(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
