//! A listener under a supervisor, asked over real connections.

use std::future::{Future, pending};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use futures::stream;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::*;
use crate::lifecycle::{
    Builder, Failure, Handle, Phase, Report, Restart, RestartPolicy, Service, ServiceContext,
    ServiceSpec, Supervisor,
};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(20);
const BUDGET: Duration = Duration::from_secs(2);

struct Up {
    http: Http,
    handle: Handle,
    running: JoinSet<Report>,
    client: Client,
}

impl Up {
    async fn with(routes: Router) -> Self {
        Self::of(Http::bind(LOOPBACK).unwrap().mount(routes)).await
    }

    async fn of(http: Http) -> Self {
        let served = http.clone();
        let supervisor = Supervisor::builder("test")
            .signals(false)
            .stop_timeout(BUDGET)
            .service("http", move || served.clone());
        Self::beneath(http, supervisor).await
    }

    async fn beneath(http: Http, supervisor: Builder) -> Self {
        let handle = supervisor.handle();
        let mut running = JoinSet::new();
        running.spawn(supervisor.run());
        soon(handle.reached(Phase::Running)).await;
        Self {
            http,
            handle,
            running,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http.address())
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        soon(self.client.get(self.url(path)).send()).await.unwrap()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.http.address()).await.unwrap()
    }

    fn stop(&self) {
        self.handle.request_stop("the test is over");
    }

    async fn end(mut self) -> Report {
        soon(self.running.join_next()).await.unwrap().unwrap()
    }
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

/// A body of the same bytes for ever.
fn endless() -> Body {
    let chunk = Bytes::from(vec![b'x'; 65_536]);
    Body::from_stream(stream::repeat_with(move || {
        Ok::<_, std::io::Error>(chunk.clone())
    }))
}

/// A handler that says when it has begun, and goes on when it is told to.
fn held() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says, hears) = (Arc::clone(&begun), Arc::clone(&go_on));
    let handler = move || {
        let (says, hears) = (Arc::clone(&says), Arc::clone(&hears));
        async move {
            says.notify_one();
            hears.notified().await;
            "finished"
        }
    };
    (Router::new().route("/held", get(handler)), begun, go_on)
}

