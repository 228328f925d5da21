//! What a service manager hears, on a real socket.

use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A manager that writes down what it hears.
struct Manager {
    dir: tempfile::TempDir,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Manager {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let notes = Arc::clone(&heard);
        // Reads for as long as the test runs. With a barrier it drops the descriptor that comes along, which is the answer.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = socket.recv(&mut bytes) {
                let text = String::from_utf8(bytes[..count].to_vec()).unwrap();
                let lines = text.lines().map(str::to_owned);
                notes.lock().unwrap().extend(lines);
            }
        });
        Self { dir, heard }
    }

    /// A supervisor that tells it everything.
    fn builder(&self, watchdog: Option<Duration>) -> Builder {
        let address = self.dir.path().join("notify");
        quiet("bot").manager(address.as_os_str(), watchdog)
    }

    /// Assignments to these names, in order.
    fn of(&self, names: &[&str]) -> Vec<String> {
        let is_wanted = |line: &&String| {
            let name = line.split('=').next().unwrap_or_default();
            names.contains(&name)
        };
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(is_wanted).cloned().collect()
    }
}

#[tokio::test(start_paused = true)]
async fn ready_comes_when_everything_is_ready_and_stopping_when_the_stop_begins() {
    let manager = Manager::new();
    let report = manager
        .builder(None)
        .service("slow", || {
            async |cx: ServiceContext| {
                tokio::time::sleep(Duration::from_secs(5)).await;
                cx.status("polling\nWATCHDOG=trigger");
                until_drained(cx).await
            }
        })
        .run_for(Duration::from_secs(60))
        .run()
        .await;
    assert_eq!(report.exit_kind(), ExitKind::Clean);
    let phases = ["READY", "STOPPING", "WATCHDOG", "BARRIER", "ERRNO"];
    assert_eq!(manager.of(&phases), ["READY=1", "STOPPING=1", "BARRIER=1"]);
    let statuses = manager.of(&["STATUS"]);
    assert_eq!(statuses.first().unwrap(), "STATUS=starting");
    assert!(
        statuses.contains(&"STATUS=running: slow polling WATCHDOG=trigger".to_owned()),
        "{statuses:?}"
    );
    assert_eq!(statuses.last().unwrap(), "STATUS=stopped, exit code 0");
}

#[tokio::test(start_paused = true)]
async fn a_long_start_and_a_long_stop_ask_for_more_time_and_never_past_the_budget() {
    let manager = Manager::new();
    let report = manager
        .builder(None)
        .stop_timeout(Duration::from_secs(20))
        .service(
            ServiceSpec::new("slow").start_timeout(Duration::from_secs(300)),
            || {
                async |cx: ServiceContext| {
                    tokio::time::sleep(Duration::from_secs(120)).await;
                    cx.ready();
                    std::future::pending().await
                }
            },
        )
        .run_for(Duration::from_secs(1))
        .run()
        .await;
    assert_eq!(report.stop_took, Duration::from_secs(18), "{report}");
    let all = manager.of(&["EXTEND_TIMEOUT_USEC", "STOPPING"]);
    let stopping = all.iter().position(|line| line == "STOPPING=1").unwrap();
    let seconds = |line: &String| -> u64 {
        let usec: u64 = line.split('=').nth(1).unwrap().parse().unwrap();
        usec.div_ceil(1_000_000)
    };
    let start: Vec<u64> = all[..stopping].iter().map(seconds).collect();
    assert_eq!(start.len(), 61, "every two seconds");
    assert!(start.iter().all(|left| *left == 10));
    let stop: Vec<u64> = all[stopping + 1..].iter().map(seconds).collect();
    // 20 s and the hard deadline's two: from the twelfth second on there is less than ten left.
    assert_eq!(stop[..6], [10, 10, 10, 10, 10, 10]);
    assert_eq!(stop[6..9], [10, 8, 6]);
}

#[tokio::test(start_paused = true)]
async fn the_watchdog_is_fed_while_promises_are_kept_and_triggered_when_one_is_broken() {
    let manager = Manager::new();
    let report = manager
        .builder(Some(Duration::from_secs(10)))
        .service("poller", || {
            async |cx: ServiceContext| {
                cx.ready();
                for _ in 0..3 {
                    cx.alive_for(Duration::from_secs(20));
                    tokio::time::sleep(Duration::from_secs(20) - Duration::from_millis(1)).await;
                }
                std::future::pending().await
            }
        })
        .run()
        .await;
    let fed = manager.of(&["WATCHDOG"]);
    let trigger = fed
        .iter()
        .position(|line| line == "WATCHDOG=trigger")
        .unwrap();
    assert_eq!(
        trigger, 13,
        "at the start, when it is ready, and then every five seconds: {fed:?}"
    );
    assert_eq!(fed.len(), trigger + 1, "and never again");
    // A manager that does not end the process leaves it to end itself.
    assert_eq!(report.reasons, [StopReason::Stale("poller".into())]);
    assert_eq!((report.total - report.stop_took).as_secs(), 69, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_told_with_an_errno() {
    let manager = Manager::new();
    manager
        .builder(None)
        .on_start("open the store", || async {
            Err(Failure::fatal(ExitKind::Permission, "no access"))
        })
        .run()
        .await;
    let words = manager.of(&["ERRNO", "READY"]);
    assert_eq!(words, ["ERRNO=13"]);
    let statuses = manager.of(&["STATUS"]);
    assert!(
        statuses.last().unwrap().contains("no access"),
        "{statuses:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reload_is_told_from_begin_to_end_and_a_failed_one_changes_nothing() {
    let manager = Manager::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let builder = manager
        .builder(None)
        .service("service", || until_drained)
        .on_reload("read the file", move || {
            let nth = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                match nth {
                    0 => Ok(()),
                    1 => Err(Failure::fatal(ExitKind::Config, "line 3: no number")),
                    _ => std::future::pending().await,
                }
            }
        });
    let handle = builder.handle();
    let asks = async {
        handle.reached(Phase::Running).await;
        for _ in 0..3 {
            handle.request_reload();
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        handle.request_stop("seen enough");
    };
    let (report, ()) = tokio::join!(builder.run(), asks);
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    let words = manager.of(&["READY", "RELOADING"]);
    let reload = ["RELOADING=1", "READY=1"];
    assert_eq!(words[0], "READY=1");
    assert_eq!(words[1..], [reload, reload, reload].concat());
    assert_eq!(manager.of(&["MONOTONIC_USEC"]).len(), 3);
}
