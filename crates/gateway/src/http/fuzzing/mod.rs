//! What fuzzers call, and the tests with them: each check takes any bytes, and fails by a panic when a promise does not hold.
//!
//! fuzz/README.md says how to run them for long; tests.rs runs each for a moment over its corpus and changes of it.

mod bodies;
mod frames;
mod heads;
mod ids;

use actix_web::ResponseError as _;

use super::problem::{Code, Problem};

/// A check by its name, which is also that of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("cursor", ids::cursor),
    ("names", ids::names),
    ("event", bodies::event),
    ("body", bodies::body),
    ("query", bodies::query),
    ("frame", frames::frame),
    ("operation", frames::operation),
    ("credential", heads::credential),
    ("header", heads::header),
];

/// Runs the check of this name; one that is not there is a mistake of the caller's.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    assert!(target.is_some(), "there is no target {name}");
    if let Some((_, check)) = target {
        check(data);
    }
}

/// The first byte, which chooses, and the rest.
fn choice(data: &[u8], of: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((usize::from(*first) % of.max(1), rest))
}

/// A refusal is the client's mistake, and says so in the contract's form.
fn assert_refusal(problem: &Problem) {
    assert_eq!(problem.code(), Code::InvalidRequest, "{problem}");
    assert_eq!(problem.status_code().as_u16(), 400);
    let json = serde_json::from_slice::<serde_json::Value>(&problem.json());
    let detail = json.ok().and_then(|json| json.get("detail")?.as_str().map(str::is_empty));
    assert_eq!(detail, Some(false), "{problem}");
}

#[cfg(test)]
mod tests;
