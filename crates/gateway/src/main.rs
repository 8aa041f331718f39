//! The `pollgate` command.

use std::process::ExitCode;
use std::time::Duration;

/// How long threads that wait for something remote may hold the end of the process.
const LAST_WAIT: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("pollgate: no threads to run on: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(pollgate::main());
    // a query to a database that hangs would otherwise be waited for without end
    runtime.shutdown_timeout(LAST_WAIT);
    code
}
