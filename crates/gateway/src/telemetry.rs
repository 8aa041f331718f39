//! Logs: to standard error, as text for people or as JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::log_lines;
use crate::settings::{LogFormat, LogSettings};

/// Starts logging; `RUST_LOG` goes over the configured level.
///
/// # Errors
/// The level makes no sense, or logging was started before.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let directives = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => directives,
        _ => settings.level.clone(),
    };
    let filter = EnvFilter::try_new(with_quiet_client(&directives))?;
    let colours = settings.format == LogFormat::Text && std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || log_lines::stderr(colours))
        // a stage that ends says how long it took; stages are spans at level debug
        .with_span_events(FmtSpan::CLOSE);
    match settings.format {
        LogFormat::Text => lines.with_ansi(colours).try_init()?,
        LogFormat::Json => lines.json().try_init()?,
    }
    Ok(())
}

/// The AMQP client prints whole messages that came back, and every queue that was looked for in vain.
///
/// What matters of that the broker layer says itself; whoever wants the rest names `lapin`.
fn with_quiet_client(directives: &str) -> String {
    if directives.contains("lapin") { directives.to_owned() } else { format!("lapin=off,{directives}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_amqp_client_is_quiet_unless_it_is_named() {
        assert_eq!(with_quiet_client("info"), "lapin=off,info");
        assert_eq!(with_quiet_client("info,lapin=debug"), "info,lapin=debug");
    }
}
