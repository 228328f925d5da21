//! Services that are started again on request, in a supervisor that runs.

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
