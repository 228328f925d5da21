//! A library that blocks, on a thread of its own: one command blocks past its deadline, its caller is told in time, and
//! the next command is served by a new thread.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use sundown::lifecycle::{
    Caller, DedicatedThread, Failure, Restart, RestartPolicy, ServiceContext, ServiceSpec,
    Supervisor,
};

/// An `Rc` may not leave its thread, and does not have to.
type Calculator = Rc<&'static str>;

async fn ask(calculator: Caller<Calculator>, cx: ServiceContext) -> Result<(), Failure> {
    let second = Duration::from_secs(1);
    cx.ready();
    let blocked = calculator.call("ponder", second, async |_| {
        std::thread::sleep(Duration::from_secs(3)); // it cannot be cancelled
    });
    if let Err(error) = blocked.await {
        println!("{error}");
    }
    let name = calculator.call("name", 3 * second, async |calculator| {
        calculator.to_uppercase()
    });
    println!("and yet it moves: {}", name.await?);
    // By now the first thread has come back, or the report would say that it has not.
    tokio::time::sleep(2 * second).await;
    cx.request_stop("all is answered");
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let host = DedicatedThread::new(async || Ok(Calculator::new("calculator")))
        .on_close(async |_| println!("closed, on its own thread"));
    let calculator = host.caller();
    let restart = RestartPolicy::new(Restart::Transient);
    let report = Supervisor::builder("dedicated")
        .service(ServiceSpec::new("calculator").restart(restart), move || {
            host.clone()
        })
        .service("asker", move || {
            let calculator = calculator.clone();
            move |cx| ask(calculator.clone(), cx)
        })
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
