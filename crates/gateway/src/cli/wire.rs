//! `pollgate send` and `pollgate tail`: the two ends of a message, over HTTP like any other client.

use std::io::Write as _;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use rand::Rng as _;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::http_client::{HttpClient, Refusal};
use super::{Failure, tokens};
use crate::settings::Settings;

/// Where the gateway is and who calls it.
#[derive(Args)]
pub(crate) struct Remote {
    /// The gateway's public address.
    #[arg(long, value_name = "URL", env = "POLLGATE_URL")]
    url: Option<String>,
    /// The credential to call with.
    #[arg(long, env = "POLLGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Instead of a token: call as this user, with a JWT signed by the configured secret.
    #[arg(long, conflicts_with = "token")]
    user: Option<String>,
}

#[derive(Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    remote: Remote,
    /// The user who gets it.
    #[arg(long, conflicts_with = "room", required_unless_present = "room")]
    to: Option<String>,
    /// The room it goes to.
    #[arg(long)]
    room: Option<String>,
    /// The text.
    text: String,
}

#[derive(Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    remote: Remote,
    /// The session whose mailbox is read; without it the user's main one.
    #[arg(long)]
    session: Option<String>,
    /// Ends after so many events.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

impl Remote {
    fn client(&self, settings: &Settings) -> Result<HttpClient, Failure> {
        let url = self.url.clone().unwrap_or_else(|| format!("http://{}", settings.http.listen));
        let token = match (&self.token, &self.user) {
            (Some(token), _) => token.clone(),
            (None, Some(user)) => tokens::sign_for(settings, user, "user", Duration::from_secs(12 * 3600))?,
            (None, None) => return Err("say who calls: --token TOKEN, or --user NAME to sign one".into()),
        };
        Ok(HttpClient::new(url, token))
    }
}

/// Sends one message. One `client_id` for all tries makes a retry harmless.
pub(crate) fn send(settings: &Settings, args: &SendArgs) -> Result<ExitCode, Failure> {
    let client = args.remote.client(settings)?;
    let client_id = uuid::Uuid::now_v7().to_string();
    let message = match (&args.to, &args.room) {
        (Some(user), _) => json!({ "to": user, "body": args.text, "client_id": client_id }),
        (_, Some(room)) => json!({ "room": room, "body": args.text, "client_id": client_id }),
        _ => return Err("say where it goes: --to USER or --room ID".into()),
    };
    let mut pause = Backoff::default();
    loop {
        match client.post("/v1/messages", &message.to_string()) {
            Ok(answer) => {
                println!("{answer}");
                return Ok(ExitCode::SUCCESS);
            }
            Err(Refusal::Later { after, .. }) if pause.tries < 5 => pause.wait(after),
            Err(refusal) => return Err(refusal.into()),
        }
    }
}

#[derive(Deserialize)]
struct Polled<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    cursor: String,
    resync: bool,
    pause_ms: u64,
}

/// Prints events, one JSON a line, and confirms each answer only when it was printed.
pub(crate) fn tail(settings: &Settings, args: &TailArgs) -> Result<ExitCode, Failure> {
    let client = args.remote.client(settings)?;
    let mut cursor = String::new();
    let mut left = args.count;
    let mut pause = Backoff::default();
    loop {
        let mut query = vec![("cursor", cursor.as_str())];
        if let Some(session) = &args.session {
            query.push(("session", session));
        }
        let limit = left.unwrap_or(100).clamp(1, 100).to_string();
        query.push(("limit", &limit));
        let done = left == Some(0);
        if done {
            query.push(("wait", "0")); // only to confirm the last ones
        }
        let answer = match client.get("/v1/poll", &query) {
            Ok(answer) => answer,
            Err(Refusal::Later { after, why }) => {
                eprintln!("pollgate: {why}");
                pause.wait(after);
                continue;
            }
            Err(refusal) => return Err(refusal.into()),
        };
        if done {
            return Ok(ExitCode::SUCCESS);
        }
        pause = Backoff::default();
        let polled: Polled<'_> = serde_json::from_str(&answer)?;
        if polled.resync {
            eprintln!("pollgate: events may have been missed (resync)");
        }
        let mut out = std::io::stdout().lock();
        for event in &polled.events {
            writeln!(out, "{event}")?;
        }
        out.flush()?;
        left = left.map(|left| left.saturating_sub(polled.events.len() as u64));
        cursor = polled.cursor;
        wait(Duration::from_millis(polled.pause_ms));
    }
}

/// Full-jitter back-off between 0.5 and 20 s.
#[derive(Default)]
struct Backoff {
    tries: u32,
}

impl Backoff {
    fn wait(&mut self, at_least: Duration) {
        let most = Duration::from_millis(500 << self.tries.min(6)).min(Duration::from_secs(20));
        self.tries += 1;
        wait(at_least.max(most.mul_f64(rand::rng().random_range(0.0..1.0))));
    }
}

#[expect(clippy::disallowed_methods, reason = "a command-line client has nothing else to do meanwhile")]
fn wait(time: Duration) {
    if !time.is_zero() {
        sleep(time);
    }
}
