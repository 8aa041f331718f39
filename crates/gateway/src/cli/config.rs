//! `pollgate config`, `check-config` and `migrate`.

use std::process::ExitCode;

use pollgate_store::Store;

use super::Failure;
use crate::settings::Settings;
use crate::start;

/// Prints what is in force, secrets hidden.
pub(crate) fn show(settings: &Settings) -> Result<ExitCode, Failure> {
    print!("{}", settings.shown()?);
    Ok(ExitCode::SUCCESS)
}

/// Loading checked everything already.
pub(crate) fn check(_settings: &Settings) -> Result<ExitCode, Failure> {
    println!("the configuration is good");
    Ok(ExitCode::SUCCESS)
}

/// Brings the schema up to date and names what was applied.
pub(crate) async fn migrate(settings: &Settings) -> Result<ExitCode, Failure> {
    start::make_data_dir(settings)?;
    let applied = Store::migrate(&start::store_settings(settings)).await?;
    for name in &applied {
        println!("applied {name}");
    }
    if applied.is_empty() {
        println!("the schema is up to date");
    }
    Ok(ExitCode::SUCCESS)
}
