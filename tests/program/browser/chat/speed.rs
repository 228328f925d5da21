//! What a wedged browser costs everybody else: measured, not judged.
//!
//! `cargo test --test program browser::chat::speed -- --ignored --nocapture`

use std::io::Write;
use std::time::{Duration, Instant};

use super::reading::Reading;

const ASKED: i64 = 300;
/// Slower than the 30 messages a second that the bot may send: else its own patience would be measured.
const PACE: Duration = Duration::from_millis(45);

#[tokio::test]
#[ignore = "it measures, and wants the machine for itself"]
async fn p99_of_ping_with_and_without_a_wedged_browser() {
    let Some(reading) = Reading::with_chromium("p99_of_ping", "pages = 2").await else {
        return;
    };
    let bot = reading.bot();
    let alone = pings(&reading, 10_000).await;
    for person in 0..4 {
        reading.asks(person + 900, "/shot", "/loop").await;
    }
    reading.wait_for_browsers(true).await;
    let beside = pings(&reading, 20_000).await;
    for (what, times) in [("alone", alone), ("beside two wedged browsers", beside)] {
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        let _ = writeln!(
            std::io::stderr(),
            "/ping {what}: median {:?}, p99 {:?}, longest {:?}",
            at(50),
            at(99),
            at(100)
        );
    }
    drop(bot);
}

/// How long each of many took, in order of length; one after another, each by somebody else.
async fn pings(reading: &Reading, first: i64) -> Vec<Duration> {
    let mut times = Vec::new();
    let mut pace = tokio::time::interval(PACE);
    for person in first..first + ASKED {
        pace.tick().await;
        let began = Instant::now();
        reading.server.say(person, "/ping").await;
        while reading.server.answers(person).await.is_empty() {
            assert!(began.elapsed() < Duration::from_secs(30), "no answer");
            tokio::time::sleep(Duration::from_millis(1)).await; // between two looks at a condition
        }
        times.push(began.elapsed());
    }
    times.sort();
    times
}
