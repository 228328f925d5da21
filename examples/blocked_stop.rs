//! A service that blocks the only thread there is: the hard deadline ends the process with exit code 81.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::lifecycle::{ServiceContext, Supervisor};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let report = Supervisor::builder("blocked")
        .stop_timeout(Duration::from_secs(1))
        .service("stuck", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.handle()
                    .reached(sundown::lifecycle::Phase::Running)
                    .await;
                cx.request_stop("let us see");
                // One turn for the supervisor to begin the stop, and then never another.
                cx.draining().await;
                loop {
                    std::thread::park();
                }
            }
        })
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
