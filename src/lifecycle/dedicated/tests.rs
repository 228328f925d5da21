mod ends;

use std::rc::Rc;
use std::sync::mpsc as blocking;

use tokio::sync::oneshot;

use super::super::{
    Builder, ExitKind, Report, Restart, RestartPolicy, ServiceOutcome, ServiceSpec, StopReason,
    Supervisor,
};
use super::*;

const SOON: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);

/// A component that knows how many of its kind were opened before it, and cannot leave its thread.
struct Parrot {
    life: u32,
    _bound: Rc<()>,
}

fn parrots() -> DedicatedThread<Parrot> {
    let lives = Arc::new(Mutex::new(0));
    DedicatedThread::new(async move || {
        let mut lives = lives.lock().unwrap();
        *lives += 1;
        Ok(Parrot {
            life: *lives,
            _bound: Rc::new(()),
        })
    })
}

fn quiet() -> Builder {
    // A thread that is left behind leaves the hard deadline armed: far away, because this process has other tests.
    Supervisor::builder("test")
        .signals(false)
        .stop_timeout(Duration::from_secs(3_600))
}

/// Runs a host while `user` calls it, and stops it then.
async fn with_host<C: 'static, Fut>(
    host: DedicatedThread<C>,
    policy: RestartPolicy,
    user: impl FnOnce(Caller<C>) -> Fut,
) -> Report
where
    Fut: Future<Output = ()>,
{
    let caller = host.caller();
    let spec = ServiceSpec::new("parrot").restart(policy);
    let builder = quiet().service(spec, move || host.clone());
    let handle = builder.handle();
    let run = builder.run();
    let using = async {
        user(caller).await;
        handle.request_stop("seen enough");
    };
    tokio::join!(run, using).0
}

fn never() -> RestartPolicy {
    RestartPolicy::new(Restart::Temporary)
}

fn quickly() -> RestartPolicy {
    let policy = RestartPolicy::new(Restart::Transient);
    policy.backoff(Duration::ZERO, SOON).unwrap()
}

