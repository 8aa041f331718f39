//! What must hold against people who mean harm: docs/security.md names the test for each promise.

mod door;
mod foreign;
mod headers;
mod injection;
mod secrets;
mod slow;
mod smuggling;
mod tokens;
