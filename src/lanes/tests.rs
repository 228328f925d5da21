mod admission;

use std::sync::Mutex;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use tokio::sync::{Barrier, Semaphore};
use tokio::time::Instant;

use super::*;
use crate::lifecycle::{ExitKind, Phase, Report, StopReason, Supervisor};
use crate::store::sqlite::Sqlite;
use crate::store::{BotId, Cursor, LaneKey, RawBatch, RawUpdate, StoreService, UpdateId};

/// A store with updates `1..=n` in it, each in the lane that `lane` says.
struct Fixture {
    store: Store,
    _dir: tempfile::TempDir,
}

async fn fixture(lanes: &[i64]) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let store: Store = Arc::new(Sqlite::open(dir.path()).unwrap());
    let poll = store.acquire(Scope::Poll(BotId(1))).await.unwrap();
    let updates = (1..).zip(lanes).map(|(id, lane)| RawUpdate {
        id: UpdateId(id),
        lane: LaneKey(*lane),
        body: "{}".into(),
    });
    let cursor = Cursor {
        generation: 0,
        next_offset: 100,
    };
    store
        .append(
            &poll,
            RawBatch {
                updates: updates.collect(),
                cursor,
            },
        )
        .await
        .unwrap();
    Fixture { store, _dir: dir }
}

fn id(entry: &Entry) -> i64 {
    entry.update_id().unwrap()
}

impl Fixture {
    async fn run(
        &self,
        config: LanesConfig,
        handler: impl Fn(Entry) -> BoxFuture<'static, Outcome> + Send + Sync + 'static,
    ) -> Report {
        let (store, handler): (_, Handler) = (Arc::clone(&self.store), Arc::new(handler));
        let kept = Arc::clone(&store);
        Supervisor::builder("test")
            .signals(false)
            .stop_timeout(Duration::from_secs(5))
            .service("store", move || StoreService::new(Arc::clone(&kept)))
            .service("lanes", move || {
                Lanes::new(
                    Arc::clone(&store),
                    Arc::clone(&handler),
                    open_gate(),
                    config,
                )
            })
            .run()
            .await
    }
}

fn open_gate() -> Gate {
    Arc::new(|| stream::once(async { BotId(1) }).boxed())
}

fn until_idle() -> LanesConfig {
    LanesConfig {
        until_idle: Some(Duration::from_millis(50)),
        ..LanesConfig::default()
    }
}

#[tokio::test]
async fn a_lane_is_handled_in_order_one_at_a_time() {
    let fixture = fixture(&[1, 1, 1, 1, 1]).await;
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    let report = fixture
        .run(until_idle(), move |entry| {
            let (log, id) = (Arc::clone(&log), id(&entry));
            Box::pin(async move {
                log.lock().unwrap().push(format!("+{id}"));
                tokio::task::yield_now().await;
                log.lock().unwrap().push(format!("-{id}"));
                Outcome::Done
            })
        })
        .await;
    assert_eq!(
        *seen.lock().unwrap(),
        ["+1", "-1", "+2", "-2", "+3", "-3", "+4", "-4", "+5", "-5"]
    );
    assert_eq!((report.fact("handled"), report.fact("left")), (5, 0));
}

#[tokio::test]
async fn an_end_is_on_disk_soon_also_where_nothing_follows_it() {
    let fixture = fixture(&[1, 2]).await;
    let store = Arc::clone(&fixture.store);
    let config = LanesConfig {
        handler_timeout: Some(Duration::from_secs(10)),
        ..until_idle()
    };
    let report = fixture
        .run(config, move |entry| {
            let store = Arc::clone(&store);
            Box::pin(async move {
                // The second one waits for the first one's row to go.
                while id(&entry) == 2 && store.counts().await.unwrap().queued > 1 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Outcome::Done
            })
        })
        .await;
    assert_eq!(report.fact("handled"), 2, "{report}");
}

