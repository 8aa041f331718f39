//! `pollgate doctor`: looks at the set-up and says in words what is wrong, what it means, and what to change.
//!
//! | module | holds |
//! | --- | --- |
//! | `finding`, `print` | what a check found, and how it is told |
//! | `family` | the families of checks, and how they are run |
//! | `configuration`, `files`, `throttle`, `store`, `broker`, `clock`, `system` | one family each |

mod broker;
mod clock;
mod configuration;
mod family;
mod files;
mod finding;
mod print;
mod store;
mod system;
mod throttle;

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use self::family::Family;
use self::finding::{Finding, Level};
use crate::settings::{Settings, SettingsError};

/// Findings that stand in the way: it could not even be said how things are.
const NOT_RUN: u8 = 2;

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Only these families of checks, with commas between.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FAMILIES")]
    only: Vec<Family>,
    /// A warning counts as a problem.
    #[arg(long)]
    strict: bool,
}

/// Runs the checks and prints what they found. The exit code is 0 when nothing is wrong, 1 when a problem stands, 2 when the
/// findings could not be told.
pub(crate) async fn run(file: Option<&Path>, args: DoctorArgs) -> ExitCode {
    let findings = match Settings::load(file) {
        Ok(settings) => family::run(&settings, &args.only).await,
        Err(error) => vec![unreadable(&error)],
    };
    let printed = if args.json { print::json(&findings) } else { print::text(&findings) };
    if let Err(error) = printed {
        eprintln!("pollgate: the findings could not be printed: {error}");
        return ExitCode::from(NOT_RUN);
    }
    let bar = if args.strict { Level::Warning } else { Level::Problem };
    if findings.iter().any(|finding| finding.level >= bar) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Nothing else can be looked at without a configuration.
fn unreadable(error: &SettingsError) -> Finding {
    let change = match error {
        SettingsError::NoFile(_) => "name the file that is there with --config, or none for the defaults",
        SettingsError::BadFile { .. } => "let whoever runs pollgate read the file",
        _ => {
            "mend what is named; the keys and their defaults stand in docs (default.toml), and `pollgate config` prints what is in force"
        }
    };
    Finding::problem("configuration.readable", error.to_string())
        .means("no gateway starts with this configuration, and nothing else was looked at")
        .change(change)
}
