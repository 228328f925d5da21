use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn add(&self, line: &'static str) {
        self.0.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }

    fn hook(
        &self,
        line: &'static str,
    ) -> impl Fn() -> std::future::Ready<Result<(), Failure>> + use<> {
        let log = self.clone();
        move || {
            log.add(line);
            std::future::ready(Ok(()))
        }
    }
}

fn quiet(name: &str) -> Builder {
    Supervisor::builder(name).signals(false)
}

async fn until_drained(cx: ServiceContext) -> Result<(), Failure> {
    cx.ready();
    cx.draining().await;
    Ok(())
}

/// Closes its intake at once and holds on until it is released.
fn polling_service(log: Log) -> impl Service {
    move |cx: ServiceContext| {
        let log = log.clone();
        async move {
            cx.ready();
            cx.draining().await;
            log.add("intake closed");
            cx.drained().await;
            log.add("released");
            Ok(())
        }
    }
}

/// Closes its intake at once and has three more seconds of work.
fn working_service(log: Log) -> impl Service {
    move |cx: ServiceContext| {
        let log = log.clone();
        async move {
            cx.ready();
            cx.draining().await;
            cx.intake_closed();
            tokio::time::sleep(Duration::from_secs(3)).await;
            log.add("work finished");
            Ok(())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_run_after_intake_closed_and_before_the_release() {
    let log = Log::default();
    let (polls, works) = (log.clone(), log.clone());
    let report = quiet("test")
        .on_start("up", log.hook("on_start"))
        .service("poller", move || polling_service(polls.clone()))
        .beside("lanes", move || working_service(works.clone()))
        .on_drain("bye", log.hook("on_drain"))
        .on_stopped("end", log.hook("on_stopped"))
        .run_for(Duration::from_secs(30))
        .run()
        .await;
    assert_eq!(
        log.lines(),
        [
            "on_start",
            "intake closed",
            "on_drain",
            "work finished",
            "released",
            "on_stopped"
        ]
    );
    assert_eq!(report.reasons, [StopReason::RunForElapsed]);
    assert_eq!(report.exit_kind(), ExitKind::Clean);
    assert_eq!(report.stop_took.as_secs(), 3);
    assert_eq!(report.total.as_secs(), 33);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_service_stops_the_process_with_70_and_its_message() {
    let report = quiet("test")
        .service("steady", || until_drained)
        .service("shaky", || {
            async |cx: ServiceContext| {
                cx.ready();
                tokio::task::yield_now().await;
                panic!("out of tea")
            }
        })
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Software);
    assert_eq!(
        report.services[1].outcome,
        ServiceOutcome::Panicked("out of tea".into())
    );
    assert_eq!(report.services[0].outcome, ServiceOutcome::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_failure_with_an_exit_code_of_its_own_decides_the_code() {
    let report = quiet("test")
        .service("poller", || {
            async |_: ServiceContext| Err(Failure::fatal(ExitKind::Config, "token refused"))
        })
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Config);
    assert_eq!(report.first_error(), Some(("poller", "token refused")));
    assert_eq!(report.reasons, [StopReason::StartFailed("poller".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_runs_the_last_hooks_and_no_goodbye() {
    let log = Log::default();
    let report = quiet("test")
        .on_start("migrate", || async {
            Err(Failure::permanent("no database"))
        })
        .service("never", || until_drained)
        .on_drain("bye", log.hook("on_drain"))
        .on_stopped("end", log.hook("on_stopped"))
        .run()
        .await;
    assert_eq!(log.lines(), ["on_stopped"]);
    assert_eq!(report.exit_kind(), ExitKind::Unavailable);
    assert_eq!(report.services[0].outcome, ServiceOutcome::NotStarted);
    assert!(report.to_string().contains("migrate: failed (no database)"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_ignores_everything_is_aborted_in_time_and_named() {
    let builder = quiet("test")
        .stop_timeout(Duration::from_secs(10))
        .run_for(Duration::from_secs(1))
        .service("deaf", || {
            async |cx: ServiceContext| {
                cx.ready();
                std::future::pending().await
            }
        });
    let handle = builder.handle();
    let report = builder.run().await;
    assert_eq!(report.exit_kind(), ExitKind::Unfinished);
    assert_eq!(report.services[0].outcome, ServiceOutcome::Aborted);
    assert!(report.stop_took <= Duration::from_secs(10), "{report}");
    assert_eq!(handle.phase(), Phase::Stopped);
}

#[tokio::test(start_paused = true)]
async fn work_left_unfinished_makes_the_exit_code_80() {
    let report = quiet("test")
        .service("lanes", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.request_stop("now");
                cx.killed().await;
                cx.unfinished("update 7");
                Ok(())
            }
        })
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Unfinished);
    assert_eq!(report.services[0].unfinished, ["update 7"]);
    assert_eq!(report.services[0].outcome, ServiceOutcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_factory_is_its_services_panic() {
    let log = Log::default();
    let report = quiet("test")
        .service("steady", || until_drained)
        .service(
            "unborn",
            || -> fn(ServiceContext) -> std::future::Ready<Result<(), Failure>> {
                panic!("no parts")
            },
        )
        .on_stopped("end", log.hook("on_stopped"))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Software);
    assert_eq!(
        report.services[1].outcome,
        ServiceOutcome::Panicked("no parts".into())
    );
    assert_eq!(report.services[0].outcome, ServiceOutcome::Stopped);
    assert_eq!(log.lines(), ["on_stopped"]);
}

#[tokio::test(start_paused = true)]
async fn a_hooks_own_exit_code_counts_in_every_stage() {
    let full = || async { Err(Failure::fatal(ExitKind::StateIo, "disk full")) };
    let report = quiet("test")
        .on_stopped("flush", full)
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::StateIo);
    let report = quiet("test")
        .on_drain("bye", || async { panic!("oh") })
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Software);
    let report = quiet("test")
        .on_start("up", || async { panic!("oh") })
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Software);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_talks_without_pause_does_not_hold_up_the_stop() {
    let report = quiet("test")
        .stop_timeout(Duration::from_secs(5))
        .service("chatterbox", || {
            async |cx: ServiceContext| {
                cx.ready();
                loop {
                    cx.status("still here");
                    cx.intake_closed();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        })
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(report.services[0].outcome, ServiceOutcome::Aborted);
    assert!(report.stop_took <= Duration::from_secs(5), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_requested_before_the_start_starts_nothing() {
    let log = Log::default();
    let builder = quiet("test")
        .on_start("up", log.hook("on_start"))
        .on_stopped("end", log.hook("on_stopped"));
    builder.handle().request_stop("not today");
    let report = builder.run().await;
    assert_eq!(log.lines(), ["on_stopped"]);
    assert_eq!(report.exit_kind(), ExitKind::Clean);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_while_draining_is_cut_off_and_the_rest_goes_on() {
    let log = Log::default();
    let report = quiet("test")
        .service("poller", || until_drained)
        .on_drain("stuck", std::future::pending)
        .on_stopped("end", log.hook("on_stopped"))
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Unfinished);
    assert_eq!(report.hooks[0].outcome, HookOutcome::TimedOut);
    assert_eq!(log.lines(), ["on_stopped"]);
}