/// Sends when it is dropped.
struct Dropped(Option<oneshot::Sender<()>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

fn drop_signal() -> (Dropped, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    (Dropped(Some(sender)), receiver)
}

#[tokio::test]
async fn commands_run_in_order_on_one_thread_that_is_not_ours() {
    let report = with_host(parrots(), never(), async |parrot| {
        let mut threads = Vec::new();
        for _ in 0..3 {
            let thread = parrot.call("where", LONG, async |_| std::thread::current().id());
            threads.push(thread.await.unwrap());
        }
        assert!(threads.windows(2).all(|pair| pair[0] == pair[1]));
        assert_ne!(threads[0], std::thread::current().id());
    });
    let report = report.await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(report.services[0].outcome, ServiceOutcome::Stopped);
}

#[tokio::test]
async fn a_command_over_its_time_is_dropped_and_the_thread_is_free_at_once() {
    let report = with_host(parrots(), never(), async |parrot| {
        let (guard, dropped) = drop_signal();
        let endless = parrot.call("endless", SOON, async move |_| {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        assert_eq!(endless.await, Err(CallError::TimedOut("endless", SOON)));
        dropped.await.expect("its future is gone");
        let life = parrot.call("life", LONG, async |parrot| parrot.life).await;
        assert_eq!(life, Ok(1), "the same component goes on");
    });
    assert_eq!(report.await.exit_kind(), ExitKind::Clean);
}

#[tokio::test]
async fn a_command_whose_caller_goes_is_dropped() {
    with_host(parrots(), never(), async |parrot| {
        let (guard, dropped) = drop_signal();
        let (started, has_started) = oneshot::channel();
        let endless = parrot.call("endless", LONG, async move |_| {
            let _guard = guard;
            let _ = started.send(());
            std::future::pending::<()>().await;
        });
        tokio::select! {
            _ = endless => panic!("it has no end"),
            _ = has_started => {}
        }
        dropped.await.expect("its future is gone");
    })
    .await;
}

#[tokio::test]
async fn a_command_whose_time_passes_in_the_queue_does_not_begin() {
    with_host(parrots(), never(), async |parrot| {
        let (open, gate) = oneshot::channel::<()>();
        let (guard, dropped) = drop_signal();
        let first = parrot.call("first", LONG, async move |_| gate.await.is_ok());
        let second = async {
            let late = parrot.call("late", SOON, async move |_| drop(guard)).await;
            assert_eq!(late, Err(CallError::TimedOut("late", SOON)));
            open.send(()).unwrap();
        };
        let (first, ()) = tokio::join!(first, second);
        assert_eq!(first, Ok(true), "it was not disturbed");
        // What it held goes without it having run.
        dropped.await.expect("the command is gone");
    })
    .await;
}

#[tokio::test]
async fn a_blocked_thread_is_replaced_and_the_callers_behind_are_served() {
    let (unblock, blocked) = blocking::channel::<()>();
    let report = with_host(parrots(), quickly(), async |parrot| {
        let blocking = parrot.call("block", SOON, async move |_| blocked.recv().is_ok());
        let behind = parrot.call("life", LONG, async |parrot| parrot.life);
        let (blocking, behind) = tokio::join!(blocking, behind);
        assert_eq!(blocking, Err(CallError::TimedOut("block", SOON)));
        assert_eq!(behind, Ok(2), "a new component, on a new thread");
    })
    .await;
    assert_eq!(report.services[0].restarts, 1);
    assert_eq!(
        report.services[0].unfinished,
        ["its thread, blocked by the command block"]
    );
    assert_eq!(report.exit_kind(), ExitKind::Unfinished);
    drop(unblock);
}

#[tokio::test]
async fn a_blocked_thread_that_came_back_is_not_held_against_the_service() {
    let (unblock, blocked) = blocking::channel::<()>();
    let host = parrots();
    let shared = Arc::clone(&host.shared);
    let report = with_host(host, quickly(), async |parrot| {
        let blocking = parrot.call("block", SOON, async move |_| blocked.recv().is_ok());
        assert!(blocking.await.is_err());
        let life = parrot.call("life", LONG, async |parrot| parrot.life);
        assert_eq!(life.await, Ok(2));
        // Its thread is one of those who know the host.
        let knowing = Arc::strong_count(&shared);
        unblock.send(()).unwrap();
        while Arc::strong_count(&shared) == knowing {
            sleep(Duration::from_millis(1)).await; // between two looks at a condition
        }
    });
    let report = report.await;
    assert!(report.services[0].unfinished.is_empty(), "{report}");
    assert_eq!(report.exit_kind(), ExitKind::Clean);
}

#[tokio::test]
async fn a_panic_reaches_the_caller_and_opens_a_new_component() {
    let report = with_host(parrots(), quickly(), async |parrot| {
        let crash = parrot.call("crash", LONG, async |_| panic!("no seeds"));
        let Err(CallError::Crashed(panic)) = crash.await.map(|(): ()| ()) else {
            panic!("it crashed");
        };
        assert!(panic.starts_with("no seeds, at "), "{panic}");
        assert_eq!(
            parrot.call("life", LONG, async |parrot| parrot.life).await,
            Ok(2)
        );
    })
    .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(report.services[0].restarts, 1);
}

#[tokio::test]
async fn without_a_restart_a_panic_is_the_services_with_its_backtrace() {
    let report = with_host(parrots(), never(), async |parrot| {
        let crash = parrot.call("crash", LONG, async |_| panic!("no seeds"));
        assert!(crash.await.map(|(): ()| ()).is_err());
    })
    .await;
    let ServiceOutcome::Panicked(panic) = &report.services[0].outcome else {
        panic!("{report}");
    };
    assert_eq!(panic.message, "no seeds");
    assert!(panic.backtrace.contains("dedicated"), "{}", panic.backtrace);
    assert_eq!(report.exit_kind(), ExitKind::Software);
}

#[tokio::test]
async fn a_stop_lets_accepted_commands_finish_refuses_later_ones_and_closes_the_component() {
    let closed = Arc::new(Mutex::new(0));
    let at_close = Arc::clone(&closed);
    let host = DedicatedThread::new(async || Ok(Rc::new(7)))
        .on_close(async move |seven| *at_close.lock().unwrap() = *seven);
    let late = host.caller();
    let caller = host.caller();
    let builder = quiet().service("parrot", move || host.clone());
    let handle = builder.handle();
    let using = async {
        let (started, has_started) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let first = caller.call("first", LONG, async move |_| {
            let _ = started.send(());
            gate.await.is_ok()
        });
        let second = caller.call("second", LONG, async |seven| **seven);
        let stopping = async {
            has_started.await.unwrap();
            handle.request_stop("now");
            handle.reached(super::super::Phase::Draining).await;
            // Until the host has seen it, a call may still be taken.
            while late.call("late", SOON, async |_| ()).await != Err(CallError::Closed) {}
            open.send(()).unwrap();
        };
        tokio::join!(first, second, stopping)
    };
    // `late` is refused only after the host closed its queue, which it does while `first` runs.
    let (report, (first, second, ())) = tokio::join!(builder.run(), using);
    assert_eq!((first, second), (Ok(true), Ok(7)));
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(*closed.lock().unwrap(), 7);
}

#[tokio::test]
async fn a_thread_that_is_blocked_at_the_stop_is_abandoned_and_named() {
    let (unblock, blocked) = blocking::channel::<()>();
    let host = parrots();
    let caller = host.caller();
    let builder = quiet().service("parrot", move || host.clone());
    let handle = builder.handle();
    let using = async {
        let (started, has_started) = oneshot::channel();
        let call = caller.call("block", LONG, async move |_| {
            let _ = started.send(());
            blocked.recv().is_ok()
        });
        let stopping = async {
            has_started.await.unwrap();
            let signal = StopReason::Signal {
                signo: 15,
                pid: None,
                uid: None,
            };
            handle.request_stop(signal.clone());
            // A second one that comes sooner is taken for the first.
            sleep(Duration::from_millis(310)).await;
            handle.request_stop(signal);
        };
        tokio::join!(call, stopping).0
    };
    let (report, answer) = tokio::join!(builder.run(), using);
    assert_eq!(answer, Err(CallError::Closed));
    assert_eq!(report.exit_kind(), ExitKind::Unfinished, "{report}");
    let parrot = &report.services[0];
    assert_eq!(parrot.outcome, ServiceOutcome::Abandoned);
    assert!(
        parrot
            .unfinished
            .contains(&"its thread, blocked by the command block".to_owned()),
        "{report}"
    );
    drop(unblock);
}

#[tokio::test]
async fn a_stop_while_it_opens_does_not_wait_for_that() {
    let (opening, is_opening) = blocking::channel();
    let host = DedicatedThread::new(async move || {
        opening.send(()).unwrap();
        std::future::pending::<Result<(), Failure>>().await
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
        report.services[0].outcome,
        ServiceOutcome::Stopped,
        "{report}"
    );
    assert_eq!(report.exit_kind(), ExitKind::Clean);
}

#[tokio::test]
async fn a_component_that_does_not_open_fails_the_start() {
    let host = DedicatedThread::<()>::new(async || Err(Failure::permanent("no browser")));
    let report = quiet().service("parrot", move || host.clone()).run().await;
    assert_eq!(report.exit_kind(), ExitKind::Unavailable);
    assert_eq!(
        report.first_error(),
        Some(("parrot", "no browser".to_owned()))
    );
}
