//! Who asks for a stream, and over which mailbox.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use pollgate_core::StreamRequest;
use pollgate_model::{Cursor, Mailbox, SessionId};
use serde::Deserialize;

use super::super::caller::needs;
use super::super::problem::Problem;
use super::super::{Gateway, origin, strict};
use crate::auth::{Caller, Scope};

/// What the address of a stream says.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct StreamQuery {
    /// The last cursor that came, which confirms its event and all before it. Without it, or empty: everything that is
    /// unconfirmed comes.
    #[param(nullable = false)]
    cursor: Option<String>,
    /// Names the device or tab, which has a mailbox of its own. Without it: the user's main mailbox.
    #[param(nullable = false)]
    session: Option<SessionId>,
    /// The user is told of `presence` while the stream is open.
    #[serde(default)]
    presence: bool,
    /// From `POST /v1/tickets`, for clients that cannot set headers.
    #[param(nullable = false)]
    ticket: Option<String>,
    #[param(ignore)]
    token: Option<String>,
}

/// Finds out who asks for what. `last` is the cursor that a header brought, which is newer than the one in the address: a
/// browser comes back to the same address.
pub(super) async fn open(
    request: &HttpRequest,
    gateway: &Gateway,
    last: Option<&str>,
) -> Result<(Caller, StreamRequest), Problem> {
    let StreamQuery { cursor, session, presence, ticket, token } = strict::query(request)?;
    let caller = match ticket {
        Some(ticket) => gateway.by_ticket(&ticket).await?,
        None => gateway.caller_with(request, token.as_deref()).await?,
    };
    needs(&caller, Scope::User)?;
    let cursor = match last.or(cursor.as_deref()) {
        None | Some("") => None,
        Some(text) => Some(text.parse::<Cursor>().map_err(|e| Problem::invalid(format!("cursor: {e}")))?),
    };
    let mailbox = Mailbox { user: caller.user.clone(), session };
    let patience = gateway.streams.heartbeat;
    Ok((caller, StreamRequest { mailbox, cursor, presence, patience }))
}

impl Gateway {
    async fn by_ticket(&self, ticket: &str) -> Result<Caller, Problem> {
        let tickets = self.auth.tickets().ok_or_else(Problem::no_tickets)?;
        let caller = tickets.take(ticket)?;
        // what it was made with may have been revoked, or have run out, since
        self.auth.still_good(&caller).await?;
        Ok(caller)
    }
}

/// Refuses pages of foreign origins: a browser opens a WebSocket to anywhere, whatever the page (RFC 6455, 10.2). What is
/// no browser sends no origin.
pub(super) fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let Some(origin) = origin::foreign(headers) else { return Ok(()) };
    if allowed.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(origin)) {
        return Ok(());
    }
    Err(Problem::forbidden("pages of this origin may not open a WebSocket: see http.cors_origins"))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HOST, HeaderValue, ORIGIN};

    use super::*;

    fn may(origin: Option<&str>, host: &str, allowed: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        let allowed: Vec<String> = allowed.iter().map(|&one| one.to_owned()).collect();
        check_origin(&headers, &allowed).is_ok()
    }

    #[test]
    fn a_page_must_be_ours_or_named() {
        assert!(may(None, "chat.example", &[]), "no browser");
        assert!(may(Some("https://chat.example"), "chat.example", &[]));
        assert!(may(Some("http://127.0.0.1:8080"), "127.0.0.1:8080", &[]));
        assert!(may(Some("https://shop.example"), "chat.example", &["https://shop.example"]));
        assert!(may(Some("https://shop.example"), "chat.example", &["*"]));
        for foreign in
            ["https://evil.example", "null", "https://chat.example.evil.example", "chat.example", ""]
        {
            assert!(!may(Some(foreign), "chat.example", &["https://shop.example"]), "{foreign}");
        }
        assert!(!may(Some("http://127.0.0.1:9999"), "127.0.0.1:8080", &[]), "another port");
    }
}
