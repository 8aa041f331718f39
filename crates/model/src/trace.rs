//! Where something stands in a trace, as W3C Trace Context writes it.
//!
//! Only what is sampled has a [`TraceContext`]: it goes with a message through the outbox and the broker, so that its stages
//! are one trace. What came with a request says by [`TraceParent`] whether its caller samples.

use std::fmt;
use std::str::FromStr;

/// Bytes of `traceparent` in version 00.
const LENGTH: usize = 55;
/// Most bytes of `tracestate` that are carried on; longer ones are dropped, as the recommendation allows.
const MOST_STATE: usize = 512;

/// A span of a sampled trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    state: Option<Box<str>>,
}

/// What a caller says of its own trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The caller's span.
    pub context: TraceContext,
    /// The caller records it.
    pub sampled: bool,
}

/// The text is no trace context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no trace context")]
pub struct BadTrace;

impl TraceContext {
    /// A span; `None`: one of the numbers is 0, which stands for "none".
    #[must_use]
    pub fn new(trace: u128, span: u64) -> Option<Self> {
        (trace != 0 && span != 0).then_some(Self { trace, span, state: None })
    }

    /// The trace's number.
    #[must_use]
    pub const fn trace(&self) -> u128 {
        self.trace
    }

    /// The span's number.
    #[must_use]
    pub const fn span(&self) -> u64 {
        self.span
    }

    /// Another span of the same trace; 0 is none, and leaves the span as it is.
    #[must_use]
    pub fn child(&self, span: u64) -> Self {
        Self { span: if span == 0 { self.span } else { span }, ..self.clone() }
    }

    /// As the header `traceparent` says it.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{:032x}-{:016x}-01", self.trace, self.span)
    }

    /// As the header `tracestate` says it: what the tracing systems of callers want carried on.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

impl TraceParent {
    /// Reads the headers of a caller; `None`: there is no trace, or nothing that can be understood.
    #[must_use]
    pub fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut parts = traceparent.splitn(5, '-');
        let mut hex = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length)?;
            let lower = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if lower { u128::from_str_radix(part, 16).ok() } else { None }
        };
        let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        // later versions may add to it, this one may not
        if version == 0xff || (version == 0 && traceparent.len() != LENGTH) {
            return None;
        }
        let mut context = TraceContext::new(trace, u64::try_from(span).ok()?)?;
        let carried = tracestate.map(str::trim).filter(|state| {
            let printable = state.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            printable && (1..=MOST_STATE).contains(&state.len())
        });
        context.state = carried.map(Into::into);
        Some(Self { context, sampled: flags & 1 == 1 })
    }
}

/// As it is kept in one text: `traceparent`, and `tracestate` after a space.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace, self.span)?;
        self.state.as_ref().map_or(Ok(()), |state| write!(f, " {state}"))
    }
}

impl FromStr for TraceContext {
    type Err = BadTrace;

    fn from_str(text: &str) -> Result<Self, BadTrace> {
        let (parent, state) = text.split_once(' ').map_or((text, None), |(one, other)| (one, Some(other)));
        TraceParent::read(parent, state)
            .filter(|parent| parent.sampled)
            .map(|one| one.context)
            .ok_or(BadTrace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_caller_says_where_it_stands_and_whether_it_samples() {
        let parent = TraceParent::read(GIVEN, Some("vendor=1, other=a b")).unwrap();
        assert!(parent.sampled);
        assert_eq!(parent.context.traceparent(), GIVEN);
        assert_eq!(parent.context.tracestate(), Some("vendor=1, other=a b"));
        assert!(!TraceParent::read(&GIVEN.replace("-01", "-00"), None).unwrap().sampled);
        // flags that are not known yet do not matter, nor does what a later version adds
        assert!(TraceParent::read(&GIVEN.replace("-01", "-03"), None).unwrap().sampled);
        assert!(TraceParent::read(&format!("cc{}-more", &GIVEN[2..]), None).unwrap().sampled);
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        let upper = GIVEN.to_uppercase();
        let (long, version) = (format!("{GIVEN}-00"), GIVEN.replacen("00", "ff", 1));
        let no_trace = GIVEN.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32));
        let no_span = GIVEN.replace("b7ad6b7169203331", &"0".repeat(16));
        for bad in ["", "-", "00-1-1-01", "+0-", &upper, &long, &version, &no_trace, &no_span, &GIVEN[1..]] {
            assert_eq!(TraceParent::read(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_carried_is_dropped_alone() {
        for state in ["", " ", "a=\n1", "a=ä", &"a".repeat(513)] {
            assert_eq!(TraceParent::read(GIVEN, Some(state)).unwrap().context.tracestate(), None, "{state}");
        }
    }

    #[test]
    fn a_child_belongs_to_the_same_trace() {
        let parent = TraceParent::read(GIVEN, Some("v=1")).unwrap().context;
        let child = parent.child(7);
        assert_eq!((child.trace(), child.span(), child.tracestate()), (parent.trace(), 7, Some("v=1")));
        assert_eq!(parent.child(0), parent);
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(trace in 1_u128.., span in 1_u64.., state in "([!-~]([ -~]{0,100}[!-~])?)?") {
            let context = TraceContext { trace, span, state: (!state.is_empty()).then(|| state.into()) };
            prop_assert_eq!(context.to_string().parse(), Ok(context));
        }

        #[test]
        fn no_text_is_too_strange(text in ".{0,80}", state in ".{0,80}") {
            let _any = TraceParent::read(&text, Some(&state));
            let _kept = text.parse::<TraceContext>();
        }
    }
}
