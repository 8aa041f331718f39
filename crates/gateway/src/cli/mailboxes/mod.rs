//! `pollgate mailboxes`: how many events wait, and where most.
//!
//! | module | holds |
//! | --- | --- |
//! | `source` | where the numbers come from |
//! | `screen` | the table, once or again and again |

mod screen;
mod source;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use pollgate_client::{MailboxDepths, MailboxQuery};
use pollgate_model::{SessionId, UserId};
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::settings::Settings;
use screen::Screen;
use source::{Source, Wanted};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct MailboxArgs {
    #[command(subcommand)]
    command: Option<MailboxCommand>,
    /// Whose mailboxes; without it the deepest of all users.
    #[arg(long)]
    user: Option<UserId>,
    /// Only those of these sessions of the user.
    #[arg(long, requires = "user")]
    session: Vec<SessionId>,
    /// Leaves out those with fewer events waiting.
    #[arg(long, default_value_t = 0, value_name = "N")]
    min_depth: u64,
    /// The most mailboxes to show.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    limit: u16,
    /// Shows them again every so many seconds, until Ctrl-C.
    #[arg(long, num_args = 0..=1, default_missing_value = "2", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    watch: Option<u32>,
    /// Prints JSON: one object, with `--watch` one in each line.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum MailboxCommand {
    /// Deletes what waits in one mailbox, over a gateway's operator address; its reader is told to resync.
    Purge(PurgeArgs),
}

#[derive(Args)]
struct PurgeArgs {
    /// Whose mailbox.
    #[arg(long)]
    user: UserId,
    /// The one of this session; without it the user's main mailbox.
    #[arg(long)]
    session: Option<SessionId>,
    /// Does not ask whether that is meant.
    #[arg(long)]
    yes: bool,
}

/// Shows mailboxes; the exit code is 1 when an alarm stands for one of them.
pub(crate) async fn mailboxes(settings: &Settings, args: MailboxArgs) -> Result<ExitCode, Failure> {
    if let Some(MailboxCommand::Purge(args)) = args.command {
        return purge(settings, args).await;
    }
    let wanted = Wanted {
        user: args.user,
        sessions: args.session,
        min_depth: args.min_depth,
        limit: usize::from(args.limit),
    };
    let mut source = Source::open(settings).await?;
    let every = args.watch.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let shown = show(&mut source, &wanted, every, args.json).await;
    source.close().await;
    Ok(if shown? { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// `true`: an alarm stood when it was looked last.
async fn show(
    source: &mut Source<'_>,
    wanted: &Wanted,
    every: Option<Duration>,
    json: bool,
) -> Result<bool, Failure> {
    let redraws = every.is_some() && !json && std::io::stdout().is_terminal();
    // once, and not for each wait: Ctrl-C may come while the broker is asked
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut screen = Screen::open(redraws)?;
    let mut alarm = false;
    loop {
        let rows = tokio::select! {
            rows = source.read(wanted) => rows?,
            _interrupted = interrupt.recv() => return Ok(alarm),
        };
        alarm = rows.mailboxes.iter().any(|row| row.alarm);
        screen.show(&text(&rows, json, every.is_some())?)?;
        let Some(every) = every else { return Ok(alarm) };
        tokio::select! {
            _interrupted = interrupt.recv() => return Ok(alarm),
            () = tokio::time::sleep(every) => {}
        }
    }
}

fn text(rows: &MailboxDepths, json: bool, again: bool) -> Result<String, Failure> {
    Ok(match (json, again) {
        (false, _) => screen::table(rows),
        (true, false) => serde_json::to_string_pretty(rows)? + "\n",
        (true, true) => serde_json::to_string(rows)? + "\n",
    })
}

async fn purge(settings: &Settings, args: PurgeArgs) -> Result<ExitCode, Failure> {
    let gateway = source::operator(settings)?;
    let (user, session) = (args.user.as_str(), args.session.as_ref().map(SessionId::as_str));
    let query = MailboxQuery { session: session.map(ToOwned::to_owned), ..MailboxQuery::of_user(user) };
    let found = gateway.mailboxes(&query).await?.mailboxes;
    let row = found.into_iter().find(|row| row.session.as_deref() == session);
    let row = row.ok_or("there is no such mailbox")?;
    let of = session.map_or_else(|| "the main mailbox".to_owned(), |session| format!("session {session}"));
    let what = format!("the {} events that wait in {of} of user {user}", row.ready);
    if !args.yes && !confirmed(&what)? {
        return Err("nothing was deleted".into());
    }
    gateway.purge(user, session).await?;
    println!("deleted {what}");
    Ok(ExitCode::SUCCESS)
}

fn confirmed(what: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err("say --yes: there is nobody to ask".into());
    }
    print!("Delete {what}? [y/N] ");
    std::io::stdout().flush()?;
    let mut said = String::new();
    std::io::stdin().read_line(&mut said)?;
    Ok(matches!(said.trim(), "y" | "Y" | "yes"))
}
