//! What does the gateway cost against the same upstream asked directly, and what do 200 stalled completions cost others?
//!
//! ```sh
//! cargo bench --bench gateway
//! cargo bench --bench gateway -- --seconds 2
//! ```
//!
//! Upstream, gateway and clients are in this process, each with a runtime of its own; the upstream answers at once, so that
//! what is measured is the way. Directly and through the gateway take turns.
#![allow(clippy::print_stdout, reason = "a benchmark talks to whoever runs it")]

mod upstream;

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use sundown::ai::{Ai, Kind, ProviderSpec};
use sundown::features::gateway::{Gateway, Settings};
use sundown::http::Http;
use sundown::lifecycle::{Phase, Supervisor};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::Instant;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Clients at the same time, where the most is measured that goes through.
const CLIENTS: usize = 16;
const STALLED: usize = 200;
const ROUNDS: usize = 3;

/// What one trial has found.
struct Figures {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn main() {
    let time = Duration::from_secs_f64(seconds());
    let [far, near, clients] = [(); 3].map(|()| Runtime::new().expect("a runtime"));
    let upstream = far.block_on(upstream::start());
    let url = near.block_on(gateway(&upstream));
    let direct = format!("{upstream}/chat/completions");
    let through = format!("{url}/v1/chat/completions");
    println!("| | requests/s | median, ms | p99, ms |\n|---|---:|---:|---:|");
    for (what, body) in [
        ("whole", question("fast", false)),
        ("streamed", question("fast", true)),
    ] {
        for (how, count) in [("one client", 1), ("16 clients", CLIENTS)] {
            for (side, url) in [("directly", &direct), ("through the gateway", &through)] {
                let label = format!("{what}, {how}, {side}");
                let one = || clients.block_on(trial(url, Some(&body), count, time));
                show(&label, median((0..ROUNDS).map(|_| one()).collect()));
            }
        }
    }
    let health = format!("{url}/health");
    let body = question("fast", false);
    let beside = |label: &str| {
        let fast = clients.block_on(trial(&through, Some(&body), 1, time));
        show(
            &format!("whole, one client, through the gateway{label}"),
            fast,
        );
        let fast = clients.block_on(trial(&health, None, 1, time));
        show(&format!("/health, one client{label}"), fast);
    };
    beside("");
    let stalled = clients.block_on(stall(&through));
    beside(&format!(", beside {} that stall", stalled.len()));
}

fn seconds() -> f64 {
    let mut arguments = env::args().skip_while(|argument| argument != "--seconds");
    let value = arguments.nth(1).and_then(|value| value.parse().ok());
    value.unwrap_or(5.0)
}

fn question(model: &str, is_streamed: bool) -> Value {
    let messages = json!([{ "role": "user", "content": "hello" }]);
    json!({ "model": model, "stream": is_streamed, "messages": messages })
}

/// Where the gateway is, which then runs as long as this process.
async fn gateway(upstream: &str) -> String {
    let kind = Kind::OpenAi {
        base_url: upstream.to_owned(),
        key: None,
    };
    let mut provider = ProviderSpec::new("upstream", kind);
    provider.timeouts.first_token = Duration::from_secs(3_600);
    let ai = Ai::new(vec![provider]).expect("a provider");
    let settings = Settings {
        concurrent: STALLED + CLIENTS,
        ..Settings::default()
    };
    let http = Http::bind(LOOPBACK).expect("an address");
    let routes = Gateway::new(ai, settings).router(http.drain());
    let (http, address) = (http.clone().mount(routes), http.address());
    let supervisor = Supervisor::builder("bench").signals(false);
    let supervisor = supervisor.service("http", move || http.clone());
    let handle = supervisor.handle();
    let mut running = JoinSet::new();
    running.spawn(supervisor.run());
    running.detach_all();
    handle.reached(Phase::Running).await;
    format!("http://{address}")
}

/// So many clients ask as fast as they are answered.
async fn trial(url: &str, body: Option<&Value>, clients: usize, time: Duration) -> Figures {
    let mut asking = JoinSet::new();
    let until = Instant::now() + time;
    for _ in 0..clients {
        let (url, body) = (url.to_owned(), body.cloned());
        asking.spawn(async move {
            let client = Client::builder().no_proxy().build().expect("a client");
            ask(&client, &url, body.as_ref()).await;
            let mut times = Vec::new();
            while Instant::now() < until {
                let began = Instant::now();
                ask(&client, &url, body.as_ref()).await;
                times.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            times
        });
    }
    let mut times: Vec<f64> = asking.join_all().await.into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    Figures {
        per_second: times.len() as f64 / time.as_secs_f64(),
        p50_ms: at(50),
        p99_ms: at(99),
    }
}

async fn ask(client: &Client, url: &str, body: Option<&Value>) {
    let request = match body {
        Some(body) => client.post(url).json(body),
        None => client.get(url),
    };
    let response = request.send().await.expect("an answer");
    assert!(response.status().is_success(), "{}", response.status());
    response.bytes().await.expect("a whole answer");
}

/// Completions that are held, half of them streams, until this is dropped.
async fn stall(url: &str) -> JoinSet<()> {
    let mut held = JoinSet::new();
    for n in 0..STALLED {
        let (url, body) = (url.to_owned(), question("stall", n % 2 == 0));
        held.spawn(async move {
            let client = Client::builder().no_proxy().build().expect("a client");
            ask(&client, &url, Some(&body)).await;
        });
    }
    upstream::until_stalled(STALLED).await;
    held
}

/// The round whose rate is in the middle.
fn median(mut rounds: Vec<Figures>) -> Figures {
    rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rounds.swap_remove(rounds.len() / 2)
}

fn show(label: &str, figures: Figures) {
    let Figures {
        per_second,
        p50_ms,
        p99_ms,
    } = figures;
    println!("| {label} | {per_second:.0} | {p50_ms:.2} | {p99_ms:.2} |");
}
