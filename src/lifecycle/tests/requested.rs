//! Services that are started again on request: what they are told, and what the report says of them.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// Counts its lives, and takes two seconds to go down.
struct Slow(Arc<AtomicU32>);

impl Service for Slow {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        self.0.fetch_add(1, Ordering::SeqCst);
        cx.ready();
        cx.draining().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(())
    }
}

fn with_slow_poller(lives: &Arc<AtomicU32>) -> Builder {
    let lives = Arc::clone(lives);
    let poller = ServiceSpec::new("poller").restarts_on_request();
    quiet("test")
        .service("store", || until_drained)
        .service(poller, move || Slow(Arc::clone(&lives)))
}

#[tokio::test(start_paused = true)]
async fn a_restart_on_request_begins_a_new_life_and_what_may_not_be_is_refused() {
    let lives = Arc::<AtomicU32>::default();
    let builder = with_slow_poller(&lives);
    let handle = builder.handle();
    let not_yet = handle.request_restart("poller").await;
    assert_eq!(
        not_yet,
        Err(RestartRefused::NotRunning(Phase::Init)),
        "before the start"
    );
    let operate = async {
        handle.reached(Phase::Running).await;
        assert_eq!(handle.request_restart("poller").await, Ok(()));
        let busy = RestartRefused::Busy("poller".into(), ServiceState::Draining);
        assert_eq!(handle.request_restart("poller").await, Err(busy));
        let critical = RestartRefused::NotRestartable("store".into());
        assert_eq!(handle.request_restart("store").await, Err(critical));
        let unknown = RestartRefused::Unknown {
            name: "kettle".into(),
            known: vec!["store".into(), "poller".into()],
        };
        assert_eq!(handle.request_restart("kettle").await, Err(unknown));
        let is_back = |snapshot: &Snapshot| {
            let poller = &snapshot.services[1];
            poller.restarts == 1 && poller.state == ServiceState::Ready
        };
        let _ = handle.watch().wait_for(is_back).await.unwrap();
        handle.request_stop("seen enough");
    };
    let (report, ()) = tokio::join!(builder.run(), operate);
    assert_eq!(lives.load(Ordering::SeqCst), 2);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    let over = handle.request_restart("poller").await;
    assert_eq!(over, Err(RestartRefused::NotRunning(Phase::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_answers_those_who_ask_for_a_restart_and_starts_nothing() {
    let lives = Arc::<AtomicU32>::default();
    let builder = with_slow_poller(&lives);
    let handle = builder.handle();
    let operate = async {
        handle.reached(Phase::Running).await;
        handle.request_stop("enough");
        // Asked before the supervisor has seen the stop, and after.
        let _ = handle.request_restart("poller").await;
        handle.reached(Phase::Draining).await;
        let refused = handle.request_restart("poller").await;
        assert!(matches!(refused, Err(RestartRefused::NotRunning(_))));
    };
    let (report, ()) = tokio::join!(builder.run(), operate);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(lives.load(Ordering::SeqCst), 1);
}

/// Runs a service that can be restarted, has it restarted once, and stops when its second life is ready. `leave` is what the
/// first life does when it is cut off.
async fn restarted_once(leave: fn(&ServiceContext)) -> Report {
    let lives = Arc::new(AtomicU32::new(0));
    let builder =
        quiet("test").service(ServiceSpec::new("http").restarts_on_request(), move || {
            let is_first = lives.fetch_add(1, Ordering::SeqCst) == 0;
            move |cx: ServiceContext| async move {
                cx.ready();
                if is_first {
                    cx.killed().await;
                    leave(&cx);
                } else {
                    cx.draining().await;
                }
                Ok(())
            }
        });
    let handle = builder.handle();
    let asking = async {
        handle.reached(Phase::Running).await;
        handle.request_restart("http").await.unwrap();
        let mut snapshots = handle.watch();
        let is_back = |now: &Snapshot| {
            let http = &now.services[0];
            http.restarts == 1 && http.state == ServiceState::Ready
        };
        snapshots.wait_for(is_back).await.unwrap();
        handle.request_stop("weeks later");
    };
    tokio::join!(builder.run(), asking).0
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_life_left_unfinished_is_not_the_ends() {
    let report = restarted_once(|cx| cx.unfinished("1 requests")).await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert!(report.services[0].unfinished.is_empty(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_life_left_behind_still_runs() {
    let report = restarted_once(|cx| cx.left_behind("a thread")).await;
    assert_eq!(report.services[0].unfinished, ["a thread"], "{report}");
    assert_eq!(report.services[0].outcome, ServiceOutcome::Abandoned);
    assert_eq!(report.exit_kind(), ExitKind::Unfinished);
}

#[tokio::test(start_paused = true)]
async fn each_of_several_that_go_down_together_knows_its_end() {
    let known = Log::default();
    let mut builder = quiet("test");
    for name in ["browser", "http"] {
        let known = known.clone();
        let spec = ServiceSpec::new(name).restarts_on_request();
        builder = builder.service(spec, move || {
            let known = known.clone();
            move |cx: ServiceContext| {
                let known = known.clone();
                async move {
                    cx.ready();
                    cx.draining().await;
                    if cx.deadline().is_some() {
                        known.add(name);
                    }
                    cx.killed().await;
                    Ok(())
                }
            }
        });
    }
    let handle = builder.handle();
    let asking = async {
        handle.reached(Phase::Running).await;
        let both = tokio::join!(
            handle.request_restart("browser"),
            handle.request_restart("http")
        );
        assert_eq!(both, (Ok(()), Ok(())));
        let mut snapshots = handle.watch();
        let are_back = |now: &Snapshot| now.services.iter().all(|service| service.restarts == 1);
        snapshots.wait_for(are_back).await.unwrap();
        let mut lines = known.lines();
        lines.sort_unstable();
        assert_eq!(lines, ["browser", "http"]);
        handle.request_stop("seen enough");
    };
    let (report, ()) = tokio::join!(builder.run(), asking);
    assert_eq!(report.services.len(), 2);
}
