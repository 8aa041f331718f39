//! The scenarios against a gateway that breaks its promises on purpose: what goes wrong must be counted.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};

use super::*;
use crate::cli::{Cli, Command};
use clap::Parser as _;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Every tenth message never comes.
    Loses,
    /// Every tenth comes twice, as the same event.
    Repeats,
    /// Every tenth comes twice, as two events.
    Doubles,
    /// Every tenth is refused and delivered all the same.
    Lies,
}

struct Fake {
    fault: Fault,
    mailboxes: RefCell<HashMap<String, Vec<String>>>,
    arrived: Notify,
}

impl Fake {
    fn deliver(&self, user: &str, data: &str, id: uuid::Uuid) {
        let event = format!(r#"{{"id":"{id}","type":"t","data":{data}}}"#);
        self.mailboxes.borrow_mut().entry(user.into()).or_default().push(event);
        self.arrived.notify_waiters();
    }

    fn message(&self, body: &serde_json::Value) -> u16 {
        let client_id = body["client_id"].as_str().unwrap();
        let data = format!(r#"{{"client_id":"{client_id}","seq":1}}"#);
        let to = body["to"].as_str().unwrap();
        let n: usize = client_id.rsplit_once('-').unwrap().1.parse().unwrap();
        let faulty = n % 10 == 3 && n < WARM_UP;
        let id = uuid::Uuid::new_v4();
        if !faulty || self.fault != Fault::Loses {
            self.deliver(to, &data, id);
        }
        if faulty && matches!(self.fault, Fault::Repeats | Fault::Doubles) {
            let again = if self.fault == Fault::Repeats { id } else { uuid::Uuid::new_v4() };
            self.deliver(to, &data, again);
        }
        if faulty && self.fault == Fault::Lies { 503 } else { 201 }
    }

    async fn poll(&self, user: &str, cursor: usize, held: bool) -> String {
        loop {
            let arrival = self.arrived.notified();
            let waiting: Vec<String> = {
                let mailboxes = self.mailboxes.borrow();
                mailboxes.get(user).into_iter().flatten().skip(cursor).cloned().collect()
            };
            if !waiting.is_empty() || !held {
                let (events, cursor) = (waiting.join(","), cursor + waiting.len());
                return format!(r#"{{"events":[{events}],"cursor":"{cursor}"}}"#);
            }
            arrival.await;
        }
    }

    async fn answer(&self, head: &str, body: &[u8]) -> (u16, String) {
        let claims = head.split_once("Bearer ").unwrap().1.split('.').nth(1).unwrap();
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let user = claims["sub"].as_str().unwrap();
        let target = head.split(' ').nth(1).unwrap();
        if let Some((_path, query)) = target.split_once("cursor=") {
            let cursor = query.split('&').next().unwrap().parse().unwrap_or(0);
            return (200, self.poll(user, cursor, !query.contains("wait=0")).await);
        }
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        if target == "/v1/messages" {
            return (self.message(&body), "{}".into());
        }
        let id = uuid::Uuid::new_v4();
        for to in body["to"].as_array().unwrap() {
            self.deliver(to.as_str().unwrap(), &body["data"].to_string(), id);
        }
        (202, "{}".into())
    }

    async fn serve(self: Rc<Self>, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&buffer).into_owned();
            let request = text.split_once("\r\n\r\n").and_then(|(head, body)| {
                let length = head.split_once("Content-Length: ").map_or("0", |(_, rest)| rest);
                let length: usize = length.lines().next().unwrap().parse().unwrap();
                (body.len() >= length).then(|| (head.to_owned(), body.get(..length).unwrap().to_owned()))
            });
            let Some((head, body)) = request else {
                if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                    return;
                }
                continue;
            };
            buffer.drain(..head.len() + 4 + body.len());
            let (status, answer) = self.answer(&head, body.as_bytes()).await;
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

fn measure(scenario: Scenario, fault: Fault) -> Outcome {
    let arguments = ["b", "send", "--secret", "s", "--users", "20", "--held", "20", "--senders", "4"];
    let more = ["--seconds", "1", "--rate", "200", "--rounds", "2", "--drain-seconds", "1"];
    let Command::Send(against) = Cli::try_parse_from([arguments.as_slice(), &more].concat()).unwrap().command
    else {
        panic!("the command is send")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Rc::new(Fake { fault, mailboxes: RefCell::default(), arrived: Notify::new() });
        spawn_local(async move {
            while let Ok((stream, _from)) = listener.accept().await {
                spawn_local(Rc::clone(&fake).serve(stream));
            }
        });
        let signer = Signer::new("s").unwrap();
        let addresses = [address];
        let setting = Setting {
            addresses: &addresses,
            signer: &signer,
            load: &against.load,
            gateway: None,
            watched: &[],
        };
        setting.run(scenario).await.unwrap()
    })
}

#[test]
fn a_gateway_that_keeps_its_promises_has_a_clean_record() {
    for scenario in [Scenario::Latency, Scenario::Throughput, Scenario::Fanout] {
        let outcome = measure(scenario, Fault::None);
        let counts = &outcome.counts;
        assert!(outcome.kept_promises(), "{counts:?}");
        assert!(counts.accepted > 0 && counts.delivered == counts.accepted, "{counts:?}");
        assert_eq!((counts.failed, counts.poll_errors, counts.repeated), (0, 0, 0), "{counts:?}");
        assert_eq!(outcome.delivery.unwrap().count, counts.delivered);
    }
}

#[test]
fn an_open_loop_sends_what_was_asked_for() {
    assert_eq!(measure(Scenario::Latency, Fault::None).counts.accepted, 200);
}

#[test]
fn what_never_comes_is_lost() {
    let outcome = measure(Scenario::Latency, Fault::Loses);
    assert_eq!((outcome.counts.lost, outcome.counts.delivered), (20, 180));
    assert!(!outcome.kept_promises());
}

#[test]
fn what_comes_twice_is_repeated_or_doubled() {
    let repeats = measure(Scenario::Latency, Fault::Repeats);
    assert_eq!((repeats.counts.repeated, repeats.counts.doubled), (20, 0));
    assert!(repeats.kept_promises());
    let doubles = measure(Scenario::Latency, Fault::Doubles);
    assert_eq!((doubles.counts.repeated, doubles.counts.doubled), (0, 20));
    assert!(!doubles.kept_promises());
}

#[test]
fn what_was_refused_must_not_come() {
    let outcome = measure(Scenario::Latency, Fault::Lies);
    assert_eq!((outcome.counts.failed, outcome.counts.refused_but_delivered), (20, 20));
    assert!(!outcome.kept_promises());
}
