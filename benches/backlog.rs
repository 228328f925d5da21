//! What a backlog costs: does memory stay bounded, does the first update come soon, does the rate hold, from ten thousand
//! to a million waiting updates? `cargo bench --bench backlog`
//!
//! Each size is filled by one process and handled by another, whose memory is its own. The handler does nothing.
#![allow(clippy::print_stdout, reason = "a benchmark talks to whoever runs it")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};

use sundown::lanes::{Gate, Handler, Lanes, LanesConfig, Outcome};
use sundown::lifecycle::Supervisor;
use sundown::store::sqlite::Sqlite;
use sundown::store::{
    BotId, Cursor, LaneKey, RawBatch, RawUpdate, Scope, Store, StoreService, UpdateId,
};
use tokio::sync::OnceCell;

const SIZES: [i64; 4] = [0, 10_000, 100_000, 1_000_000];
const CHATS: i64 = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", dir, count] => fill(Path::new(dir), count.parse().expect("a count")),
        ["handle", dir, count] => handle(Path::new(dir), count.parse().expect("a count")),
        _ => measure(),
    }
}

fn measure() {
    println!(
        "{:>9}  {:>8}  {:>10}  {:>10}  {:>8}",
        "updates", "open ms", "first ms", "updates/s", "peak MB"
    );
    for count in SIZES {
        let dir = tempfile::tempdir().expect("a directory");
        for role in ["fill", "handle"] {
            let program = std::env::current_exe().expect("this program");
            let mut command = Command::new(program);
            command.arg(role).arg(dir.path()).arg(count.to_string());
            assert!(
                command.status().expect("it runs").success(),
                "{role} {count}"
            );
        }
    }
}

#[tokio::main]
async fn fill(dir: &Path, count: i64) {
    let store: Store = Arc::new(Sqlite::open(dir).expect("a store"));
    let poll = store.acquire(Scope::Poll(BotId(1))).await.expect("a lease");
    // About as large as a message is.
    let body: Arc<str> = format!("{{\"text\":\"{}\"}}", "x".repeat(560)).into();
    for first in (1..=count).step_by(1_000) {
        let ids = first..(first + 1_000).min(count + 1);
        let cursor = Cursor {
            generation: 0,
            next_offset: ids.end,
        };
        let update = |id: i64| RawUpdate {
            id: UpdateId(id),
            lane: LaneKey(id % CHATS),
            body: Arc::clone(&body),
        };
        let updates = ids.map(update).collect();
        store
            .append(&poll, RawBatch { updates, cursor })
            .await
            .expect("stored");
    }
    store.close().await.expect("closed");
}

#[tokio::main]
async fn handle(dir: &Path, count: i64) {
    let began = Instant::now();
    let store: Store = Arc::new(Sqlite::open(dir).expect("a store"));
    let opened = began.elapsed();
    let first = Arc::new(OnceCell::new());
    let seen = Arc::clone(&first);
    let handler: Handler = Arc::new(move |_| {
        if !seen.initialized() {
            let _ = seen.set(began.elapsed());
        }
        Box::pin(async { Outcome::Done })
    });
    let gate: Gate = Arc::new(|| stream::once(async { BotId(1) }).boxed());
    let config = LanesConfig {
        until_idle: Some(Duration::from_millis(100)),
        ..LanesConfig::default()
    };
    let kept = Arc::clone(&store);
    let report = Supervisor::builder("backlog")
        .signals(false)
        .service("store", move || StoreService::new(Arc::clone(&kept)))
        .service("lanes", move || {
            Lanes::new(
                Arc::clone(&store),
                Arc::clone(&handler),
                Arc::clone(&gate),
                config,
            )
        })
        .run()
        .await;
    assert_eq!(report.fact("handled"), count.unsigned_abs(), "{report}");
    let took = (report.total - report.stop_took).saturating_sub(Duration::from_millis(100));
    let rate = report.fact("handled") as f64 / took.as_secs_f64();
    let first_ms = first.get().map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!(
        "{count:>9}  {:>8.1}  {first_ms:>10.1}  {rate:>10.0}  {:>8.1}",
        opened.as_secs_f64() * 1e3,
        peak_mb()
    );
}

/// The most memory that this process has had, in MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or_default() / 1024.0
}
