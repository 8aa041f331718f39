//! `pollgate send` and `pollgate tail`: the two ends of a message, over HTTP like any other client.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures::TryStreamExt as _;
use pollgate_client::{Batch, Client, NewMessage, State};

use super::{Failure, tokens};
use crate::settings::Settings;

/// How long a token lasts that is signed here; another is signed then.
const SIGNED_FOR: Duration = Duration::from_secs(3600);
/// How long a send is tried.
const SENDING: Duration = Duration::from_secs(10);
/// Events in one answer.
const MOST: u64 = 100;

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
    /// How they come.
    #[arg(long, value_enum, default_value_t = Transport::Poll)]
    transport: Transport,
}

#[derive(Clone, Copy, ValueEnum)]
enum Transport {
    /// Long polls.
    Poll,
    /// Server-Sent Events, and polls where they do not come through.
    Sse,
}

impl From<Transport> for pollgate_client::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Poll => Self::Poll,
            Transport::Sse => Self::Sse,
        }
    }
}

impl Remote {
    fn client(self, settings: &Settings) -> Result<Client, Failure> {
        let url = self.url.unwrap_or_else(|| format!("http://{}", settings.http.listen));
        let builder = Client::builder(url).deadline(SENDING);
        let builder = match (self.token, self.user) {
            (Some(token), _) => builder.token(token),
            (None, Some(user)) => {
                // what is wrong with the user or the secret is said now, not as a failure to be tried again
                tokens::sign_for(settings, &user, "user", SIGNED_FOR)?;
                let settings = settings.clone();
                builder.token_with(move |_expired| {
                    let token = tokens::sign_for(&settings, &user, "user", SIGNED_FOR);
                    std::future::ready(token.map_err(|error| error.to_string()))
                })
            }
            (None, None) => return Err("say who calls: --token TOKEN, or --user NAME to sign one".into()),
        };
        Ok(builder.build()?)
    }
}

/// Sends one message.
pub(crate) async fn send(settings: &Settings, args: SendArgs) -> Result<ExitCode, Failure> {
    let client = args.remote.client(settings)?;
    let message = match (args.to, args.room) {
        (Some(user), _) => NewMessage::to(user, args.text),
        (_, Some(room)) => NewMessage::room(room, args.text),
        _ => return Err("say where it goes: --to USER or --room ID".into()),
    };
    println!("{}", serde_json::to_string(&client.send(message).await?)?);
    Ok(ExitCode::SUCCESS)
}

/// Prints events, one JSON a line, and confirms each answer only when it was printed.
pub(crate) async fn tail(settings: &Settings, args: TailArgs) -> Result<ExitCode, Failure> {
    let client = args.remote.client(settings)?;
    let batches = client.batches(args.session.unwrap_or_default()).transport(args.transport.into());
    let mut batches = batches.on_state(|state| {
        if let State::Waiting { reason, .. } = state {
            eprintln!("pollgate: {reason}");
        }
    });
    let mut left = args.count;
    while left != Some(0) {
        let most = left.unwrap_or(MOST).min(MOST);
        batches.set_limit(u32::try_from(most)?);
        let next = tokio::select! {
            next = batches.try_next() => next?,
            // what was printed is confirmed before the end
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(batch) = next else { break };
        print(&batch)?;
        left = left.map(|left| left.saturating_sub(batch.events.len() as u64));
    }
    batches.close().await?;
    Ok(ExitCode::SUCCESS)
}

fn print(batch: &Batch) -> std::io::Result<()> {
    if batch.resync {
        eprintln!("pollgate: events may have been missed (resync)");
    }
    let mut out = std::io::stdout().lock();
    for event in &batch.events {
        writeln!(out, "{}", event.json())?;
    }
    out.flush()
}
