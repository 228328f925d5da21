//! Work that takes longer than anybody wants to wait. Press Ctrl-C once: it is given its time. Press it again: it is
//! cancelled, the hook still runs, and the exit code is 80. A third time: the process ends at once.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::lifecycle::{Failure, ServiceContext, Supervisor};

async fn long_work(cx: ServiceContext) -> Result<(), Failure> {
    cx.ready();
    cx.draining().await;
    println!("finishing; that takes a minute");
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(60)) => println!("finished"),
        () = cx.killed() => cx.unfinished("the long work"),
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    println!("press Ctrl-C, once, twice or three times");
    let report = Supervisor::builder("patient")
        .stop_timeout(Duration::from_secs(90))
        .service("worker", || long_work)
        .on_stopped("tidy up", || async {
            println!("tidied up");
            Ok(())
        })
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
