//! Hooks at the three points of a process's life: before the first service, when intake is closed and nobody has been
//! let go yet, and after the last service.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::lifecycle::{Failure, HookSpec, ServiceContext, Supervisor};

async fn say(text: &'static str) -> Result<(), Failure> {
    println!("{text}");
    Ok(())
}

/// Holds a connection that the goodbye needs.
async fn connection(cx: ServiceContext) -> Result<(), Failure> {
    cx.ready();
    cx.draining().await;
    println!("the connection takes nothing in any more, and stays open");
    cx.drained().await;
    println!("the connection closes");
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let report = Supervisor::builder("hooks")
        .on_start("migrate", || say("on_start: before the first service"))
        .service("connection", || connection)
        .on_drain(
            HookSpec::new("say goodbye").timeout(Duration::from_secs(3)),
            || say("on_drain: the connection is still there"),
        )
        .on_stopped("flush", || say("on_stopped: after the last service"))
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
