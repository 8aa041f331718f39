//! Requests between gateways that live in one process, which only tests have.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::{Asked, Reply, Responder};

/// Who answers for which instance.
#[derive(Default)]
pub(super) struct Peers(DashMap<u64, Arc<dyn Responder>>);

impl Peers {
    pub(super) fn add(&self, instance: u64, responder: Arc<dyn Responder>) {
        self.0.insert(instance, responder);
    }

    pub(super) async fn ask(&self, instance: u64, request: Bytes, limit: Duration) -> Asked {
        let Some(responder) = self.0.get(&instance).map(|there| Arc::clone(there.value())) else {
            return Asked::Nobody;
        };
        let answers = answers_of(vec![responder], &request, 1, limit).await;
        answers.into_iter().next().map_or(Asked::Silent, Asked::Answered)
    }

    pub(super) async fn ask_all(&self, request: Bytes, enough: usize, limit: Duration) -> Vec<Bytes> {
        let all = self.0.iter().map(|there| Arc::clone(there.value())).collect();
        answers_of(all, &request, enough, limit).await
    }
}

async fn answers_of(
    responders: Vec<Arc<dyn Responder>>,
    request: &Bytes,
    enough: usize,
    limit: Duration,
) -> Vec<Bytes> {
    // each of them has one answer
    let (answer, mut came) = mpsc::channel(responders.len().max(1));
    for responder in responders {
        let answer = answer.clone();
        // whoever asked may have gone
        responder.asked(request.clone(), Reply::new(move |text| drop(answer.try_send(text))));
    }
    drop(answer);
    let until = Instant::now() + limit;
    let mut answers = Vec::new();
    while answers.len() < enough {
        match timeout_at(until, came.recv()).await {
            Ok(Some(one)) => answers.push(one),
            Ok(None) | Err(_) => break,
        }
    }
    answers
}
