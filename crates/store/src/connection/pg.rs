//! Connections to PostgreSQL: bounded in time, so that a server that hangs is noticed.

use std::time::Duration;

use diesel::Connection as _;
use diesel::pg::PgConnection;

use crate::error::Failure;
use crate::settings::StoreSettings;

/// Rows are reached by index only, and statements are planned once: a plan made while the tables were small, or
/// from figures about them that are old, must not read them from end to end when they are large.
pub(super) const BY_INDEX: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
     SET plan_cache_mode = force_generic_plan;";

/// Opens a connection.
pub(super) fn connect(url: &str) -> Result<PgConnection, Failure> {
    PgConnection::establish(url).map_err(|e| Failure::Lost(without_password(&e.to_string(), url)))
}

/// What libpq says, which quotes of a URL that it cannot read what it stumbled over, and that may be the password, or the
/// whole URL.
fn without_password(said: &str, url: &str) -> String {
    let login = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(login, _)| login);
    let Some((user, password)) = login.and_then(|login| login.split_once(':')) else {
        return said.to_owned();
    };
    let tells = |quoted: &str| {
        quoted != user && !quoted.is_empty() && (quoted.contains(password) || password.contains(quoted))
    };
    let parts: Vec<&str> = said.split('"').map(|part| if tells(part) { "***" } else { part }).collect();
    parts.join("\"")
}

/// The URL with libpq's own bounds, where it does not set them itself.
pub(super) fn with_bounds(url: &str, settings: &StoreSettings) -> String {
    let user_timeout = settings.statement_timeout.as_millis().to_string();
    // libpq counts whole seconds, and takes 1 for 2
    let connect = settings.connect_timeout.as_secs().max(2).to_string();
    let wanted = [
        ("application_name", "pollgate"),
        ("connect_timeout", connect.as_str()),
        ("keepalives", "1"),
        ("keepalives_idle", "10"),
        ("keepalives_interval", "5"),
        ("keepalives_count", "3"),
        ("tcp_user_timeout", user_timeout.as_str()),
    ];
    let mut bounded = url.to_owned();
    let query = url.split_once('?').map(|(_, query)| query);
    let set = |key: &str| query.is_some_and(|q| q.split('&').any(|pair| pair.split('=').next() == Some(key)));
    let mut separator = if query.is_some() { '&' } else { '?' };
    for (key, value) in wanted.into_iter().filter(|(key, _)| !set(key)) {
        bounded.push(separator);
        bounded.push_str(key);
        bounded.push('=');
        bounded.push_str(value);
        separator = '&';
    }
    bounded
}

/// What each session is told first.
pub(super) fn session(settings: &StoreSettings) -> String {
    let statement = settings.statement_timeout.as_millis();
    let lock = (settings.statement_timeout / 2).max(Duration::from_millis(1)).as_millis();
    format!(
        "SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {idle}; SET client_min_messages = warning; \
         SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on;",
        idle = statement * 2,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_about_the_url_shows_no_password() {
        let shown = |said: &str| without_password(said, "postgres://ann:ge/heim@db:5432/d?x=1");
        let whole = "expected \"]\" in URI: \"postgres://ann:ge/heim@db:5432/d?x=1\"";
        assert_eq!(shown(whole), "expected \"]\" in URI: \"***\"");
        assert_eq!(shown("invalid port number: \"ge\""), "invalid port number: \"***\"");
        let plain = "connection to server at \"db\", port 5432 failed: no password for user \"ann\"";
        assert_eq!(shown(plain), plain);
        assert_eq!(without_password(plain, "postgres://db/d"), plain);
    }

    #[test]
    fn what_the_url_sets_is_kept() {
        let settings = StoreSettings::new("");
        let url = with_bounds("postgres://h/d?connect_timeout=9", &settings);
        assert!(url.contains("connect_timeout=9&application_name=pollgate"), "{url}");
        assert_eq!(url.matches("connect_timeout").count(), 1);
        assert!(with_bounds("postgres://h/d", &settings).starts_with("postgres://h/d?application_name"));
    }
}
