//! `pollgate serve`: runs the gateway until a signal.

use std::process::ExitCode;

use tracing::error;

use super::Failure;
use crate::settings::Settings;
use crate::start::Gateway;
use crate::{shutdown, telemetry};

pub(crate) async fn serve(settings: Settings) -> Result<ExitCode, Failure> {
    telemetry::start(&settings.log).map_err(|error| error.to_string())?;
    let gateway = Gateway::build(settings).await?;
    gateway.greet()?;
    match gateway.run(shutdown::wait_for_signal()).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failed) => {
            error!(error = %failed, "the gateway failed: {failed}");
            Ok(ExitCode::FAILURE)
        }
    }
}
