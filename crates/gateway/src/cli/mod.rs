//! The command line: what can be typed, and which function answers it.

mod config;
mod doctor;
mod mailboxes;
mod serve;
mod tokens;
mod visit;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::settings::{Settings, SettingsError};

/// Why a command failed, in words for a person.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// Long-polling event gateway backed by RabbitMQ.
///
/// With no command and no configuration: the gateway with the embedded database and broker under ./pollgate-data.
#[derive(Parser)]
#[command(name = "pollgate", version, about, max_term_width = 110)]
struct Line {
    /// The configuration file (TOML).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the gateway.
    Serve,
    /// Brings the database's schema up to date.
    Migrate,
    /// Prints the configuration in force, secrets hidden.
    Config,
    /// Reads the configuration and says whether it is good.
    CheckConfig,
    /// Looks at the whole set-up, and says what is wrong and what to change.
    Doctor(doctor::DoctorArgs),
    /// Makes, lists and revokes API tokens.
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// Signs a JWT with the configured HS256 secret, for trying things out.
    Jwt(tokens::JwtArgs),
    /// Shows how many events wait, and where most.
    Mailboxes(mailboxes::MailboxArgs),
    /// Sends a message over HTTP.
    Send(wire::SendArgs),
    /// Prints a user's events as they come, over HTTP.
    Tail(wire::TailArgs),
}

/// How long a credential is good: `90s`, `15m`, `12h`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ttl(pub(crate) std::time::Duration);

impl std::str::FromStr for Ttl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let says = || "a number and one of s, m, h, d: 90s, 15m, 12h, 30d".to_owned();
        let unit = text.chars().last().ok_or_else(says)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(says()),
        };
        let count = text.strip_suffix(unit).and_then(|n| n.parse::<u64>().ok()).ok_or_else(says)?;
        let seconds =
            count.checked_mul(seconds).filter(|s| (1..=100 * 365 * 86_400).contains(s)).ok_or_else(says)?;
        Ok(Self(std::time::Duration::from_secs(seconds)))
    }
}

/// Which user and scopes a credential is for.
#[derive(Args)]
pub(crate) struct Grant {
    /// The user it speaks for.
    #[arg(long)]
    pub(crate) user: String,
    /// What it may do: user, publish, operator; several separated by spaces.
    #[arg(long, default_value = "user")]
    pub(crate) scope: String,
}

/// Parses the command line and does what it says.
pub async fn main() -> ExitCode {
    let line = Line::parse();
    match run(line).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pollgate: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// An error with all its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let said = deeper.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = deeper.source();
    }
    text
}

async fn run(line: Line) -> Result<ExitCode, Failure> {
    let load = || -> Result<Settings, SettingsError> { Settings::load(line.config.as_deref()) };
    match line.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(load()?).await,
        Command::Migrate => config::migrate(&load()?).await,
        Command::Config => config::show(&load()?),
        Command::CheckConfig => config::check(&load()?),
        Command::Doctor(args) => Ok(doctor::run(line.config.as_deref(), args).await),
        Command::Token(command) => tokens::token(&load()?, command).await,
        Command::Jwt(args) => tokens::jwt(&load()?, args),
        Command::Mailboxes(args) => mailboxes::mailboxes(&load()?, args).await,
        Command::Send(args) => wire::send(&load()?, args).await,
        Command::Tail(args) => wire::tail(&load()?, args).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn a_time_to_live_has_a_unit_and_a_bound() {
        let secs = |text: &str| text.parse::<Ttl>().map(|ttl| ttl.0.as_secs());
        assert_eq!(secs("30d"), Ok(30 * 86_400));
        assert_eq!(secs("90s"), Ok(90));
        for bad in ["", "30", "d", "0h", "-1h", "1w", "99999999999999999999d", "1000000d"] {
            assert!(secs(bad).is_err(), "{bad}");
        }
    }
}
