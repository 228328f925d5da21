//! A process that lives for three seconds, counted from ready, unless something else stops it before.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::lifecycle::{Failure, ServiceContext, Supervisor};

async fn slow_starter(cx: ServiceContext) -> Result<(), Failure> {
    println!("starting takes a second, and does not count");
    tokio::time::sleep(Duration::from_secs(1)).await;
    cx.ready();
    println!("three seconds from now");
    cx.draining().await;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let report = Supervisor::builder("short")
        .service("worker", || slow_starter)
        .run_for(Duration::from_secs(3))
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
