//! `pollgate serve`: runs the gateway until a signal.

use std::process::ExitCode;

use tracing::{error, info, warn};

use super::Failure;
use crate::settings::Settings;
use crate::start::Gateway;
use crate::{shutdown, telemetry};

pub(crate) async fn serve(settings: Settings) -> Result<ExitCode, Failure> {
    telemetry::start(&settings.log).map_err(|error| error.to_string())?;
    raise_open_files();
    let gateway = Gateway::build(settings).await?;
    gateway.greet().await?;
    match gateway.run(shutdown::wait_for_signal()).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failed) => {
            error!(error = %failed, "the gateway failed: {failed}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Every held poll is an open file: takes as many as the system lets this process have.
fn raise_open_files() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(most) => info!(open_files = most, "connections are bounded by open files"),
        Err(error) => warn!(%error, "the limit of open files stays as it is"),
    }
}