#[tokio::test]
async fn lanes_do_not_wait_for_each_other() {
    let fixture = fixture(&[1, 2, 3]).await;
    // Nobody passes before all three are there.
    let all = Arc::new(Barrier::new(3));
    let report = fixture
        .run(until_idle(), move |_| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                all.wait().await;
                Outcome::Done
            })
        })
        .await;
    assert_eq!(report.fact("handled"), 3);
}

#[tokio::test]
async fn a_stuck_lane_stops_nobody_and_is_named() {
    let fixture = fixture(&[1, 1, 2, 2]).await;
    let free = Arc::new(Semaphore::new(0));
    let config = LanesConfig {
        max_updates: Some(3),
        ..LanesConfig::default()
    };
    let report = fixture
        .run(config, move |entry| {
            let free = Arc::clone(&free);
            Box::pin(async move {
                if entry.lane.0 == 1 {
                    let _ = free.acquire().await;
                }
                Outcome::Done
            })
        })
        .await;
    assert_eq!((report.fact("handled"), report.fact("left")), (2, 2));
    assert_eq!(report.exit_kind(), ExitKind::Unfinished);
    assert!(
        report
            .to_string()
            .contains("left unfinished: the handler of update 1,"),
        "{report}"
    );
}

#[tokio::test]
async fn no_more_handlers_run_than_the_limit_allows() {
    let fixture = fixture(&[1, 2, 3, 4, 5, 6, 7, 8]).await;
    let running = Arc::new(Mutex::new((0, 0)));
    let counts = Arc::clone(&running);
    let config = LanesConfig {
        concurrency: 3,
        ..until_idle()
    };
    let report = fixture
        .run(config, move |_| {
            let counts = Arc::clone(&counts);
            Box::pin(async move {
                {
                    let mut counts = counts.lock().unwrap();
                    counts.0 += 1;
                    counts.1 = counts.1.max(counts.0);
                }
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                counts.lock().unwrap().0 -= 1;
                Outcome::Done
            })
        })
        .await;
    assert_eq!(report.fact("handled"), 8);
    assert_eq!(running.lock().unwrap().1, 3);
}

