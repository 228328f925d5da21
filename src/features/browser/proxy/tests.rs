//! Clients that speak to the proxy as Chromium does, and as others might.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::*;
use crate::features::browser::address::Lookup;

/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A site, and a proxy that may reach it as `site.test`.
struct Lab {
    site: SocketAddr,
    proxy: Arc<Proxy>,
    asked: Arc<AtomicUsize>,
    running: JoinSet<()>,
}

impl Lab {
    async fn new(limits: Limits) -> Self {
        Self::leading_to(limits, &[IpAddr::from(Ipv4Addr::LOCALHOST)]).await
    }

    /// Names lead to these addresses in turn, and then to the last of them.
    async fn leading_to(limits: Limits, addresses: &[IpAddr]) -> Self {
        let router = Router::new()
            .route("/", get(async || "hello"))
            .route("/echo", post(async |body: String| body))
            .route("/long", get(async || vec![b'x'; 4 << 20]))
            .route("/never", get(std::future::pending::<String>));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let site = listener.local_addr().unwrap();
        let mut running = JoinSet::new();
        running.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, addresses) = (Arc::clone(&asked), addresses.to_vec());
        let lookup: Lookup = Arc::new(move |_, port| {
            let turn = counted.fetch_add(1, Ordering::SeqCst);
            let address = addresses[turn.min(addresses.len() - 1)];
            Box::pin(async move { Ok(vec![SocketAddr::new(address, port)]) })
        });
        let allowed = format!("site.test:{}", site.port()).parse().unwrap();
        let guard = AddressGuard::with_lookup(vec![allowed], lookup);
        let proxy = Arc::new(Proxy::bind(guard, limits).await.unwrap());
        let served = Arc::clone(&proxy);
        running.spawn(async move { served.run().await });
        Self {
            site,
            proxy,
            asked,
            running,
        }
    }

    fn client(&self) -> reqwest::Client {
        let proxy = reqwest::Proxy::all(format!("http://{}", self.proxy.address())).unwrap();
        reqwest::Client::builder().proxy(proxy).build().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://site.test:{}{path}", self.site.port())
    }

    async fn connection(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address()).await.unwrap()
    }

    /// The head and the body of the answer to these bytes, until the proxy closes.
    async fn say(&self, text: &str) -> String {
        let mut stream = self.connection().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        read.expect("it closes").ok();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Reads until the end of a head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, stream.read_u8()).await.unwrap();
        head.push(byte.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn pages_without_tls_are_passed_on_and_several_on_a_connection() {
    let lab = Lab::new(Limits::default()).await;
    let client = lab.client();
    for _ in 0..3 {
        let answer = client.get(lab.url("/")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "hello");
    }
    let echo = client.post(lab.url("/echo")).body("a body");
    assert_eq!(echo.send().await.unwrap().text().await.unwrap(), "a body");
    let counts = lab.proxy.counts();
    assert_eq!((counts.requests, counts.refused), (4, 0));
    assert!(counts.bytes > 0 && !counts.is_used_up);
}

#[tokio::test]
async fn a_tunnel_passes_bytes_in_both_directions() {
    let lab = Lab::new(Limits::default()).await;
    let mut stream = lab.connection().await;
    let port = lab.site.port();
    let text = format!("CONNECT site.test:{port} HTTP/1.1\r\nHost: site.test:{port}\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 200"));
    let text = "GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n";
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.unwrap().unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn what_the_guard_refuses_is_403_with_the_reason() {
    let lab = Lab::new(Limits::default()).await;
    let port = lab.site.port();
    let close = "Connection: close\r\n\r\n";
    for line in [
        format!("CONNECT 127.0.0.1:{port} HTTP/1.1"),
        "CONNECT 127.0.0.1:443 HTTP/1.1".to_owned(),
        "CONNECT 0x7f.1:443 HTTP/1.1".to_owned(),
        "CONNECT [::1]:443 HTTP/1.1".to_owned(),
        "CONNECT other.test:443 HTTP/1.1".to_owned(),
        "CONNECT 8.8.8.8:25 HTTP/1.1".to_owned(),
        "GET http://127.0.0.1/ HTTP/1.1".to_owned(),
        "GET http://169.254.169.254/latest/ HTTP/1.1".to_owned(),
        "GET http://other.test/ HTTP/1.1".to_owned(),
        format!("GET http://site.test:{}/ HTTP/1.1", port ^ 1),
    ] {
        let answer = lab
            .say(&format!("{line}\r\nHost: site.test:{port}\r\n{close}"))
            .await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{line}: {answer}");
    }
    let counts = lab.proxy.counts();
    assert_eq!((counts.requests, counts.refused), (10, 10));
    assert!(counts.refusals[0].contains("127.0.0.1"), "{counts:?}");
}

#[tokio::test]
async fn what_is_not_asked_of_a_proxy_is_not_answered() {
    let lab = Lab::new(Limits::default()).await;
    let port = lab.site.port();
    for line in [
        "GET / HTTP/1.1".to_owned(),
        format!("GET https://site.test:{port}/ HTTP/1.1"),
        "GET ftp://site.test/ HTTP/1.1".to_owned(),
    ] {
        let text = format!("{line}\r\nHost: site.test:{port}\r\nConnection: close\r\n\r\n");
        let answer = lab.say(&text).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{line}: {answer}");
    }
}

#[tokio::test]
async fn a_resolver_that_rebinds_leads_only_to_what_was_checked() {
    // Nothing listens at the first one; a second lookup would lead to the site.
    let addresses = [IpAddr::from([127, 0, 0, 2]), IpAddr::from([127, 0, 0, 1])];
    for line in ["CONNECT site.test:PORT", "GET http://site.test:PORT/"] {
        let lab = Lab::leading_to(Limits::default(), &addresses).await;
        let line = line.replace("PORT", &lab.site.port().to_string());
        let text = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = lab.say(&text).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
        assert_eq!(lab.asked.load(Ordering::SeqCst), 1);
        let mut stream = lab.connection().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        assert!(head(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn after_the_last_byte_that_a_page_may_take_its_connections_are_closed() {
    let bytes = 1 << 20;
    let lab = Lab::new(Limits {
        bytes,
        ..Limits::default()
    })
    .await;
    let answer = lab.client().get(lab.url("/long")).send().await.unwrap();
    assert!(answer.bytes().await.is_err());
    let counts = lab.proxy.counts();
    assert!(counts.is_used_up);
    // A write that is under way is counted when it is over.
    assert!(counts.bytes < 2 * bytes, "{}", counts.bytes);
}

#[tokio::test]
async fn another_page_in_the_same_browser_begins_anew() {
    let lab = Lab::new(Limits {
        bytes: 5 << 20,
        ..Limits::default()
    })
    .await;
    let refused = "GET http://other.test/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for _ in 0..20 {
        lab.say(refused).await;
    }
    for _ in 0..3 {
        let answer = lab.client().get(lab.url("/long")).send().await.unwrap();
        assert_eq!(answer.bytes().await.unwrap().len(), 4 << 20);
        assert!(!lab.proxy.counts().is_used_up);
        lab.proxy.begin();
        assert_eq!(lab.proxy.counts().refusals, Vec::<String>::new());
    }
    lab.say(&refused.replace("other", "another")).await;
    let refusals = lab.proxy.counts().refusals;
    assert!(refusals[0].contains("another.test"), "{refusals:?}");
}

#[tokio::test]
async fn a_connection_on_which_nothing_passes_is_closed() {
    let idle = Duration::from_millis(200);
    let lab = Lab::new(Limits {
        idle,
        ..Limits::default()
    })
    .await;
    assert!(lab.client().get(lab.url("/never")).send().await.is_err());
    assert_eq!(lab.say("").await, "");
    let port = lab.site.port();
    let tunnel = format!("CONNECT site.test:{port} HTTP/1.1\r\nHost: site.test\r\n\r\n");
    assert!(lab.say(&tunnel).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_does_not_last_for_ever_whatever_passes() {
    let total = Duration::from_millis(300);
    let lab = Lab::new(Limits {
        total,
        ..Limits::default()
    })
    .await;
    let began = Instant::now();
    assert!(lab.client().get(lab.url("/never")).send().await.is_err());
    assert!(began.elapsed() >= total);
}

#[tokio::test]
async fn dropping_it_closes_every_connection_at_once() {
    let mut lab = Lab::new(Limits::default()).await;
    let mut stream = lab.connection().await;
    let port = lab.site.port();
    let tunnel = format!("CONNECT site.test:{port} HTTP/1.1\r\nHost: site.test\r\n\r\n");
    stream.write_all(tunnel.as_bytes()).await.unwrap();
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 200"));
    lab.running.shutdown().await;
    let end = timeout(PATIENCE, stream.read_u8())
        .await
        .expect("it is closed");
    assert!(end.is_err());
}
