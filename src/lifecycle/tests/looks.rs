//! What can be seen of a supervisor from outside, and what services promise.

use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_heard_of_stops_the_process_with_70() {
    let report = quiet("test")
        .service("poller", || {
            async |cx: ServiceContext| {
                cx.ready();
                for _ in 0..3 {
                    cx.alive_for(Duration::from_secs(10));
                    tokio::time::sleep(Duration::from_secs(9)).await;
                }
                std::future::pending().await
            }
        })
        .run()
        .await;
    assert_eq!(report.reasons, [StopReason::Stale("poller".into())]);
    assert_eq!(report.exit_kind(), ExitKind::Software);
    assert_eq!((report.total - report.stop_took).as_secs(), 28, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_prolongs_another_wakes_nobody_before_that_one_is_due() {
    let builder = quiet("test").service("poller", || {
        async |cx: ServiceContext| {
            cx.alive_for(Duration::from_secs(10));
            cx.ready();
            while !cx.is_draining() {
                cx.alive_for(Duration::from_secs(10));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        }
    });
    let handle = builder.handle();
    let look = async {
        handle.reached(Phase::Running).await;
        let mut snapshots = handle.watch();
        snapshots.mark_unchanged();
        tokio::time::sleep(Duration::from_secs(9)).await;
        let is_quiet = !snapshots.has_changed().unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        handle.request_stop("seen enough");
        is_quiet
    };
    let (report, is_quiet) = tokio::join!(builder.run(), look);
    assert!(is_quiet);
    assert_eq!(
        report.reasons,
        [StopReason::Requested("seen enough".into())]
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_knows_when_it_will_be_cancelled() {
    let report = quiet("test")
        .stop_timeout(Duration::from_secs(10))
        .service("punctual", || {
            async |cx: ServiceContext| {
                cx.ready();
                assert_eq!(cx.deadline(), None);
                cx.draining().await;
                let deadline = cx.deadline().unwrap();
                cx.killed().await;
                assert_eq!(Instant::now().duration_since(deadline).as_millis(), 0);
                Ok(())
            }
        })
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(
        report.services[0].outcome,
        ServiceOutcome::Cancelled,
        "{report}"
    );
    assert_eq!(report.stop_took, Duration::from_secs(8));
}

#[tokio::test(start_paused = true)]
async fn a_dump_tells_states_promises_and_the_oldest_work() {
    let builder = quiet("bot").service("lanes", || {
        async |cx: ServiceContext| {
            cx.show_work(|| Work {
                running: 2,
                oldest: Some(("update 7".into(), Duration::from_secs(3))),
            });
            cx.alive_for(Duration::from_secs(30));
            cx.status("busy");
            cx.ready();
            tokio::time::sleep(Duration::from_secs(10)).await;
            cx.alive_for(Duration::from_secs(50));
            cx.draining().await;
            Ok(())
        }
    });
    let handle = builder.handle();
    let look = async {
        handle.reached(Phase::Running).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        let dump = handle.dump();
        handle.request_stop("seen enough");
        dump
    };
    let (_, dump) = tokio::join!(builder.run(), look);
    assert_eq!(
        dump.to_string(),
        "bot: running after 20.0 s\n  lanes        ready for 20.0 s, promised to be heard of in 40.0 s, 2 running, the oldest update 7 for 3.0 s; busy\n"
    );
    assert_eq!(
        dump.still_running(),
        "lanes (ready; 2 running, the oldest update 7 for 3.0 s)"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_tells_what_it_waits_for_and_when_that_is_cancelled() {
    let builder = quiet("bot")
        .stop_timeout(Duration::from_secs(10))
        .service("steady", || until_drained)
        .service("deaf", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.killed().await;
                Ok(())
            }
        });
    let handle = builder.handle();
    let look = async {
        handle.reached(Phase::Running).await;
        handle.request_stop("now");
        handle.reached(Phase::Draining).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        handle.dump()
    };
    let (_, dump) = tokio::join!(builder.run(), look);
    assert_eq!(dump.still_running(), "deaf (draining)");
    // Two tiers share ten seconds; at 80 % of its five the first is cancelled.
    assert_eq!(dump.cancelled_in(), Some(Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn dependants_are_restarted_with_what_they_depend_on() {
    let log = Log::default();
    let (base_log, user_log) = (log.clone(), log.clone());
    let mut lives = 0;
    let base = move || {
        lives += 1;
        let (fails, log) = (lives == 1, base_log.clone());
        move |cx: ServiceContext| {
            let log = log.clone();
            async move {
                log.add("base up");
                cx.ready();
                if fails {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    log.add("base fails");
                    return Err(Failure::permanent("lost"));
                }
                cx.draining().await;
                Ok(())
            }
        }
    };
    let user = move || {
        let log = user_log.clone();
        move |cx: ServiceContext| {
            let log = log.clone();
            async move {
                log.add("user up");
                cx.ready();
                cx.draining().await;
                log.add("user down");
                Ok(())
            }
        }
    };
    let policy = RestartPolicy::new(Restart::Transient).rest_for_one();
    let report = quiet("test")
        .service(ServiceSpec::new("base").restart(policy), base)
        .service("user", user)
        .run_for(Duration::from_secs(60))
        .run()
        .await;
    assert_eq!(
        log.lines(),
        [
            "base up",
            "user up",
            "base fails",
            "user down",
            "base up",
            "user up",
            "user down"
        ]
    );
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(report.services[1].restarts, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_that_is_kept_while_the_supervisor_is_held_up_is_kept() {
    let promise = Duration::from_millis(100);
    let (renewed, is_renewed) = std::sync::mpsc::channel::<()>();
    let keeper = move || {
        let renewed = renewed.clone();
        move |cx: ServiceContext| {
            let renewed = renewed.clone();
            async move {
                cx.ready();
                cx.alive_for(promise);
                while !cx.is_draining() {
                    tokio::time::sleep(promise / 10).await;
                    cx.alive_for(promise);
                    let _ = renewed.send(());
                }
                Ok(())
            }
        }
    };
    let mut lives = 0;
    // A factory runs on the supervisor; the second time it blocks for three promises.
    let holds_up = move || {
        lives += 1;
        let is_second = lives == 2;
        if is_second {
            is_renewed.try_iter().count();
            is_renewed.iter().take(30).count();
        }
        move |cx: ServiceContext| async move {
            cx.ready();
            if is_second {
                cx.request_stop("seen enough");
            }
            Ok(())
        }
    };
    let policy = RestartPolicy::new(Restart::Permanent);
    let policy = policy.backoff(Duration::ZERO, Duration::ZERO).unwrap();
    let report = quiet("test")
        .service("keeper", keeper)
        .service(ServiceSpec::new("slow").restart(policy), holds_up)
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
}
