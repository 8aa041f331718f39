//! Arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::process::Watched;
use crate::scenario::Scenario;
use crate::target::Target;

/// Load generator for pollgate: prints a table and, on request, JSON.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Senders in a closed loop, nobody polls.
    Send(Against),
    /// A fixed rate of messages over polling users (open loop).
    Latency(Against),
    /// Senders in a closed loop, every recipient polls.
    Throughput(Against),
    /// One event to many polling users.
    Fanout(Against),
    /// Many held polls.
    Hold(Against),
    /// All of the above.
    All(Against),
    /// Pages of rooms and of history, from an almost empty database and from one of a million messages.
    History(Run),
    /// Starts a gateway with state of its own, measures it, stops it.
    Run(Run),
}

/// A gateway that runs already.
#[derive(Debug, Args)]
pub(crate) struct Against {
    /// A gateway's public address; only 127.0.0.1 is accepted. May be repeated for gateways on the same state.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: Vec<Target>,
    /// The secret that the gateway checks tokens with.
    #[arg(long, env = "POLLGATE_AUTH__JWT__HS256_SECRET", hide_env_values = true)]
    pub(crate) secret: String,
    /// The gateway's process, for its memory and CPU time.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Another process to watch, with its children, such as broker=123; may be repeated.
    #[arg(long, value_name = "NAME=PID")]
    pub(crate) process: Vec<Watched>,
    #[command(flatten)]
    pub(crate) load: Load,
}

/// How much of what.
#[derive(Clone, Debug, Args)]
pub(crate) struct Load {
    /// Users that receive [default: 100 for send, 1000 elsewhere].
    #[arg(long, value_parser = positive(100_000))]
    pub(crate) users: Option<usize>,
    /// Polls held at once in the hold scenario.
    #[arg(long, default_value = "10000", value_parser = positive(100_000))]
    pub(crate) held: usize,
    /// Users that send, each waiting for its answer in the closed loops.
    #[arg(long, default_value = "64", value_parser = positive(10_000))]
    pub(crate) senders: usize,
    /// How long to send or hold.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// Length of a message's text.
    #[arg(long, default_value = "100", value_parser = positive(65_536))]
    pub(crate) body_bytes: usize,
    /// Which gateway a user's next poll goes to, when there are several.
    #[arg(long, value_enum, default_value_t = Route::Sticky)]
    pub(crate) route: Route,
    /// Messages a second in the latency scenario.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: u32,
    /// Events in the fan-out scenario.
    #[arg(long, default_value = "10", value_parser = positive(1_000))]
    pub(crate) rounds: usize,
    /// How long to wait for what was accepted and has not come; then it is lost.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) drain_seconds: u64,
    /// How long all users may take to get their mailboxes and rooms.
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) setup_seconds: u64,
    /// Also writes the report to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// How a user's polls find their gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Route {
    /// All to the same one, as behind a balancer that keeps a session in one place.
    Sticky,
    /// Each to the next one, as behind a plain round-robin balancer at its worst.
    Alternate,
}

/// What stands behind a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pair {
    /// SQLite and the in-process broker.
    Embedded,
    /// PostgreSQL and RabbitMQ.
    Production,
}

impl Pair {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Production => "production",
        }
    }
}

/// A gateway that is started for the measurement.
#[derive(Clone, Debug, Args)]
pub(crate) struct Run {
    /// What stands behind it.
    #[arg(long, value_enum)]
    pub(crate) pair: Pair,
    /// How many gateways, on the same state; several need the production pair.
    #[arg(long, default_value = "1", value_parser = positive(8))]
    pub(crate) gateways: usize,
    /// The gateway's binary.
    #[arg(long, default_value = "target/release/pollgate")]
    pub(crate) gateway: PathBuf,
    /// What to measure [default: everything]; may be repeated.
    #[arg(long, value_enum)]
    pub(crate) scenario: Vec<Scenario>,
    /// PostgreSQL, for the production pair; a schema of its own is made in it and dropped afterwards.
    #[arg(long, default_value = "postgres://root@127.0.0.1:5432/test")]
    pub(crate) database: String,
    /// RabbitMQ's URL; without it, a node of one's own is started for the measurement (Debian's rabbitmq-server). On a given
    /// one the queues have a prefix of their own and expire by themselves.
    #[arg(long)]
    pub(crate) rabbitmq: Option<String>,
    /// A setting for the gateway, such as POLLGATE_HTTP__WORKERS=1; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    #[command(flatten)]
    pub(crate) load: Load,
}

/// A count from 1 to `most`: whatever is asked for, the generator stays bounded.
fn positive(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| match text.parse() {
        Ok(count) if (1..=most).contains(&count) => Ok(count),
        Ok(_) => Err(format!("must be 1 to {most}")),
        Err(error) => Err(format!("{error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn counts_have_a_bound() {
        let parse = |users| Cli::try_parse_from(["b", "send", "--secret", "s", "--users", users]);
        assert!(parse("100000").is_ok());
        assert!(parse("0").is_err() && parse("100001").is_err());
    }
}
