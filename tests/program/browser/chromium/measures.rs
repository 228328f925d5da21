//! What pages cost. Run with
//! `cargo test --test program -- --ignored --nocapture --exact browser::chromium::measures::a_hundred_pages_two_at_a_time`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::site::Site;
use super::support::Lab;

const PAGES: usize = 100;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and takes a minute or two"]
async fn a_hundred_pages_two_at_a_time() {
    let Some(lab) = Lab::new("a_hundred_pages_two_at_a_time", |settings| {
        settings.patience = Duration::from_secs(600);
    }) else {
        return;
    };
    let site = Site::start().await;
    let (peak, _watch) = watch_memory(lab.scratch.path());
    let began = Instant::now();
    let mut pages = JoinSet::new();
    for _ in 0..PAGES {
        let (chromium, url) = (lab.chromium.clone(), site.url("/late"));
        pages.spawn(async move { chromium.dom(&url).await.unwrap().elapsed });
    }
    let mut took = pages.join_all().await;
    took.sort_unstable();
    let total = began.elapsed();
    let [pss, rss] = peak.lock().await.map(|kilobytes| kilobytes / 1024);
    println!(
        "{PAGES} pages in {total:.1?}; each {:.2?} (median), {:.2?} (longest); \
         all browsers together at the most {pss} MB (what they share counted once), {rss} MB (counted each time)",
        took[PAGES / 2],
        took[PAGES - 1]
    );
    lab.assert_nothing_is_left().await;
}

/// How late a timer of the same runtime is, without and with two pages that compute without an end.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and takes twenty seconds"]
async fn what_else_runs_is_not_held_up_by_frozen_pages() {
    let Some(lab) = Lab::new("what_else_runs_is_not_held_up", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let alone = p99().await;
    let url = site.url("/loop");
    let (one, two) = (lab.chromium.dom(&url), lab.chromium.dom(&url));
    let frozen = async { tokio::join!(one, two) };
    let beside = tokio::select! {
        _ = frozen => panic!("pages do not end"),
        late = async { sleep(Duration::from_secs(4)).await; p99().await } => late,
    };
    println!("a timer's delay, p99: {alone:.2?} alone, {beside:.2?} beside two frozen pages");
}

async fn p99() -> Duration {
    let mut late = Vec::new();
    for _ in 0..1000 {
        let began = Instant::now();
        sleep(Duration::from_millis(5)).await;
        late.push(began.elapsed().saturating_sub(Duration::from_millis(5)));
    }
    late.sort_unstable();
    late[989]
}

/// The most memory, in kilobytes, that browsers with profiles below this folder had at a time: what they share counted once,
/// and each time.
fn watch_memory(folder: &Path) -> (Arc<Mutex<[u64; 2]>>, JoinSet<()>) {
    let peak = Arc::new(Mutex::new([0; 2]));
    let (seen, folder) = (peak.clone(), folder.to_owned());
    let mut watch = JoinSet::new();
    watch.spawn(async move {
        loop {
            let browsers = browsers(&folder);
            let now = ["Pss:", "Rss:"].map(|what| {
                let sizes = browsers.iter().filter_map(|process| size(process, what));
                sizes.sum::<u64>()
            });
            let mut seen = seen.lock().await;
            *seen = [now[0].max(seen[0]), now[1].max(seen[1])];
            drop(seen);
            sleep(Duration::from_millis(100)).await;
        }
    });
    (peak, watch)
}

fn browsers(folder: &Path) -> Vec<PathBuf> {
    let home = format!("HOME={}", folder.display());
    let is_one = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&home)
    };
    let processes = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    processes.filter(is_one).collect()
}

fn size(process: &Path, what: &str) -> Option<u64> {
    let rollup = fs::read_to_string(process.join("smaps_rollup")).ok()?;
    let line = rollup.lines().find(|line| line.starts_with(what))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
