//! What every service must survive: a stop before its start, two stops, a stop that races the start, and being cut
//! off while it drains. Each ends in time, and nothing is left behind.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};

use sundown::lanes::{Gate, Handler, Lanes, LanesConfig, Outcome};
use sundown::lifecycle::{
    Builder, DedicatedThread, Phase, Report, ServiceOutcome, StopReason, Supervisor,
};
use sundown::sandbox::{People, Sandbox};
use sundown::store::sqlite::Sqlite;
use sundown::store::{BotId, Store, StoreService};
use sundown::telegram::{Client, Identity, Poller, PollerConfig, Token};
use tempfile::TempDir;

const ROUNDS: u64 = 25;

fn signal() -> StopReason {
    StopReason::Signal {
        signo: 15,
        pid: None,
        uid: None,
    }
}

/// Ended, as it should or because it was told to hurry, and not left behind.
#[track_caller]
fn assert_ended(report: &Report) {
    for service in &report.services {
        let is_over = matches!(
            service.outcome,
            ServiceOutcome::Stopped | ServiceOutcome::Cancelled | ServiceOutcome::NotStarted
        );
        assert!(is_over, "{report}");
    }
    assert!(report.stop_took < Duration::from_secs(5), "{report}");
}

/// Runs a service through all of it; `add` adds it to a supervisor, with whatever keeps its surroundings alive.
async fn stress<K>(add: impl Fn(Builder) -> (Builder, K)) {
    let supervise = || {
        add(Supervisor::builder("stress")
            .signals(false)
            .stop_timeout(Duration::from_secs(10)))
    };

    let (builder, _kept) = supervise();
    builder.handle().request_stop("before the start");
    assert_ended(&builder.run().await);

    let (builder, _kept) = supervise();
    let handle = builder.handle();
    let twice = async {
        handle.reached(Phase::Running).await;
        handle.request_stop("once");
        handle.request_stop("twice");
    };
    let (report, ()) = tokio::join!(builder.run(), twice);
    assert_eq!(report.reasons.len(), 2, "{report}");
    assert_ended(&report);

    for round in 0..ROUNDS {
        let (builder, _kept) = supervise();
        let handle = builder.handle();
        let racing = async {
            // A little later in each round, so that the stop comes at another point of the start.
            for _ in 0..round * 4 {
                tokio::task::yield_now().await;
            }
            handle.request_stop("in the middle of the start");
        };
        let (report, ()) = tokio::join!(builder.run(), racing);
        assert_ended(&report);
    }

    let (builder, _kept) = supervise();
    let handle = builder.handle();
    let hurried = async {
        handle.reached(Phase::Running).await;
        handle.request_stop(signal());
        handle.reached(Phase::Draining).await;
        // A second signal counts when it is no echo of the first.
        tokio::time::sleep(Duration::from_millis(350)).await;
        handle.request_stop(signal());
    };
    let (report, ()) = tokio::join!(builder.run(), hurried);
    assert_ended(&report);
}

fn store() -> (Store, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(Sqlite::open(dir.path()).unwrap()), dir)
}

fn sandbox() -> (Sandbox, String) {
    Sandbox::with_bot((Ipv4Addr::LOCALHOST, 0).into()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_survives_it() {
    stress(|builder| {
        let (store, dir) = store();
        (
            builder.service("store", move || StoreService::new(Arc::clone(&store))),
            dir,
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_and_its_people_survive_it() {
    stress(|builder| {
        let (sandbox, _) = sandbox();
        let people = sandbox.clone();
        let builder = builder
            .service("sandbox", move || sandbox.clone())
            .service("people", move || People::new(&people));
        (builder, ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lanes_survive_it() {
    stress(|builder| {
        let (store, dir) = store();
        let handler: Handler = Arc::new(|_| Box::pin(async { Outcome::Done }));
        let gate: Gate = Arc::new(|| stream::once(async { BotId(1) }).boxed());
        let lanes = move || {
            Lanes::new(
                Arc::clone(&store),
                Arc::clone(&handler),
                Arc::clone(&gate),
                LanesConfig::default(),
            )
        };
        (builder.service("lanes", lanes), dir)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_poller_survives_it() {
    stress(|builder| {
        let ((store, dir), (sandbox, token)) = (store(), sandbox());
        let url = sandbox.url().parse().unwrap();
        let client = Client::new(reqwest::Client::new(), url, Token::parse(&token).unwrap());
        let poller = move || {
            Poller::new(
                client.clone(),
                Arc::clone(&store),
                Identity::default(),
                PollerConfig::default(),
            )
        };
        (
            builder
                .service("sandbox", move || sandbox.clone())
                .service("poller", poller),
            dir,
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dedicated_thread_survives_it() {
    stress(|builder| {
        let host = DedicatedThread::new(async || Ok(std::rc::Rc::new(())));
        (builder.service("thread", move || host.clone()), ())
    })
    .await;
}
