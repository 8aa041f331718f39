//! Where a message stands in a trace, in its headers as OpenTelemetry's conventions for AMQP have them.

use std::sync::Arc;

use lapin::types::{AMQPValue, FieldTable};
use pollgate_model::{TraceContext, TraceParent};

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// The headers that say it.
pub(super) fn headers(context: &TraceContext) -> FieldTable {
    let mut headers = FieldTable::default();
    headers.insert(PARENT.into(), AMQPValue::LongString(context.traceparent().into()));
    if let Some(state) = context.tracestate() {
        headers.insert(STATE.into(), AMQPValue::LongString(state.into()));
    }
    headers
}

/// What headers say; whoever publishes to the mailboxes by itself may say it too.
pub(super) fn read(headers: &FieldTable) -> Option<Arc<TraceContext>> {
    let text = |name: &str| match headers.inner().get(name)? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str()),
        _ => None,
    };
    let parent = TraceParent::read(text(PARENT)?, text(STATE))?;
    parent.sampled.then(|| Arc::new(parent.context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_where_a_message_stands() {
        let context: TraceContext =
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 vendor=1".parse().unwrap();
        assert_eq!(read(&headers(&context)).as_deref(), Some(&context));
        assert_eq!(read(&FieldTable::default()), None);
        let mut other = FieldTable::default();
        other.insert(PARENT.into(), AMQPValue::LongInt(7));
        assert_eq!(read(&other), None);
    }
}