struct Tells(Arc<Notify>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[test]
fn an_address_that_is_taken_is_an_error_at_once() {
    let first = Http::bind(LOOPBACK).unwrap();
    let error = Http::bind(first.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn health_tells_phase_and_services() {
    let up = Up::with(Router::new()).await;
    let response = up.get("/health").await;
    assert_eq!(response.status(), StatusCode::OK);
    let health: Value = response.json().await.unwrap();
    assert_eq!(health["phase"], "running");
    assert_eq!(health["services"][0]["name"], "http");
    assert_eq!(health["services"][0]["state"], "ready");
    assert!(health["uptime_s"].is_u64());
    let head = soon(up.client.head(up.url("/health")).send())
        .await
        .unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    let nothing = up.get("/elsewhere").await;
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
    let error: Value = nothing.json().await.unwrap();
    assert_eq!(error["error"]["message"], "there is no GET /elsewhere here");
}

#[tokio::test]
async fn a_stop_refuses_what_is_new_and_finishes_what_runs() {
    let (routes, begun, go_on) = held();
    let up = Up::with(routes).await;
    let held = up.get("/held");
    let meanwhile = async {
        soon(begun.notified()).await;
        up.stop();
        soon(up.handle.reached(Phase::Draining)).await;
        soon(up.http.drain().reached(drain::Stage::Draining)).await;
        let refused = up.get("/held").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "5");
        assert_eq!(refused.headers()["connection"], "close");
        let error: Value = refused.json().await.unwrap();
        assert_eq!(error["error"]["type"], "server_error");
        let health = up.get("/health").await;
        assert_eq!(health.status(), StatusCode::SERVICE_UNAVAILABLE);
        let health: Value = health.json().await.unwrap();
        assert_eq!(health["phase"], "draining");
        go_on.notify_one();
    };
    let (held, ()) = tokio::join!(held, meanwhile);
    assert_eq!(held.status(), StatusCode::OK);
    assert_eq!(held.text().await.unwrap(), "finished");
    let report = up.end().await;
    assert_eq!(report.exit_kind().code(), 0);
    let facts = &report.services[0].facts;
    assert!(facts.contains(&("requests", 1)), "{facts:?}");
    assert!(facts.contains(&("requests refused", 1)), "{facts:?}");
}

#[tokio::test]
async fn a_stream_gets_its_last_words_when_the_time_is_over() {
    let http = Http::bind(LOOPBACK).unwrap();
    let drain = http.drain();
    let routes = Router::new().route(
        "/",
        get(async move || {
            let words = stream::once(async { Ok::<_, std::io::Error>("first, ") });
            let last = stream::once(async move {
                drain.ending().await;
                Ok("last")
            });
            Body::from_stream(futures::StreamExt::chain(words, last))
        }),
    );
    let up = Up::of(http.mount(routes)).await;
    let response = up.get("/").await;
    let began = Instant::now();
    up.stop();
    assert_eq!(soon(response.text()).await.unwrap(), "first, last");
    assert!(began.elapsed() > BUDGET / 2, "it was given its time");
    let report = up.end().await;
    assert!(began.elapsed() < BUDGET, "{:?}", began.elapsed());
    assert_eq!(report.services[0].unfinished, ["1 requests"]);
    assert_eq!(report.exit_kind().code(), 80);
}

#[tokio::test]
async fn a_handler_that_takes_longer_than_the_stop_is_a_503() {
    let (routes, begun, _) = held();
    let up = Up::with(routes).await;
    let stop = async {
        soon(begun.notified()).await;
        up.stop();
    };
    let (held, ()) = tokio::join!(up.get("/held"), stop);
    assert_eq!(held.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(up.end().await.exit_kind().code(), 80);
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_a_stop() {
    let up = Up::with(Router::new()).await;
    let mut idle = up.connect().await;
    up.get("/health").await.text().await.unwrap();
    let began = Instant::now();
    up.stop();
    let mut rest = Vec::new();
    let _ = soon(idle.read_to_end(&mut rest)).await;
    assert!(rest.is_empty());
    let report = up.end().await;
    assert!(began.elapsed() < BUDGET / 2, "{:?}", began.elapsed());
    assert_eq!(report.exit_kind().code(), 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_within_the_budget() {
    let up = Up::with(Router::new().route("/", get(async || endless()))).await;
    let mut deaf = up.connect().await;
    deaf.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    deaf.read_exact(&mut [0; 15]).await.unwrap();
    let began = Instant::now();
    up.stop();
    let report = up.end().await;
    assert!(began.elapsed() < BUDGET, "{:?}", began.elapsed());
    assert_eq!(report.services[0].unfinished, ["1 requests"]);
}

#[tokio::test]
async fn a_client_that_has_stopped_reading_loses_its_connection() {
    let dropped = Arc::new(Notify::new());
    let tells = Arc::clone(&dropped);
    let routes = Router::new().route(
        "/",
        get(async move || {
            let guard = Tells(tells);
            let chunk = Bytes::from(vec![b'x'; 65_536]);
            Body::from_stream(stream::repeat_with(move || {
                let _ = &guard;
                Ok::<_, std::io::Error>(chunk.clone())
            }))
        }),
    );
    let limits = Limits {
        unread: Duration::from_millis(500),
        ..Limits::default()
    };
    let up = Up::of(Http::bind(LOOPBACK).unwrap().mount(routes).limits(limits)).await;
    let mut deaf = up.connect().await;
    deaf.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    deaf.read_exact(&mut [0; 15]).await.unwrap();
    soon(dropped.notified()).await;
}

/// A handler that never answers, with who hears that it has begun and that it was dropped.
fn silent() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says, tells) = (Arc::clone(&begun), Arc::clone(&dropped));
    let routes = Router::new().route(
        "/",
        get(async move || {
            let _guard = Tells(tells);
            says.notify_one();
            pending::<()>().await;
        }),
    );
    (routes, begun, dropped)
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_handler() {
    let (routes, begun, dropped) = silent();
    let up = Up::with(routes).await;
    let mut client = up.connect().await;
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    soon(begun.notified()).await;
    drop(client);
    soon(dropped.notified()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_goes_away_is_noticed_behind_bytes_that_nobody_reads() {
    for follows in ["\r\n", "GET /other HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let (routes, begun, dropped) = silent();
        let up = Up::with(routes).await;
        let mut client = up.connect().await;
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\n\r\n{follows}");
        client.write_all(request.as_bytes()).await.unwrap();
        soon(begun.notified()).await;
        drop(client);
        soon(dropped.notified()).await;
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_closes_the_connection() {
    let limits = Limits {
        head: Duration::from_millis(200),
        ..Limits::default()
    };
    let up = Up::of(Http::bind(LOOPBACK).unwrap().limits(limits)).await;
    let mut slow = up.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    let mut rest = Vec::new();
    soon(slow.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test]
async fn a_panic_is_one_requests_500() {
    let routes = Router::new().route("/", get(async || "well")).route(
        "/bad",
        get(async || -> &'static str { panic!("a bad day") }),
    );
    let up = Up::with(routes).await;
    let bad = up.get("/bad").await;
    assert_eq!(bad.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let text = bad.text().await.unwrap();
    assert!(!text.contains("a bad day"), "{text}");
    assert_eq!(up.get("/").await.text().await.unwrap(), "well");
    up.stop();
    assert_eq!(up.end().await.exit_kind().code(), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let (routes, begun, go_on) = held();
    let up = Up::of(Http::bind(LOOPBACK).unwrap().mount(routes).limits(limits)).await;
    let mut first = up.connect().await;
    first
        .write_all(b"GET /held HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    soon(begun.notified()).await;
    let mut second = up.connect().await;
    second
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0; 1];
    let early = timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(early.is_err(), "there was no place for it");
    go_on.notify_one();
    let mut answer = String::new();
    soon(first.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.ends_with("finished"), "{answer}");
    soon(second.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.contains("\"phase\":\"running\""), "{answer}");
}

/// Reads up to 8 bytes, and says how that went.
fn reader(bodies: Bodies, drain: Drain) -> Router {
    let read = async move |body: Body| match bodies.read(body, &drain).await {
        Ok((bytes, _room)) => (StatusCode::OK, format!("{} bytes", bytes.len())),
        Err(BodyError::Stopping) => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:?}")),
    };
    Router::new().route("/", post(read))
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let up = Up::with(reader(Bodies::new(8, 8), Drain::new())).await;
    let post = async |body: &'static str| {
        let request = up.client.post(up.url("/")).body(body);
        soon(request.send()).await.unwrap().text().await.unwrap()
    };
    assert_eq!(post("12345678").await, "8 bytes");
    assert_eq!(post("123456789").await, "TooLarge(8)");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let read = async |body| {
        let read = Bodies::new(8, 8).read(body, &Drain::new()).await;
        read.map(|_| ()).unwrap_err()
    };
    let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    assert_eq!(read(body).await, BodyError::TooSlow);
    let body = Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("x"))]));
    assert_eq!(read(body).await, BodyError::Broken);
}

#[tokio::test]
async fn bodies_that_are_held_have_a_limit_together() {
    let (bodies, drain) = (Bodies::new(8, 12), Drain::new());
    let read = async |text: &'static str| bodies.read(Body::from(text), &drain).await;
    let (_, mut first) = read("12345678").await.unwrap();
    assert_eq!(read("12345").await.unwrap_err(), BodyError::Full);
    let (_, second) = read("1234").await.unwrap();
    assert_eq!(first.add(1), Err(BodyError::Full));
    assert_eq!(first.add(5), Err(BodyError::TooMuch));
    drop(second);
    assert_eq!(first.add(4), Ok(()));
    drop(first);
    read("12345678").await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_come_does_not_hold_up_a_stop() {
    let http = Http::bind(LOOPBACK).unwrap();
    let routes = reader(Bodies::new(8, 8), http.drain());
    let up = Up::of(http.mount(routes)).await;
    let mut slow = up.connect().await;
    let head = b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 8\r\n\r\n";
    slow.write_all(head).await.unwrap();
    // It is asked to go on once somebody reads.
    slow.read_exact(&mut [0; 25]).await.unwrap();
    slow.write_all(b"123").await.unwrap();
    let began = Instant::now();
    up.stop();
    let mut answer = String::new();
    soon(slow.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert_eq!(up.end().await.exit_kind().code(), 0);
    assert!(began.elapsed() < BUDGET / 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_service_that_failed_is_there_again_at_the_same_address() {
    let (http, fail) = (Http::bind(LOOPBACK).unwrap(), Arc::new(Notify::new()));
    let (served, fails) = (http.clone(), Arc::clone(&fail));
    let policy = RestartPolicy::new(Restart::Transient);
    let spec = ServiceSpec::new("http").restart(policy);
    let supervisor = Supervisor::builder("test").signals(false);
    let supervisor = supervisor.service(spec, move || {
        let (http, fails) = (served.clone(), Arc::clone(&fails));
        move |cx: ServiceContext| {
            let fails = Arc::clone(&fails);
            let mut http = http.clone();
            async move {
                tokio::select! {
                    end = http.run(cx) => end,
                    () = fails.notified() => Err(Failure::transient("a bad day", Duration::ZERO)),
                }
            }
        }
    });
    let up = Up::beneath(http, supervisor).await;
    fail.notify_one();
    let again = async {
        loop {
            // Between its lives nobody listens.
            if let Ok(response) = up.client.get(up.url("/health")).send().await {
                let health: Value = response.json().await.unwrap();
                if health["services"][0]["restarts"] == 1 {
                    break health;
                }
            }
        }
    };
    assert_eq!(soon(again).await["services"][0]["state"], "ready");
    up.stop();
    assert_eq!(up.end().await.exit_kind().code(), 0);
}

#[tokio::test]
async fn it_can_be_served_again_after_its_end() {
    let http = Http::bind(LOOPBACK).unwrap();
    for _ in 0..2 {
        let up = Up::of(http.clone()).await;
        assert!(!http.drain().is_draining());
        assert_eq!(up.get("/health").await.status(), StatusCode::OK);
        up.stop();
        assert_eq!(up.end().await.exit_kind().code(), 0);
        assert!(http.drain().is_draining());
        let refused = TcpStream::connect(http.address()).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn requests_are_counted_over_all_its_lives() {
    let http = Http::bind(LOOPBACK).unwrap();
    let served = http.clone();
    let spec = ServiceSpec::new("http").restarts_on_request();
    let supervisor = Supervisor::builder("test").signals(false);
    let up = Up::beneath(http, supervisor.service(spec, move || served.clone())).await;
    up.get("/nothing").await;
    soon(up.handle.request_restart("http")).await.unwrap();
    let mut snapshots = up.handle.watch();
    let is_back = |now: &crate::lifecycle::Snapshot| {
        let http = &now.services[0];
        http.restarts == 1 && http.state == crate::lifecycle::ServiceState::Ready
    };
    soon(snapshots.wait_for(is_back)).await.unwrap();
    drop(snapshots);
    up.get("/nothing").await;
    up.stop();
    assert_eq!(up.end().await.fact("requests"), 2);
}
