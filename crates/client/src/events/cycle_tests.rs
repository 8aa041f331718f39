use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::value::RawValue;

use super::*;
use crate::types::Event;

/// Answers as it was told to, notes when it was asked and with which cursor, and then holds for ever.
struct Script {
    answers: VecDeque<Result<Answer, Error>>,
    asked: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Source for Script {
    async fn ask(&mut self, cursor: &str) -> Result<Answer, Error> {
        self.asked.lock().unwrap().push((Instant::now(), cursor.to_owned()));
        match self.answers.pop_front() {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

struct Told {
    cycle: Cycle<Script>,
    asked: Arc<Mutex<Vec<(Instant, String)>>>,
    began: Instant,
}

impl Told {
    /// Milliseconds from the beginning to each question, and its cursor.
    fn asked(&self) -> Vec<(u128, String)> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(at, cursor)| (at.duration_since(self.began).as_millis(), cursor.clone())).collect()
    }

    fn cursors(&self) -> Vec<String> {
        self.asked().into_iter().map(|(_at, cursor)| cursor).collect()
    }

    /// Asks until the script is at its end.
    async fn through(&mut self) -> Vec<Batch> {
        let mut batches = Vec::new();
        let hour = Duration::from_secs(3600);
        while let Ok(batch) = tokio::time::timeout(hour, self.cycle.next()).await {
            batches.push(batch.unwrap());
        }
        batches
    }
}

fn told(answers: impl IntoIterator<Item = Result<Answer, Error>>) -> Told {
    let asked = Arc::default();
    let source = Script { answers: answers.into_iter().collect(), asked: Arc::clone(&asked) };
    let cycle = Cycle::new(source, Options::new(String::new()), String::new());
    Told { cycle, asked, began: Instant::now() }
}

fn events(ids: &[&str], cursor: &str) -> Answer {
    let event = |id: &&str| {
        let json = format!(r#"{{"id":"{id}","type":"t","at":"","data":1}}"#);
        Event::read(RawValue::from_string(json).unwrap()).unwrap()
    };
    Answer {
        events: ids.iter().map(event).collect(),
        cursor: cursor.to_owned(),
        resync: false,
        pause: Duration::ZERO,
    }
}

fn problem(status: u16, code: &str, retry_after_s: Option<u64>) -> Error {
    let retry_after = retry_after_s.map(Duration::from_secs);
    Error::Problem(Problem {
        status,
        code: code.to_owned(),
        detail: String::new(),
        retry_after,
        request_id: None,
    })
}

fn ids(batches: &[Batch]) -> Vec<Vec<&str>> {
    batches.iter().map(|batch| batch.events.iter().map(|event| event.id.as_str()).collect()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_next_request_confirms_the_last_answer_and_begins_at_once() {
    let mut told = told([Ok(events(&["1", "2"], "a")), Ok(events(&["3"], "b"))]);
    let batches = told.through().await;
    assert_eq!(ids(&batches), [vec!["1", "2"], vec!["3"]]);
    assert_eq!(batches[1].cursor, "b");
    assert_eq!(told.asked(), [(0, String::new()), (0, "a".to_owned()), (0, "b".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_confirmed_before_it_was_taken() {
    let mut told = told([Ok(events(&["1"], "a"))]);
    told.cycle.next().await.unwrap();
    assert_eq!(told.cursors(), [""]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_twice_is_dropped() {
    let answers = [Ok(events(&["1", "2"], "a")), Ok(events(&["1", "2"], "b")), Ok(events(&["2", "3"], "c"))];
    let mut told = told(answers);
    assert_eq!(ids(&told.through().await), [vec!["1", "2"], vec!["3"]]);
    assert_eq!(told.cursors(), ["", "a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn answers_that_bring_nothing_come_ten_a_second_at_most() {
    let mut told = told((0..20).map(|_| Ok(events(&[], "a"))));
    assert!(told.through().await.is_empty());
    let at: Vec<_> = told.asked().into_iter().map(|(at, _cursor)| at).collect();
    assert_eq!(at, (0..=20).map(|n| n * 100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_asked_for_is_made_after_the_events_are_handed_over() {
    let drained = Answer { pause: Duration::from_millis(640), ..events(&["1"], "a") };
    let mut told = told([Ok(drained), Ok(events(&["2"], "b"))]);
    told.cycle.next().await.unwrap();
    assert_eq!(told.began.elapsed(), Duration::ZERO);
    told.cycle.next().await.unwrap();
    assert_eq!(told.asked()[1], (640, "a".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_and_at_most_a_quarter_more() {
    for status in [429, 503] {
        let mut told = told([Err(problem(status, "overloaded", Some(8))), Ok(events(&["1"], "a"))]);
        told.cycle.next().await.unwrap();
        let at = told.asked()[1].0;
        assert!((8_000..=10_000).contains(&at), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_followed_by_growing_random_waits_and_told() {
    let failures = (0..12).map(|_| Err(Error::network("gone")));
    let mut told = told(failures.chain([Ok(events(&["1"], "a")), Err(Error::network("gone"))]));
    let states = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&states);
    told.cycle.options.listener =
        Some(Arc::new(move |state: &State| noted.lock().unwrap().push(state.clone())));
    told.through().await;
    let at: Vec<_> = told.asked().into_iter().map(|(at, _cursor)| at).collect();
    let waits: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (failure, wait) in waits[..12].iter().enumerate() {
        let ceiling = (500_u128 << failure.min(6)).min(20_000);
        assert!(*wait <= ceiling + 1, "wait {failure} was {wait}");
    }
    assert!(waits[..12].iter().max() > Some(&500), "no wait grew: {waits:?}");
    assert!(waits[13] <= 501, "what worked did not begin anew: {waits:?}");
    let states = states.lock().unwrap();
    assert!(matches!(&states[0], State::Waiting { reason, .. } if reason.contains("gone")));
    assert_eq!(states[12], State::Live);
}

#[tokio::test(start_paused = true)]
async fn what_another_attempt_does_not_cure_ends_the_loop() {
    let cases = [
        (401, "unauthenticated", End::SignedOut),
        (401, "token-expired", End::SignedOut),
        (403, "forbidden", End::Refused),
        (404, "not-found", End::Refused),
        (400, "invalid-request", End::Refused),
        (409, "superseded", End::Superseded),
    ];
    for (status, code, expected) in cases {
        let mut told = told([Err(problem(status, code, None)), Ok(events(&["1"], "a"))]);
        let error = told.cycle.next().await.unwrap_err();
        assert!(matches!(&error, Error::Ended { why, .. } if *why == expected), "{status}: {error}");
        assert_eq!((error.status(), error.code()), (Some(status), Some(code)));
        assert_eq!(told.cursors().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_cannot_be_read_begins_anew_with_a_resync() {
    let answers =
        [Ok(events(&["1"], "bad")), Err(problem(400, "invalid-request", None)), Ok(events(&["2"], "b"))];
    let mut told = told(answers);
    let batches = told.through().await;
    assert_eq!(ids(&batches), [vec!["1"], vec![], vec!["2"]]);
    assert_eq!(batches.iter().map(|batch| batch.resync).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(told.cursors(), ["", "bad", "", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_resync_is_told_even_without_events() {
    let mut told = told([Ok(Answer { resync: true, ..events(&[], "a") })]);
    let batches = told.through().await;
    assert!(batches[0].resync && batches[0].events.is_empty());
    assert_eq!(told.cursors(), ["", "a"]);
}
