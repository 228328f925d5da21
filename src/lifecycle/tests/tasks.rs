//! Tasks that belong to a service.

use tokio::sync::oneshot;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_service_has_ended_when_its_tasks_have() {
    let log = Log::default();
    let in_task = log.clone();
    let factory = move || {
        let log = in_task.clone();
        move |cx: ServiceContext| {
            let (log, in_task) = (log.clone(), cx.clone());
            async move {
                cx.spawn(async move {
                    in_task.draining().await;
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    log.add("task");
                })?;
                cx.ready();
                cx.draining().await;
                Ok(())
            }
        }
    };
    let report = quiet("test")
        .service("with tasks", factory)
        .on_stopped("end", log.hook("on_stopped"))
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(log.lines(), ["task", "on_stopped"]);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(report.stop_took, Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_draining_service_starts_no_task() {
    let report = quiet("test")
        .service("late", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.draining().await;
                assert_eq!(cx.spawn(async {}).map(drop), Err(Closed));
                Ok(())
            }
        })
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_tasks_panic_is_its_services_panic() {
    let report = quiet("test")
        .service("shaky", || {
            async |cx: ServiceContext| {
                cx.ready();
                cx.spawn(async { panic!("out of tea") })?;
                std::future::pending().await
            }
        })
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Software);
    assert_eq!(panic_of(&report.services[0]).message, "out of tea");
}

#[tokio::test(start_paused = true)]
async fn what_cuts_a_service_off_cuts_its_tasks_off() {
    struct Gone(Option<oneshot::Sender<()>>);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let (sender, gone) = oneshot::channel();
    let mut guard = Some(Gone(Some(sender)));
    let report = quiet("test")
        .service("deaf", move || {
            let mut guard = guard.take();
            move |cx: ServiceContext| {
                let guard = guard.take();
                async move {
                    cx.ready();
                    cx.spawn(async move {
                        let _guard = guard;
                        std::future::pending::<()>().await;
                    })?;
                    Ok(())
                }
            }
        })
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(
        report.services[0].outcome,
        ServiceOutcome::Aborted,
        "{report}"
    );
    gone.await.expect("the task is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_next_life_begins_when_the_tasks_of_the_last_have_ended() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let policy = RestartPolicy::new(Restart::Transient);
    let policy = policy.backoff(Duration::ZERO, Duration::ZERO).unwrap();
    let mut lives = 0;
    let factory = move || {
        lives += 1;
        let is_first = lives == 1;
        move |cx: ServiceContext| async move {
            let (writes, is_writing) = oneshot::channel();
            cx.spawn(async move {
                MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
                let _ = writes.send(());
                std::thread::sleep(Duration::from_millis(50)); // a write
                RUNNING.fetch_sub(1, SeqCst);
            })?;
            cx.ready();
            let _ = is_writing.await;
            if is_first {
                return Err(Failure::permanent("again"));
            }
            cx.request_stop("seen enough");
            Ok(())
        }
    };
    let report = quiet("test")
        .service(ServiceSpec::new("writer").restart(policy), factory)
        .run()
        .await;
    assert_eq!(report.services[0].restarts, 1, "{report}");
    assert_eq!(MOST.load(SeqCst), 1);
}
