//! A service that fails now and then is made anew, after waits that grow; one that the process can do without is given up.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::lifecycle::{
    Failure, PolicyError, Restart, RestartPolicy, ServiceContext, ServiceSpec, Supervisor,
};

async fn works_for_a_moment(cx: ServiceContext) -> Result<(), Failure> {
    cx.ready();
    println!("working");
    tokio::select! {
        () = cx.draining() => Ok(()),
        () = tokio::time::sleep(Duration::from_millis(200)) => Err(Failure::permanent("the line broke")),
    }
}

async fn never_works(_: ServiceContext) -> Result<(), Failure> {
    Err(Failure::permanent("no such device"))
}

#[tokio::main]
async fn main() -> Result<ExitCode, PolicyError> {
    let policy = RestartPolicy::new(Restart::Transient)
        .backoff(Duration::from_millis(100), Duration::from_secs(2))?;
    let report = Supervisor::builder("restart")
        .service(
            ServiceSpec::new("line").restart(policy.intensity(100, Duration::from_secs(300))?),
            || works_for_a_moment,
        )
        .service(ServiceSpec::new("luxury").optional(), || never_works)
        .run_for(Duration::from_secs(3))
        .run()
        .await;
    print!("{report}");
    Ok(report.exit_code())
}
