//! Processes that misbehave on demand, for the tests of `tests/program/culprits.rs`: `culprits BEHAVIOUR [BUDGET_MS]`.
#![allow(clippy::print_stdout, reason = "it talks to the tests that run it")]

use std::env::args;
use std::future::pending;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use sundown::lifecycle::{
    Builder, DedicatedThread, Failure, HookSpec, Phase, Restart, RestartPolicy, ServiceContext,
    ServiceSpec, Supervisor,
};
use tracing::info;

const LONG: Duration = Duration::from_secs(600);

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let behaviour = args().nth(1).unwrap_or_default();
    let budget_ms = args().nth(2).and_then(|budget| budget.parse().ok());
    let supervisor = Supervisor::builder("culprits")
        .stop_timeout(Duration::from_millis(budget_ms.unwrap_or(1_000)))
        .progress_every(Some(Duration::from_millis(200)))
        .on_start("hello", say)
        .service("steady", || steady);
    let supervisor = misbehave(supervisor, &behaviour)
        .on_drain("goodbye", say)
        .on_stopped("flush", say);
    let report = supervisor.run().await;
    print!("{report}");
    report.exit_code()
}

fn misbehave(supervisor: Builder, behaviour: &str) -> Builder {
    match behaviour {
        "none" => supervisor,
        "start-hook-hangs" => supervisor.on_start("culprit", pending),
        "start-hangs" => supervisor.service("culprit", || {
            async |_: ServiceContext| {
                info!("culprit starts");
                pending().await
            }
        }),
        "hook-hangs" => supervisor.on_drain(patient("culprit"), pending),
        "hook-blocks" => supervisor.on_drain("culprit", || async {
            thread::sleep(LONG);
            Ok(())
        }),
        "last-hook-takes-60s" => supervisor.on_stopped(patient("culprit"), || async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(())
        }),
        "ignores-its-tokens" => supervisor.service("culprit", || {
            async |cx: ServiceContext| {
                cx.ready();
                pending().await
            }
        }),
        "works-until-cancelled" => supervisor.service("culprit", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.killed().await;
                Ok(())
            }
        }),
        "blocks-when-told" => supervisor.service("culprit", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.draining().await;
                thread::sleep(LONG);
                Ok(())
            }
        }),
        "task-blocks" => supervisor.service("culprit", || {
            async |cx: ServiceContext| {
                cx.spawn(async { thread::sleep(LONG) })?;
                cx.ready();
                cx.draining().await;
                Ok(())
            }
        }),
        "panics" => supervisor.service("culprit", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.handle().reached(Phase::Running).await;
                panic!("out of tea")
            }
        }),
        "panics-in-its-drain" => supervisor.service("culprit", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.draining().await;
                panic!("out of tea")
            }
        }),
        "backs-off" => {
            let policy = RestartPolicy::new(Restart::Transient);
            supervisor.service(ServiceSpec::new("culprit").restart(policy), || {
                async |cx: ServiceContext| {
                    cx.ready();
                    cx.handle().reached(Phase::Running).await;
                    Err(Failure::transient("no tea", LONG))
                }
            })
        }
        "goes-stale" => supervisor.service("culprit", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.alive_for(Duration::from_millis(300));
                pending().await
            }
        }),
        // Every thread of the runtime, and what runs `main` as soon as it needs one.
        "wedges" => {
            ["first", "second", "third"]
                .into_iter()
                .fold(supervisor, |supervisor, name| {
                    supervisor.beside(name, || {
                        async |cx: ServiceContext| {
                            cx.ready();
                            cx.handle().reached(Phase::Running).await;
                            info!("blocking");
                            thread::sleep(LONG);
                            Ok(())
                        }
                    })
                })
        }
        "thread-blocks" => {
            let host = DedicatedThread::new(async || Ok(()));
            let caller = host.caller();
            supervisor
                .service("culprit", move || host.clone())
                .service("user", move || {
                    let caller = caller.clone();
                    move |cx: ServiceContext| {
                        let caller = caller.clone();
                        async move {
                            cx.ready();
                            cx.handle().reached(Phase::Running).await;
                            let block = caller.call("block", LONG, async |()| {
                                info!("blocking");
                                thread::sleep(LONG);
                            });
                            tokio::select! {
                                _ = block => {}
                                () = cx.draining() => {}
                            }
                            Ok(())
                        }
                    }
                })
        }
        other => panic!("{other:?} is no behaviour"),
    }
}

/// A hook that only the budget cuts off.
fn patient(name: &str) -> HookSpec {
    HookSpec::new(name).timeout(LONG)
}

async fn steady(cx: ServiceContext) -> Result<(), Failure> {
    cx.ready();
    cx.draining().await;
    Ok(())
}

async fn say() -> Result<(), Failure> {
    Ok(())
}
