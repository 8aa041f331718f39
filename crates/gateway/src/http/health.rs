//! `GET /healthz` and `GET /readyz`, on the operator address.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use bytes::Bytes;
use pollgate_core::CoreError;
use serde::Serialize;

use super::problem::Problem;
use super::{Gateway, answer};

/// A database that has not answered by then is away for now; whoever asks does not wait longer either.
const ANSWERING: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    store: &'static str,
    broker: &'static str,
    clusters: Vec<ClusterHealth>,
    draining: bool,
}

#[derive(Serialize)]
struct ClusterHealth {
    name: String,
    state: &'static str,
}

const fn in_a_word(up: bool, blocked: bool) -> &'static str {
    match (up, blocked) {
        (true, false) => "up",
        (true, true) => "blocked",
        (false, _) => "away",
    }
}

/// The brokers as a whole, and whether the gateway is of use with them.
///
/// One cluster of several that is away concerns its own users only, and a broker that blocks publishers has an alarm:
/// sends are still accepted and polls still deliver. Both are so at every gateway alike: taking the gateways out of
/// service would end what works.
fn all_in_a_word(states: &[&'static str]) -> (&'static str, bool) {
    match states {
        [] => ("away", false),
        [same, others @ ..] if others.iter().all(|other| other == same) => (same, *same != "away"),
        some => ("partly", some.iter().any(|state| *state != "away")),
    }
}

/// The process answers.
pub(crate) async fn alive() -> HttpResponse {
    answer::json(StatusCode::OK, Bytes::from_static(br#"{"status":"ok"}"#))
}

/// The gateway can do its work: 200, or 503 with what is missing.
pub(crate) async fn ready(gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let draining = gateway.core.is_draining();
    let store = match tokio::time::timeout(ANSWERING, gateway.core.ping_store()).await {
        Ok(Ok(())) => "up",
        Ok(Err(_)) | Err(_) => "away",
    };
    let states = gateway.core.broker_states();
    let clusters: Vec<ClusterHealth> = states
        .into_iter()
        .map(|(name, state)| ClusterHealth {
            name: name.to_string(),
            state: in_a_word(state.up, state.blocked),
        })
        .collect();
    let words: Vec<&'static str> = clusters.iter().map(|cluster| cluster.state).collect();
    let (broker, of_use) = all_in_a_word(&words);
    let ready = !draining && store == "up" && of_use;
    let status = if ready { "ready" } else { "not ready" };
    let json = serde_json::to_vec(&Readiness { status, store, broker, clusters, draining })
        .map_err(|e| CoreError::Internal(e.to_string()))?;
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(answer::json(code, Bytes::from(json)))
}

#[cfg(test)]
mod tests {
    use super::all_in_a_word;

    #[test]
    fn one_cluster_decides_alone_and_several_are_of_use_while_one_is() {
        assert_eq!(all_in_a_word(&["up"]), ("up", true));
        assert_eq!(all_in_a_word(&["blocked"]), ("blocked", true));
        assert_eq!(all_in_a_word(&["away"]), ("away", false));
        assert_eq!(all_in_a_word(&["up", "up"]), ("up", true));
        assert_eq!(all_in_a_word(&["up", "away"]), ("partly", true));
        assert_eq!(all_in_a_word(&["away", "blocked"]), ("partly", true));
        assert_eq!(all_in_a_word(&["away", "away"]), ("away", false));
    }
}
