//! `pollgate-bench`: puts load on a gateway on this machine and says how it fared.
//!
//! It speaks HTTP like any client, shares two cores with what it measures, and therefore runs on one thread
//! with a client of its own. Latencies count from when a request was due. Everything accepted is followed
//! up: what never comes, comes twice, or comes to the wrong user is counted.

mod bench;
mod cli;
mod gateway;
mod history;
mod http;
mod latency;
mod ledger;
mod metronome;
mod poller;
mod process;
mod rabbitmq;
mod report;
mod scenario;
mod sender;
mod target;
mod token;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::task::LocalSet;

use cli::{Against, Cli, Command, Load, Run};
use process::Watched;
use report::Report;
use scenario::{Scenario, Setting};
use token::Signer;

/// Descriptors wanted: one for each held poll, and some.
const MOST_SOCKETS: u64 = 200_000;

fn main() -> ExitCode {
    match start(Cli::parse().command) {
        Ok(report) if report.outcomes.iter().all(report::Outcome::kept_promises) => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("a promise was broken: see lost, doubled, out of order above");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("pollgate-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> Result<Report, String> {
    rlimit::increase_nofile_limit(MOST_SOCKETS).map_err(|error| format!("open files limit: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("runtime: {error}"))?;
    LocalSet::new().block_on(&runtime, run(command))
}

async fn run(command: Command) -> Result<Report, String> {
    match command {
        Command::Send(against) => measure(against, &[Scenario::Send]).await,
        Command::Latency(against) => measure(against, &[Scenario::Latency]).await,
        Command::Throughput(against) => measure(against, &[Scenario::Throughput]).await,
        Command::Fanout(against) => measure(against, &[Scenario::Fanout]).await,
        Command::Hold(against) => measure(against, &[Scenario::Hold]).await,
        Command::All(against) => measure(against, &Scenario::ON_ANY_GATEWAY).await,
        Command::History(run) => measure_own(Run { scenario: vec![Scenario::History], ..run }).await,
        Command::Run(run) => measure_own(run).await,
    }
}

/// Measures a gateway that runs already.
async fn measure(against: Against, scenarios: &[Scenario]) -> Result<Report, String> {
    let signer = Signer::new(&against.secret)?;
    let mut watched: Vec<Watched> =
        against.pid.map(|pid| Watched::tree("gateway", pid)).into_iter().collect();
    watched.extend(against.process);
    watched.push(itself());
    let setting = Setting {
        addresses: &against.url.iter().map(|url| url.0).collect::<Vec<_>>(),
        signer: &signer,
        load: &against.load,
        gateway: against.pid,
        watched: &watched,
    };
    let mut report = new_report(None);
    for scenario in scenarios {
        report.outcomes.push(setting.run(*scenario).await?);
    }
    publish(&report, &against.load)?;
    Ok(report)
}

/// Starts a gateway for each scenario, so that none inherits the memory or the queues of another.
async fn measure_own(run: Run) -> Result<Report, String> {
    let scenarios = if run.scenario.is_empty() { Scenario::ALL.to_vec() } else { run.scenario.clone() };
    let mut report = new_report(Some(run.pair.name()));
    for scenario in scenarios {
        let outcome = match scenario {
            Scenario::History => history::run(&run).await,
            other => measure_one(&run, other).await,
        };
        match outcome {
            Ok(outcome) => report.outcomes.push(outcome),
            Err(why) => {
                // what was measured before it is worth having
                publish(&report, &run.load)?;
                return Err(format!("{scenario:?}: {why}"));
            }
        }
    }
    publish(&report, &run.load)?;
    Ok(report)
}

/// One scenario on gateways that are started for it.
async fn measure_one(run: &Run, scenario: Scenario) -> Result<report::Outcome, String> {
    let own = gateway::Gateways::start(run).await?;
    let signer = Signer::new(&own.secret)?;
    let mut watched = own.processes();
    watched.push(itself());
    let setting = Setting {
        addresses: &own.addresses(),
        signer: &signer,
        load: &run.load,
        gateway: own.pid(),
        watched: &watched,
    };
    let outcome = tokio::select! {
        outcome = setting.run(scenario) => outcome,
        stopped = told_to_stop() => Err(stopped),
    };
    own.stop().await;
    outcome
}

/// Waits for SIGINT or SIGTERM: what was started for the measurement is to be stopped.
async fn told_to_stop() -> String {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_deaf) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => "stopped by SIGTERM".into(),
        _ = tokio::signal::ctrl_c() => "stopped by SIGINT".into(),
    }
}

fn itself() -> Watched {
    Watched { name: "generator".into(), pid: std::process::id(), alone: true }
}

fn new_report(pair: Option<&'static str>) -> Report {
    Report {
        version: env!("CARGO_PKG_VERSION"),
        pair,
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        outcomes: Vec::new(),
    }
}

fn publish(report: &Report, load: &Load) -> Result<(), String> {
    print!("{}", report.table());
    let Some(file) = &load.json else { return Ok(()) };
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    std::fs::write(file, json + "\n").map_err(|error| format!("{}: {error}", file.display()))
}
