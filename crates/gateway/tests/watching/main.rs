//! What ships for Prometheus and Grafana, `docker/prometheus` and `docker/grafana`, against a real gateway that a real Prometheus
//! scrapes: every query of the dashboard finds something, and every alert asks for what is there.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod dashboard;
mod expressions;
mod rules;
mod world;
