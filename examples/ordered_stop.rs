//! Services start from left to right, each when the one before is ready, and stop from right to left.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::lifecycle::{Failure, Service, ServiceContext, Supervisor};

struct Named(&'static str);

impl Service for Named {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        println!("{} opens", self.0);
        cx.ready();
        cx.draining().await;
        println!("{} closes", self.0);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let report = Supervisor::builder("ordered")
        .service("database", || Named("database"))
        .service("cache", || Named("cache"))
        .beside("queue", || Named("queue"))
        .service("web", || Named("web"))
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
