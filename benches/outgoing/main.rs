//! What do limits on outgoing messages cost: none, teloxide's `Throttle`, and our `Outgoing`?
//!
//! ```sh
//! cargo bench --bench outgoing                  # four minutes
//! cargo bench --bench outgoing -- --rounds 1
//! ```
//!
//! Each trial is a new server on loopback and a new bot in this process. The sides take turns.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark talks to whoever runs it"
)]

mod sender;
mod server;

use std::sync::Arc;
use std::time::Duration;

use sender::{Sender, Side};
use server::Server;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

/// The chat that is refused.
const REFUSED: i64 = 1;
/// Handlers at the same time, where there is no limit on messages: the library's default.
const HANDLERS: usize = 256;

/// A trial, and what its figures are.
struct Trial {
    figures: &'static [&'static str],
    is_limited: bool,
    run: fn(&Runtime, Sender) -> Vec<f64>,
}

const TRIALS: [Trial; 4] = [
    Trial {
        figures: &["300 chats at once: messages/s"],
        is_limited: true,
        run: |runtime, sender| vec![runtime.block_on(burst(sender, 300))],
    },
    Trial {
        figures: &[
            "a message each 100 ms: median wait, ms",
            "a message each 100 ms: longest wait, ms",
        ],
        is_limited: true,
        run: |runtime, sender| {
            let waits = runtime.block_on(steady(sender, false));
            vec![waits[waits.len() / 2], waits[waits.len() - 1]]
        },
    },
    Trial {
        figures: &["the same, another chat is answered 429 for 5 s: longest wait, ms"],
        is_limited: true,
        run: |runtime, sender| {
            let waits = runtime.block_on(steady(sender, true));
            vec![waits[waits.len() - 1]]
        },
    },
    Trial {
        figures: &["limits out of reach, 256 senders: messages/s"],
        is_limited: false,
        run: |runtime, sender| vec![runtime.block_on(burst(sender, 20_000))],
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let rounds = arguments.iter().position(|argument| argument == "--rounds");
    let rounds = rounds.and_then(|at| arguments.get(at + 1)?.parse().ok());
    let rounds: usize = rounds.unwrap_or(3).max(1);
    let runtime = Runtime::new().expect("a runtime");
    println!("| | no limits | teloxide's Throttle | Outgoing |");
    println!("|---|---:|---:|---:|");
    for trial in &TRIALS {
        let mut rows = Side::ALL.map(|_| Vec::new());
        for _ in 0..rounds {
            for (side, rows) in Side::ALL.into_iter().zip(&mut rows) {
                let server = Server::start(REFUSED, 5).expect("a server");
                let sender = runtime.block_on(Sender::new(side, &server.url, trial.is_limited));
                rows.push((trial.run)(&runtime, sender));
            }
        }
        for (index, figure) in trial.figures.iter().enumerate() {
            let cells = rows
                .each_ref()
                .map(|rows| cell(rows.iter().map(|row| row[index]).collect()));
            println!("| {figure} | {} |", cells.join(" | "));
        }
    }
}

/// The median, and the range.
fn cell(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    let (least, most) = (figures[0], figures[figures.len() - 1]);
    let digits = usize::from(most < 100.0);
    let median = figures[figures.len() / 2];
    format!("{median:.digits$} ({least:.digits$} – {most:.digits$})")
}

/// So many messages as fast as they go, over chats that get no more than a burst each; messages in a second.
async fn burst(sender: Sender, messages: usize) -> f64 {
    let (sender, began) = (Arc::new(sender), Instant::now());
    let mut senders = JoinSet::new();
    for number in 0..HANDLERS.min(messages) {
        let sender = Arc::clone(&sender);
        senders.spawn(async move {
            for message in (number..messages).step_by(HANDLERS) {
                let chat = 1_000 + i64::try_from(message).expect("a small number");
                sender.send(chat).await.expect("it is taken");
            }
        });
    }
    while let Some(end) = senders.join_next().await {
        end.expect("no panic");
    }
    let count = f64::from(u32::try_from(messages).expect("a small number"));
    count / began.elapsed().as_secs_f64()
}

/// A message each 100 ms to a chat of its own, for five seconds; how long each took in milliseconds, sorted.
async fn steady(sender: Sender, with_refusal: bool) -> Vec<f64> {
    let sender = Arc::new(sender);
    let mut refused = JoinSet::new();
    if with_refusal {
        let sender = Arc::clone(&sender);
        refused.spawn(async move { sender.send(REFUSED).await.is_ok() });
    }
    let mut senders = JoinSet::new();
    let mut ticks = interval(Duration::from_millis(100));
    ticks.tick().await;
    for chat in 0..50 {
        ticks.tick().await;
        let sender = Arc::clone(&sender);
        senders.spawn(async move {
            let began = Instant::now();
            sender.send(1_000 + chat).await.expect("it is taken");
            began.elapsed().as_secs_f64() * 1_000.0
        });
    }
    let mut waits = senders.join_all().await;
    waits.sort_by(f64::total_cmp);
    // So that a trial does not end in the middle of the wait.
    while refused.join_next().await.is_some() {}
    waits
}
