//! However a host ends: its callers are told, and the report says what is true.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::super::Phase;
use super::*;

/// A service that fails when it is told to, in its first life.
fn fails_on(
    kick: oneshot::Receiver<()>,
) -> impl FnMut() -> Box<dyn FnMut(ServiceContext) -> Life + Send> + Send {
    let kick = Arc::new(Mutex::new(Some(kick)));
    move || {
        let kick = Arc::clone(&kick);
        Box::new(move |cx: ServiceContext| {
            let kick = kick.lock().unwrap().take();
            Box::pin(async move {
                cx.ready();
                if let Some(kick) = kick {
                    let _ = kick.await;
                    return Err(Failure::permanent("kicked"));
                }
                cx.draining().await;
                Ok(())
            })
        })
    }
}

type Life = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

#[tokio::test]
async fn a_host_that_is_taken_down_with_what_it_depends_on_serves_again() {
    let host = parrots();
    let caller = host.caller();
    let (kick, kicked) = oneshot::channel();
    let base = ServiceSpec::new("base").restart(quickly().rest_for_one());
    let builder = quiet()
        .service(base, fails_on(kicked))
        .service("parrot", move || host.clone());
    let handle = builder.handle();
    let using = async {
        let life = async || caller.call("life", LONG, async |parrot| parrot.life).await;
        assert_eq!(life().await, Ok(1));
        kick.send(()).unwrap();
        let second = loop {
            match life().await {
                Ok(1) | Err(CallError::Closed) => tokio::task::yield_now().await,
                other => break other,
            }
        };
        handle.request_stop("seen enough");
        second
    };
    let (report, second) = tokio::join!(builder.run(), using);
    assert_eq!(second, Ok(2), "{report}");
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
}

#[tokio::test]
async fn a_panic_while_it_drains_tells_those_behind() {
    let host = parrots();
    let caller = host.caller();
    let builder = quiet().service("parrot", move || host.clone());
    let handle = builder.handle();
    let using = async {
        let (started, has_started) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let first = caller.call("first", LONG, async move |_| {
            let _ = started.send(());
            let _ = gate.await;
            panic!("no seeds")
        });
        let second = caller.call("second", LONG, async |_| ());
        let stopping = async {
            has_started.await.unwrap();
            handle.request_stop("now");
            handle.reached(Phase::Draining).await;
            open.send(()).unwrap();
        };
        let (first, second, ()) = tokio::join!(first, second, stopping);
        assert!(matches!(first.map(|(): ()| ()), Err(CallError::Crashed(_))));
        second
    };
    let (report, second) = tokio::join!(builder.run(), using);
    assert_eq!(second, Err(CallError::Closed), "{report}");
    assert_eq!(
        report.services[0].unfinished,
        ["1 commands that waited for their turn"]
    );
}

#[tokio::test]
async fn a_host_that_ended_for_good_refuses_at_once() {
    let host = parrots();
    let caller = host.caller();
    let spec = ServiceSpec::new("parrot").optional();
    let builder = quiet().service(spec, move || host.clone());
    let handle = builder.handle();
    let using = async {
        let crash = caller.call("crash", LONG, async |_| panic!("no seeds"));
        assert!(crash.await.map(|(): ()| ()).is_err());
        let late = caller.call("late", LONG, async |_| ()).await;
        handle.request_stop("seen enough");
        late
    };
    let (_, late) = tokio::join!(builder.run(), using);
    assert_eq!(late, Err(CallError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_opening_and_a_panic_leave_nothing_behind() {
    for _ in 0..200 {
        let host = DedicatedThread::<()>::new(async || Err(Failure::permanent("no browser")));
        let report = quiet().service("parrot", move || host.clone()).run().await;
        assert!(report.services[0].unfinished.is_empty(), "{report}");
        let report = with_host(parrots(), never(), async |parrot| {
            let crash = parrot.call("crash", LONG, async |_| panic!("no seeds"));
            assert!(crash.await.map(|(): ()| ()).is_err());
        });
        let report = report.await;
        assert!(report.services[0].unfinished.is_empty(), "{report}");
    }
}

#[tokio::test]
async fn a_component_that_panics_as_it_goes_is_reported() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("bad end")
        }
    }
    let host = DedicatedThread::new(async || Ok(Bad));
    let report = with_host(host, never(), async |bad| {
        assert_eq!(bad.call("look", LONG, async |_| 1).await, Ok(1));
    });
    let report = report.await;
    assert_eq!(report.exit_kind(), ExitKind::Software, "{report}");
    assert!(report.to_string().contains("bad end"), "{report}");
}

#[tokio::test]
async fn an_opening_that_blocks_its_thread_is_named_and_soon_left() {
    let (unblock, blocked) = blocking::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let (opening, is_opening) = blocking::channel();
    let host = DedicatedThread::<()>::new(async move || {
        opening.send(()).unwrap();
        let _ = blocked.lock().unwrap().recv();
        Ok(())
    });
    let builder = quiet().service("parrot", move || host.clone());
    let handle = builder.handle();
    let stop = std::thread::spawn(move || {
        is_opening.recv().unwrap();
        handle.request_stop("now");
    });
    let report = builder.run().await;
    stop.join().unwrap();
    assert_eq!(
        report.services[0].unfinished,
        ["its thread, blocked by its component's opening"]
    );
    assert!(report.stop_took < LONG, "{report}");
    drop(unblock);
}

#[tokio::test]
async fn a_look_that_panics_harms_nobody() {
    let has_run = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&has_run);
    let builder = quiet()
        .service("shy", || {
            async |cx: ServiceContext| {
                cx.show_work(|| panic!("look away"));
                cx.ready();
                cx.draining().await;
                Ok(())
            }
        })
        .on_stopped("flush", move || async move {
            flag.store(true, Ordering::SeqCst);
            Ok(())
        });
    let handle = builder.handle();
    let looking = async {
        handle.reached(Phase::Running).await;
        assert_eq!(handle.dump().said[0].work, None);
        handle.request_stop("seen enough");
    };
    let (report, ()) = tokio::join!(builder.run(), looking);
    assert!(has_run.load(Ordering::SeqCst), "{report}");
}
