//! Logs: to standard error, as text for people or as JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::settings::{LogFormat, LogSettings};

/// Starts logging; `RUST_LOG` goes over the configured level.
///
/// # Errors
/// The level makes no sense, or logging was started before.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::try_new(directives)?,
        _ => EnvFilter::try_new(&settings.level)?,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // a stage that ends says how long it took; stages are spans at level debug
        .with_span_events(FmtSpan::CLOSE);
    match settings.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init()?,
        LogFormat::Json => lines.json().try_init()?,
    }
    Ok(())
}
