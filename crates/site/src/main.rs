//! Builds the documentation as a site: `cargo run -p pollgate-site [-- FOLDER]`, in `target/site` without a folder.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let repository = pollgate_site::repository();
    let folder = env::args_os().nth(1).map_or_else(|| repository.join("target/site"), PathBuf::from);
    match pollgate_site::book::build(&repository, &folder) {
        Ok(()) => {
            println!("{}", folder.join("index.html").display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("pollgate-site: {error:?}");
            ExitCode::FAILURE
        }
    }
}
