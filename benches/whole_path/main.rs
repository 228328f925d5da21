//! How much does Sundown cost beside a plain teloxide `Dispatcher`, over the whole path: server, poll, handler, answer?
//!
//! ```sh
//! cargo bench --bench whole_path                      # some minutes
//! cargo bench --bench whole_path -- --quick           # seconds: does it still run?
//! cargo bench --bench whole_path -- --rounds 5 --only backlog
//! ```
//!
//! Each trial is a new server in this process and a new bot in a process of its own, which is this executable called
//! with a role. The sides take turns. Latency of a backlog is from the server's handing an update out to the message
//! that answers it; of the steady load from the moment the update is available.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark talks to whoever runs it"
)]

mod bots;
mod measure;
mod record;
mod report;
mod server;
mod workload;

use std::process::ExitCode;

use bots::Side;
use report::Rounds;
use workload::workloads;

const ROUNDS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let first = arguments.first().map(String::as_str);
    if let Some(side) = Side::BOTH
        .into_iter()
        .find(|side| Some(side.role()) == first)
    {
        let number: usize = arguments[2].parse().expect("a workload's number");
        return bots::run(side, &arguments[1], &workloads(is_quick())[number]);
    }
    let value_of = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let rounds = match value_of("--rounds").map(str::parse) {
        None if is_quick() => 1,
        None => ROUNDS,
        Some(Ok(rounds)) => rounds,
        Some(Err(_)) => {
            eprintln!("--rounds wants a number");
            return ExitCode::from(64);
        }
    };
    match bench(rounds, value_of("--only").unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// Runs the workloads that have this text in their names, the sides taking turns.
fn bench(rounds: usize, only: &str) -> std::io::Result<()> {
    let workloads = workloads(is_quick());
    let chosen = |number: &usize| workloads[*number].name.contains(only);
    let numbers: Vec<usize> = (0..workloads.len()).filter(chosen).collect();
    let mut results = vec![Rounds::new(); workloads.len()];
    for _ in 0..rounds {
        for &number in &numbers {
            let run = |side: Side| {
                let figures = measure::trial(side, number, &workloads[number])?;
                report::progress(side.name(), &workloads[number], &figures);
                Ok::<_, std::io::Error>(figures)
            };
            results[number].push([run(Side::Sundown)?, run(Side::Teloxide)?]);
        }
    }
    report::heading();
    for number in numbers {
        report::table(&workloads[number], &results[number]);
    }
    Ok(())
}
