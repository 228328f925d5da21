//! Services that block every thread of the runtime while it runs: SIGTERM still ends the process, by the hard deadline
//! and with exit code 81, because neither the signal nor the deadline needs the runtime.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::lifecycle::{Failure, Phase, ServiceContext, Supervisor};

async fn block(cx: ServiceContext) -> Result<(), Failure> {
    cx.ready();
    cx.handle().reached(Phase::Running).await;
    println!("blocking");
    loop {
        std::thread::park();
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let report = Supervisor::builder("wedged")
        .stop_timeout(Duration::from_secs(1))
        .service("first", || block)
        .beside("second", || block)
        .beside("third", || block)
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
