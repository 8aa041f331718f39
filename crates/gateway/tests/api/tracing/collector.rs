//! A collector: takes OTLP over HTTP, and shows the spans that came.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use pollgate_testkit::eventually;
use prost::Message as _;

use crate::scrape::LIMIT;

/// A span that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) span: String,
    pub(crate) parent: String,
    pub(crate) kind: i32,
    pub(crate) state: String,
    pub(crate) took_ns: i128,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Of the process that told of it.
    pub(crate) resource: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn says(&self, name: &str) -> &str {
        self.attributes.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

/// See the module's text.
pub(crate) struct Collector {
    port: u16,
    came: Arc<Mutex<Came>>,
}

#[derive(Default)]
struct Came {
    spans: Vec<Seen>,
    /// The heads of the requests.
    heads: Vec<String>,
}

impl Collector {
    /// One that takes everything.
    pub(crate) fn start() -> Self {
        Self::listen(true)
    }

    /// One that hears, and never answers.
    pub(crate) fn silent() -> Self {
        Self::listen(false)
    }

    fn listen(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let came: Arc<Mutex<Came>> = Arc::default();
        let all = came.clone();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if answers {
                    let all = all.clone();
                    thread::spawn(move || serve(stream, &all));
                } else {
                    kept.push(stream);
                }
            }
        });
        Self { port, came }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.came.lock().unwrap().heads.clone()
    }

    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.came.lock().unwrap().spans.clone()
    }

    /// The spans of a trace, once there are so many.
    #[track_caller]
    pub(crate) fn trace(&self, trace: &str, count: usize) -> Vec<Seen> {
        let of = || self.spans().into_iter().filter(|span| span.trace == trace).collect::<Vec<_>>();
        eventually(&format!("{count} spans of {trace}"), LIMIT, || of().len() >= count);
        let spans = of();
        assert_eq!(spans.len(), count, "{spans:#?}");
        spans
    }
}

fn serve(mut stream: TcpStream, came: &Mutex<Came>) {
    let mut bytes = Vec::new();
    let mut more = [0; 16 << 10];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap().trim().parse().unwrap();
            if bytes.len() >= end + length {
                let request = ExportTraceServiceRequest::decode(&bytes[end..end + length]).unwrap();
                {
                    let mut came = came.lock().unwrap();
                    came.heads.push(head);
                    came.spans.extend(seen(request));
                }
                bytes.drain(..end + length);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                continue;
            }
        }
        match stream.read(&mut more) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&more[..read]),
            _ended => return,
        }
    }
}

fn seen(request: ExportTraceServiceRequest) -> Vec<Seen> {
    let mut all = Vec::new();
    for resource_spans in request.resource_spans {
        let resource = said(resource_spans.resource.unwrap_or_default().attributes);
        for span in resource_spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            all.push(one(span, resource.clone()));
        }
    }
    all
}

fn one(span: Span, resource: BTreeMap<String, String>) -> Seen {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Seen {
        name: span.name,
        trace: hex(&span.trace_id),
        span: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        kind: span.kind,
        state: span.trace_state,
        took_ns: i128::from(span.end_time_unix_nano) - i128::from(span.start_time_unix_nano),
        attributes: said(span.attributes),
        resource,
    }
}

fn said(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|pair| (pair.key, text(pair.value.and_then(|value| value.value)))).collect()
}