#[tokio::test]
async fn a_panic_parks_its_update_and_the_lane_goes_on() {
    let fixture = fixture(&[1, 1]).await;
    let report = fixture
        .run(until_idle(), |entry| {
            Box::pin(async move {
                assert_ne!(id(&entry), 1, "not the first one");
                Outcome::Done
            })
        })
        .await;
    assert_eq!(
        (
            report.fact("handled"),
            report.fact("failed"),
            report.fact("parked")
        ),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn max_updates_starts_exactly_so_many_and_finishes_them() {
    let fixture = fixture(&[1, 2, 3, 4, 5]).await;
    let config = LanesConfig {
        max_updates: Some(3),
        ..LanesConfig::default()
    };
    let report = fixture
        .run(config, |_| Box::pin(async { Outcome::Done }))
        .await;
    assert_eq!(report.reasons, [StopReason::MaxUpdates]);
    assert_eq!((report.fact("handled"), report.fact("left")), (3, 2));
    assert_eq!(report.exit_kind(), ExitKind::Clean);
}

#[tokio::test]
async fn behind_a_closed_gate_no_handler_starts_and_a_stop_is_clean() {
    let fixture = fixture(&[1, 2, 3]).await;
    let (store, closed): (_, Gate) = (
        Arc::clone(&fixture.store),
        Arc::new(|| stream::pending().boxed()),
    );
    let handler: Handler = Arc::new(|_| Box::pin(async { Outcome::Done }));
    let report = Supervisor::builder("test")
        .signals(false)
        // Long enough for the updates to be read.
        .run_for(Duration::from_millis(200))
        .service("lanes", move || {
            Lanes::new(
                Arc::clone(&store),
                Arc::clone(&handler),
                Arc::clone(&closed),
                LanesConfig::default(),
            )
        })
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean);
    assert_eq!(
        (
            report.fact("handled"),
            fixture.store.counts().await.unwrap().queued
        ),
        (0, 3)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_is_named_and_left_behind() {
    let fixture = fixture(&[1]).await;
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let (blocked, started) = (Arc::new(Mutex::new(blocked)), Arc::new(Semaphore::new(0)));
    let (store, has_started) = (Arc::clone(&fixture.store), Arc::clone(&started));
    let handler: Handler = Arc::new(move |_| {
        let (blocked, started) = (Arc::clone(&blocked), Arc::clone(&has_started));
        Box::pin(async move {
            started.add_permits(1);
            let _ = blocked.lock().unwrap().recv();
            Outcome::Done
        })
    });
    let builder = Supervisor::builder("test")
        .signals(false)
        // What is left behind leaves the hard deadline armed: it must not be reached while other tests run.
        .stop_timeout(Duration::from_secs(3_600))
        .service("lanes", move || {
            Lanes::new(
                Arc::clone(&store),
                Arc::clone(&handler),
                open_gate(),
                LanesConfig::default(),
            )
        });
    let handle = builder.handle();
    let twice_stopped = async {
        started.acquire().await.unwrap().forget();
        handle.request_stop(StopReason::Signal {
            signo: 15,
            pid: None,
            uid: None,
        });
        handle.reached(Phase::Draining).await;
        // A second signal counts when it is no echo of the first.
        tokio::time::sleep(Duration::from_millis(350)).await;
        handle.request_stop(StopReason::Signal {
            signo: 15,
            pid: None,
            uid: None,
        });
    };
    let (report, ()) = tokio::join!(builder.run(), twice_stopped);
    drop(release);
    assert_eq!(report.exit_kind(), ExitKind::Unfinished);
    let text = report.to_string();
    assert!(
        text.contains("the handler of update 1,")
            && text.contains("1 handlers that block their thread"),
        "{text}"
    );
}

#[tokio::test]
async fn what_piles_up_behind_a_stuck_lane_does_not_hold_up_the_others() {
    // More than is held in memory, all in one lane, and the others behind it.
    let mut lanes = vec![1; 12_000];
    lanes.extend([2, 3, 4]);
    let fixture = fixture(&lanes).await;
    let (open, seen) = (
        Arc::new(Semaphore::new(0)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let (gate, log) = (Arc::clone(&open), Arc::clone(&seen));
    let report = fixture
        .run(until_idle(), move |entry| {
            let (gate, log) = (Arc::clone(&gate), Arc::clone(&log));
            Box::pin(async move {
                let lane = entry.lane.0;
                if lane == 1 {
                    gate.acquire().await.unwrap().forget();
                    gate.add_permits(1);
                } else if lane == 4 {
                    // All others are through, and the stuck one may go on.
                    gate.add_permits(1);
                }
                log.lock().unwrap().push((lane, id(&entry)));
                Outcome::Done
            })
        })
        .await;
    assert_eq!(report.fact("handled"), 12_003, "{report}");
    let seen = seen.lock().unwrap();
    let of_lane_1 = seen
        .iter()
        .filter(|(lane, _)| *lane == 1)
        .map(|(_, id)| *id);
    assert!(of_lane_1.eq(1..=12_000), "in order, each once");
}

#[tokio::test]
async fn a_handler_over_its_time_is_cut_off_and_its_update_parked() {
    let fixture = fixture(&[1, 1, 2]).await;
    let config = LanesConfig {
        handler_timeout: Some(Duration::from_millis(20)),
        ..until_idle()
    };
    let report = fixture
        .run(config, |entry| {
            Box::pin(async move {
                if id(&entry) == 1 {
                    std::future::pending::<()>().await;
                }
                Outcome::Done
            })
        })
        .await;
    assert_eq!((report.fact("handled"), report.fact("failed")), (2, 1));
    assert_eq!((report.fact("left"), report.fact("parked")), (0, 1));
}

#[tokio::test]
async fn a_retry_waits_with_its_lane_and_is_handled_again() {
    let fixture = fixture(&[1, 1, 2]).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let report = fixture
        .run(until_idle(), move |entry| {
            let log = Arc::clone(&log);
            Box::pin(async move {
                let id = id(&entry);
                let mut log = log.lock().unwrap();
                log.push(id);
                if id == 1 && log.iter().filter(|seen| **seen == 1).count() < 3 {
                    return Outcome::Retry {
                        after: Duration::from_millis(5),
                    };
                }
                Outcome::Done
            })
        })
        .await;
    let seen = seen.lock().unwrap();
    let in_lane_1: Vec<_> = seen.iter().copied().filter(|id| *id < 3).collect();
    assert_eq!(in_lane_1, [1, 1, 1, 2]);
    assert_eq!(
        (report.fact("handled"), report.fact("retried")),
        (3, 2),
        "{report}"
    );
}

#[tokio::test]
async fn what_is_discarded_is_over_and_counted() {
    let fixture = fixture(&[1]).await;
    let report = fixture
        .run(until_idle(), |_| {
            Box::pin(async {
                Outcome::Discard {
                    reason: "too old".into(),
                }
            })
        })
        .await;
    assert_eq!((report.fact("handled"), report.fact("discarded")), (0, 1));
    assert_eq!((report.fact("left"), report.fact("parked")), (0, 0));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_retry_and_the_next_start_has_it() {
    let fixture = fixture(&[1]).await;
    let config = LanesConfig {
        max_updates: Some(1),
        ..LanesConfig::default()
    };
    let began = Instant::now();
    let report = fixture
        .run(config, |_| {
            Box::pin(async {
                Outcome::Retry {
                    after: Duration::from_secs(3_600),
                }
            })
        })
        .await;
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(
        (report.fact("left"), report.fact("retried")),
        (1, 1),
        "{report}"
    );
    assert_eq!(report.exit_kind(), ExitKind::Clean);
}

#[tokio::test]
async fn a_limit_that_is_raised_meanwhile_lets_waiting_updates_in() {
    let fixture = fixture(&[1, 2, 3]).await;
    let config = LanesConfig {
        concurrency: 1,
        ..until_idle()
    };
    let limits = watch::Sender::new(config);
    let all = Arc::new(Barrier::new(3));
    let raises = limits.clone();
    let handler: Handler = Arc::new(move |entry| {
        let (all, raises) = (Arc::clone(&all), raises.clone());
        Box::pin(async move {
            if id(&entry) == 1 {
                raises.send_modify(|config| config.concurrency = 3);
            }
            // Nobody gets past this before all three are here.
            all.wait().await;
            Outcome::Done
        })
    });
    let store = Arc::clone(&fixture.store);
    let report = Supervisor::builder("test")
        .signals(false)
        .service("lanes", move || {
            let (store, handler) = (Arc::clone(&store), Arc::clone(&handler));
            Lanes::new(store, handler, open_gate(), config).following(limits.subscribe())
        })
        .run()
        .await;
    assert_eq!(report.fact("handled"), 3, "{report}");
}

#[tokio::test]
async fn an_update_that_is_retried_counts_once() {
    let fixture = fixture(&[1, 1, 1]).await;
    let config = LanesConfig {
        max_updates: Some(3),
        ..LanesConfig::default()
    };
    let retries = Arc::new(Mutex::new(2));
    let report = fixture
        .run(config, move |_| {
            let mut left = retries.lock().unwrap();
            let is_last = *left == 0;
            *left -= i32::from(!is_last);
            Box::pin(async move {
                match is_last {
                    true => Outcome::Done,
                    false => Outcome::Retry {
                        after: Duration::ZERO,
                    },
                }
            })
        })
        .await;
    assert_eq!(report.fact("handled"), 3, "{report}");
}
