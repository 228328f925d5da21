mod looks;
mod requested;
mod systemd;
mod tasks;

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

fn panic_of(service: &ServiceReport) -> &Panic {
    match &service.outcome {
        ServiceOutcome::Panicked(panic) => panic,
        other => panic!("{} did not panic: {other}", service.name),
    }
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
    assert_eq!(panic_of(&report.services[1]).message, "out of tea");
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
    assert_eq!(
        report.first_error(),
        Some(("poller", "token refused".to_owned()))
    );
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
    assert_eq!(panic_of(&report.services[1]).message, "no parts");
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

/// Fails so many times after it got ready, and then works until it is told to end.
fn shaky(failures: u32) -> impl FnMut() -> BoxedService + Send {
    let mut lives = 0;
    move || {
        lives += 1;
        let fails = lives <= failures;
        Box::new(move |cx: ServiceContext| {
            Box::pin(async move {
                cx.ready();
                if fails {
                    return Err(Failure::transient("no tea", Duration::from_secs(1)));
                }
                cx.draining().await;
                Ok(())
            })
        })
    }
}

type Ending = std::pin::Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;
type BoxedService = Box<dyn FnMut(ServiceContext) -> Ending + Send>;

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_is_made_anew_until_it_works() {
    let spec = ServiceSpec::new("shaky").restart(RestartPolicy::new(Restart::Transient));
    let report = quiet("test")
        .service(spec, shaky(3))
        .run_for(Duration::from_secs(60))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(
        (report.services[0].restarts, &report.services[0].outcome),
        (3, &ServiceOutcome::Stopped)
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_too_often_ends_the_process_with_70() {
    let policy = RestartPolicy::new(Restart::Transient)
        .intensity(2, Duration::from_secs(60))
        .unwrap();
    let spec = ServiceSpec::new("shaky").restart(policy);
    let report = quiet("test").service(spec, shaky(9)).run().await;
    assert_eq!(report.exit_kind(), ExitKind::Software);
    assert_eq!(
        report.reasons,
        [StopReason::RestartsExhausted("shaky".into())]
    );
}

#[tokio::test(start_paused = true)]
async fn an_optional_service_that_fails_for_good_does_not_decide_the_exit_code() {
    let report = quiet("test")
        .service("steady", || until_drained)
        .service(ServiceSpec::new("shaky").optional(), shaky(1))
        .run_for(Duration::from_secs(60))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(
        report.services[1].outcome,
        ServiceOutcome::Failed("no tea".into())
    );
    assert_eq!(report.total.as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_life_says_late_does_not_count() {
    let earlier: Arc<Mutex<Option<ServiceContext>>> = Arc::default();
    let factory = move || {
        let earlier = Arc::clone(&earlier);
        move |cx: ServiceContext| {
            let earlier = Arc::clone(&earlier);
            async move {
                let before = earlier.lock().unwrap().replace(cx.clone());
                cx.ready();
                let Some(before) = before else {
                    return Err(Failure::permanent("the first life"));
                };
                cx.draining().await;
                // Were it believed, the service would be released, and not have to be cancelled.
                let _ = tokio::time::timeout(Duration::from_secs(1), before.drained()).await;
                cx.killed().await;
                Ok(())
            }
        }
    };
    let spec = ServiceSpec::new("twice born").restart(RestartPolicy::new(Restart::Transient));
    let report = quiet("test")
        .service(spec, factory)
        .run_for(Duration::from_secs(60))
        .run()
        .await;
    assert_eq!(report.services[0].restarts, 1);
    assert_eq!(report.services[0].outcome, ServiceOutcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_waits_for_its_restart_when_the_stop_comes_has_left_nothing() {
    let spec = ServiceSpec::new("shaky").restart(RestartPolicy::new(Restart::Transient));
    let factory = || {
        async |cx: ServiceContext| {
            cx.ready();
            Err(Failure::transient("no tea", Duration::from_secs(600)))
        }
    };
    let report = quiet("test")
        .service(spec, factory)
        .run_for(Duration::from_secs(5))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean);
    assert_eq!(
        report.services[0].outcome,
        ServiceOutcome::BackingOff("no tea".into())
    );
    assert_eq!(report.stop_took, Duration::ZERO);
}
