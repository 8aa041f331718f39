//! Secrets that others would guess, and lines on which they can be heard.

use std::net::IpAddr;

use crate::cli::doctor::finding::Finding;
use crate::settings::{BrokerSettings, SecretUrl, Settings};

/// Fewer different bytes than this in 32 are no accident of a random secret.
const FEWEST_DIFFERENT: usize = 10;
/// Parts of texts that people write while they try things out, and that others try first.
const GUESSED: [&str; 9] = [
    "change",
    "secret",
    "password",
    "passwort",
    "example",
    "at least 32",
    "0123456789",
    "abcdefgh",
    "pollgate",
];

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![signing(settings)];
    let tickets = settings.auth.ticket_secret.expose();
    if !tickets.is_empty() {
        findings.push(strength("configuration.ticket-secret", "auth.ticket_secret", tickets));
    }
    let operator = settings.http.operator_token.expose();
    if !operator.is_empty() {
        findings.push(strength("configuration.operator-token", "http.operator_token", operator));
    }
    findings.extend(lines(settings));
    findings
}

fn signing(settings: &Settings) -> Finding {
    let id = "configuration.secret";
    let jwt = &settings.auth.jwt;
    if !jwt.public_key_file.is_empty() {
        return match std::fs::read_to_string(&jwt.public_key_file) {
            Ok(text) if text.contains("PRIVATE KEY") => {
                Finding::problem(id, "auth.jwt.public_key_file holds a private key")
                    .means("whoever reads it on this machine can sign tokens for everybody")
                    .change("put the public key there, and keep the private one where tokens are signed")
            }
            Ok(text) if text.contains("PUBLIC KEY") => Finding::ok(id, "tokens are verified by a public key"),
            Ok(_) => Finding::problem(id, "auth.jwt.public_key_file holds no public key in PEM form")
                .means("no gateway starts with it")
                .change("an RSA, EC or Ed25519 key that begins with -----BEGIN PUBLIC KEY-----"),
            Err(error) => Finding::problem(id, format!("auth.jwt.public_key_file cannot be read: {error}"))
                .means("no gateway starts without it")
                .change("let whoever runs pollgate read the file"),
        };
    }
    match jwt.hs256_secret.expose() {
        "" if super::is_postgres(settings) => Finding::warning(
            id,
            "auth.jwt has neither a secret nor a public key",
        )
        .means("each gateway makes a secret of its own in data_dir: tokens of one are refused by the others")
        .change("auth.jwt.hs256_secret, the same everywhere (openssl rand -base64 32)"),
        "" => Finding::ok(id, "tokens are signed with the secret in data_dir"),
        secret => strength(id, "auth.jwt.hs256_secret", secret),
    }
}

fn strength(id: &'static str, key: &str, secret: &str) -> Finding {
    let mut seen = [false; 256];
    for byte in secret.bytes() {
        if let Some(seen) = seen.get_mut(usize::from(byte)) {
            *seen = true;
        }
    }
    let different = seen.iter().filter(|seen| **seen).count();
    let advice = "make a random one: openssl rand -base64 32";
    if different < FEWEST_DIFFERENT {
        return Finding::problem(id, format!("{key} is made of {different} different characters"))
            .means("who guesses it can do everything that it protects: sign tokens for everybody, or purge mailboxes")
            .change(advice);
    }
    let small = secret.to_lowercase();
    if GUESSED.iter().any(|word| small.contains(word)) {
        return Finding::warning(id, format!("{key} holds a word or a row that is tried first"))
            .means("who guesses it can do everything that it protects: sign tokens for everybody, or purge mailboxes")
            .change(advice);
    }
    Finding::ok(id, format!("{key} is long and varied"))
}

/// What goes to another machine in the clear, or with the password that everybody knows.
fn lines(settings: &Settings) -> Vec<Finding> {
    let mut lines: Vec<(&'static str, &SecretUrl, bool)> = Vec::new();
    let store = &settings.store.url;
    if super::is_postgres(settings) {
        let asks = ["sslmode=require", "sslmode=verify"];
        lines.push(("store.url", store, asks.iter().any(|asked| store.expose().contains(asked))));
    }
    if let BrokerSettings::Rabbitmq(rabbit) = &settings.broker {
        lines.extend(
            rabbit
                .clusters
                .iter()
                .map(|cluster| ("broker.url", &cluster.url, cluster.url.expose().starts_with("amqps://"))),
        );
    }
    let redis = &settings.throttle.redis;
    if !redis.expose().is_empty() {
        lines.push(("throttle.redis", redis, redis.expose().starts_with("rediss://")));
    }
    let mut findings = Vec::new();
    for (key, url, encrypted) in lines {
        let Some(Login { user, password, host }) = login(url.expose()) else { continue };
        let far = !is_here(&host);
        if far && user == "guest" && password == "guest" {
            findings.push(
                Finding::warning("configuration.passwords", format!("{key} logs in as guest"))
                    .about(url.shown())
                    .means(
                        "RabbitMQ lets guest in from its own machine only, unless somebody has changed that",
                    )
                    .change("make a user of its own for pollgate (rabbitmqctl add_user)"),
            );
        } else if far && !password.is_empty() && user == password {
            findings.push(
                Finding::warning(
                    "configuration.passwords",
                    format!("{key}: the password is the user's name"),
                )
                .about(url.shown())
                .means("it is the first that is tried")
                .change("another password"),
            );
        }
        if far && !encrypted {
            findings.push(
                Finding::note("configuration.encryption", format!("{key} goes to another machine and does not ask for TLS"))
                    .about(url.shown())
                    .means("password and messages can be read on the way; right in a private network that is trusted"),
            );
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "configuration.passwords",
            "nothing that others try first, nothing in the clear",
        ));
    }
    findings
}

struct Login {
    user: String,
    password: String,
    host: String,
}

fn login(url: &str) -> Option<Login> {
    let (_, rest) = url.split_once("://")?;
    let place = rest.rsplit_once('@');
    let (user, password) = place.and_then(|(login, _)| login.split_once(':')).unwrap_or_default();
    let host = place.map_or(rest, |(_, place)| place);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    Some(Login { user: user.to_owned(), password: password.to_owned(), host: host.to_owned() })
}

/// On this machine; a socket's folder and an empty name are.
fn is_here(host: &str) -> bool {
    host.is_empty()
        || host == "localhost"
        || host.starts_with("%2F")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn secrets_are_judged_by_what_others_would_try() {
        let level = |secret: &str| strength("x", "key", secret).level;
        assert_eq!(level(&"a".repeat(40)), Level::Problem);
        assert_eq!(level("abababababababababababababababab"), Level::Problem);
        assert_eq!(level("please-CHANGE-me-0123456789-abcdef"), Level::Warning);
        assert_eq!(level("q7Jw0uYv3nF5eKx9RzLh2TbMd8cGpA4iSo6"), Level::Ok);
        assert!(!strength("x", "key", "my secret my secret my secret xyz").seen.contains("my secret"));
    }

    #[test]
    fn a_login_is_read_and_a_host_is_here_or_elsewhere() {
        let found = login("amqp://guest:guest@mq.example:5672/%2f").unwrap();
        assert_eq!(
            (found.user.as_str(), found.password.as_str(), found.host.as_str()),
            ("guest", "guest", "mq.example")
        );
        assert_eq!(login("postgres://db/x?user=a").unwrap().host, "db");
        assert_eq!(login("amqp://[::1]:5672").unwrap().host, "::1");
        for here in ["", "localhost", "127.0.0.1", "::1", "%2Fvar%2Frun"] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in ["mq.example", "10.0.0.1", "localhost.example"] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
