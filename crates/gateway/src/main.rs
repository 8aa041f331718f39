//! The `pollgate` command.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    pollgate::main().await
}
