//! Real HTTP over loopback, which the tests' guard allows by name.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;
use crate::features::browser::address::{Lookup, Refused};

/// What the server says to a path: its pieces, with silence after them where it does not close.
#[derive(Clone)]
struct Page {
    bytes: Vec<u8>,
    /// How often the bytes are sent; after the first time without their head.
    repeated: (usize, Vec<u8>),
    closes: bool,
}

impl Page {
    fn new(head: &str, body: impl AsRef<[u8]>) -> Self {
        let mut bytes = head.replace('\n', "\r\n").into_bytes();
        bytes.extend(b"\r\n\r\n");
        bytes.extend(body.as_ref());
        let repeated = (0, Vec::new());
        Self {
            bytes,
            repeated,
            closes: true,
        }
    }

    fn html(body: impl AsRef<[u8]>) -> Self {
        Self::new("HTTP/1.1 200 OK\nContent-Type: text/html", body)
    }

    fn redirect(to: &str) -> Self {
        Self::new(
            &format!("HTTP/1.1 302 Found\nContent-Length: 0\nLocation: {to}"),
            "",
        )
    }

    fn repeating(mut self, times: usize, piece: Vec<u8>) -> Self {
        self.repeated = (times, piece);
        self
    }

    fn then_silent(mut self) -> Self {
        self.closes = false;
        self
    }
}

struct Site {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Site {
    async fn of(pages: impl FnOnce(u16) -> Vec<(&'static str, Page)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages: HashMap<_, _> = pages(address.port()).into_iter().collect();
        let (asked, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut serving = JoinSet::new();
        let (counted, poured) = (Arc::clone(&asked), Arc::clone(&sent));
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                connections.spawn(say(stream, pages.clone(), Arc::clone(&poured)));
            }
        });
        Self {
            address,
            asked,
            sent,
            _serving: serving,
        }
    }

    fn url(&self, path: &str) -> Url {
        let port = self.address.port();
        Url::parse(&format!("http://site.test:{port}{path}")).unwrap()
    }

    /// One that may reach this site by its name.
    fn fetcher(&self, limits: Limits) -> Fetcher {
        self.fetcher_by(limits, lookup(self.address.ip()))
    }

    fn fetcher_by(&self, limits: Limits, lookup: Lookup) -> Fetcher {
        let allowed = format!("site.test:{}", self.address.port());
        let guard = AddressGuard::with_lookup(vec![allowed.parse().unwrap()], lookup);
        Fetcher::new(guard, limits)
    }

    async fn fetch(&self, path: &str) -> Result<Fetched, FetchError> {
        self.fetcher(Limits::default()).fetch(&self.url(path)).await
    }
}

fn lookup(address: IpAddr) -> Lookup {
    Arc::new(move |_, port| Box::pin(async move { Ok(vec![SocketAddr::new(address, port)]) }))
}

async fn say(mut stream: TcpStream, pages: HashMap<&'static str, Page>, sent: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            // Somebody begins with TLS, which is not spoken here.
            Ok(0x16) => {
                return stream
                    .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    .await
                    .unwrap();
            }
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let Some(page) = pages.get(path) else {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        return;
    };
    if stream.write_all(&page.bytes).await.is_err() {
        return;
    }
    for _ in 0..page.repeated.0 {
        if stream.write_all(&page.repeated.1).await.is_err() {
            return;
        }
        sent.fetch_add(page.repeated.1.len(), Ordering::SeqCst);
    }
    if !page.closes {
        // Until the other side closes.
        let _ = stream.read_u8().await;
    }
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzipEncoder::new(Vec::new());
    packer.write_all(bytes).await.unwrap();
    packer.shutdown().await.unwrap();
    packer.into_inner()
}

#[tokio::test]
async fn a_page_is_fetched_with_what_is_said_of_it() {
    let head = "HTTP/1.1 200 OK\nContent-Type: Text/HTML; boundary=x; Charset=\"Windows-1251\"";
    let site = Site::of(|_| vec![("/page", Page::new(head, [0xcf, 0xf0, 0xe8]))]).await;
    let fetched = site.fetch("/page").await.unwrap();
    assert_eq!(fetched.url, site.url("/page"));
    assert_eq!(fetched.status, 200);
    assert_eq!(fetched.content_type, "text/html");
    assert_eq!(fetched.charset.as_deref(), Some("windows-1251"));
    assert_eq!(fetched.bytes, [0xcf, 0xf0, 0xe8]);
    assert!(!fetched.truncated && !fetched.downgraded);
}

#[tokio::test]
async fn a_missing_page_is_a_page_and_the_request_says_who_asks() {
    let site = Site::of(|_| Vec::new()).await;
    let fetched = site.fetch("/missing").await.unwrap();
    assert_eq!(fetched.status, 404);
    let request = String::from_utf8(fetched.bytes).unwrap().to_lowercase();
    assert!(request.contains("compatible; sundown/"), "{request}");
    assert!(
        request.contains("accept-encoding: gzip, deflate, br\r\n"),
        "{request}"
    );
    assert!(
        !request.contains("cookie") && !request.contains("referer"),
        "{request}"
    );
}

#[tokio::test]
async fn packed_pages_are_unpacked() {
    let text = b"a page that was packed ".repeat(50);
    let mut zlib = ZlibEncoder::new(Vec::new());
    zlib.write_all(&text).await.unwrap();
    zlib.shutdown().await.unwrap();
    let mut brotli = BrotliEncoder::new(Vec::new());
    brotli.write_all(&text).await.unwrap();
    brotli.shutdown().await.unwrap();
    let once = gzip(&text).await;
    let twice = gzip(&once).await;
    let page = |packing: &str, body: &[u8]| {
        Page::new(
            &format!("HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Encoding: {packing}"),
            body,
        )
    };
    let (zlib, brotli) = (zlib.into_inner(), brotli.into_inner());
    let site = Site::of(|_| {
        vec![
            ("/gzip", page("gzip", &once)),
            ("/deflate", page("deflate", &zlib)),
            ("/br", page("BR", &brotli)),
            ("/named", page("gzip, identity", &once)),
            ("/plain", page("identity", &text)),
            ("/twice", page("gzip, gzip", &twice)),
            ("/zstd", page("zstd", &text)),
            ("/broken", page("gzip", &once[..once.len() / 2])),
        ]
    })
    .await;
    for path in ["/gzip", "/deflate", "/br", "/named", "/plain"] {
        let fetched = site.fetch(path).await.unwrap();
        assert!(fetched.bytes == text && !fetched.truncated, "{path}");
    }
    for path in ["/twice", "/zstd"] {
        let refused = site.fetch(path).await.unwrap_err();
        assert!(matches!(refused, FetchError::Packing { .. }), "{refused}");
    }
    let broken = site.fetch("/broken").await.unwrap_err();
    assert!(matches!(broken, FetchError::Broken { .. }), "{broken}");
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_where_the_page_ends() {
    let bomb = gzip(&vec![0; 200 << 20]).await;
    let head = "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Encoding: gzip";
    let site = Site::of(|_| vec![("/bomb", Page::new(head, bomb))]).await;
    let fetched = site.fetch("/bomb").await.unwrap();
    assert!(fetched.truncated);
    assert_eq!(fetched.bytes.len(), 2 << 20);
    // A vector grows to twice of what it holds at most.
    assert!(fetched.bytes.capacity() <= 4 << 20);
}

#[tokio::test]
async fn what_is_packed_has_a_limit_too() {
    let head = "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Encoding: deflate";
    // Blocks with nothing in them, 100 MB of them.
    let nothing = [0, 0, 0, 0xff, 0xff].repeat(1 << 15);
    let page = Page::new(head, [0x78, 0x01]).repeating(640, nothing);
    let site = Site::of(|_| vec![("/nothing", page)]).await;
    let error = site.fetch("/nothing").await.unwrap_err();
    assert!(matches!(error, FetchError::Broken { .. }), "{error}");
    let sent = site.sent.load(Ordering::SeqCst);
    assert!(sent < 25 << 20, "{sent} bytes were sent");
}

#[tokio::test]
async fn what_cannot_be_packed_is_cut_like_any_other_page() {
    // Each number depends on all before it, and repeats none of them.
    let noise = std::iter::successors(Some(1_u64), |n| {
        Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1))
    });
    let noise: Vec<u8> = noise.take(4 << 20).map(|n| n.to_be_bytes()[0]).collect();
    let packed = gzip(&noise).await;
    assert!(packed.len() > noise.len());
    let head = "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Encoding: gzip";
    let site = Site::of(|_| vec![("/noise", Page::new(head, packed))]).await;
    let fetched = site.fetch("/noise").await.unwrap();
    assert!(fetched.truncated && fetched.bytes == noise[..2 << 20]);
}

#[tokio::test]
async fn a_page_of_50_mb_is_cut_and_the_rest_is_not_read() {
    let page = Page::html("").repeating(800, vec![b'x'; 1 << 16]);
    let site = Site::of(|_| vec![("/long", page)]).await;
    let fetched = site.fetch("/long").await.unwrap();
    assert!(fetched.truncated);
    assert_eq!(fetched.bytes.len(), 2 << 20);
    // What was sent beyond the limit is what fits between the two sides.
    let sent = site.sent.load(Ordering::SeqCst);
    assert!(sent < 25 << 20, "{sent} bytes were sent");
}

#[tokio::test]
async fn a_page_as_long_as_the_limit_is_whole() {
    let site = Site::of(|_| vec![("/", Page::html(vec![b'x'; 100]))]).await;
    for (bytes, truncated) in [(99, true), (100, false), (101, false)] {
        let limits = Limits {
            bytes,
            ..Limits::default()
        };
        let fetched = site.fetcher(limits).fetch(&site.url("/")).await.unwrap();
        assert_eq!(
            (fetched.bytes.len(), fetched.truncated),
            (bytes.min(100), truncated)
        );
    }
}

#[tokio::test]
async fn a_pdf_has_a_limit_of_its_own() {
    let head = "HTTP/1.1 200 OK\nContent-Type: application/pdf";
    let site = Site::of(|_| vec![("/", Page::new(head, vec![b'x'; 3 << 20]))]).await;
    let fetched = site.fetch("/").await.unwrap();
    assert_eq!((fetched.bytes.len(), fetched.truncated), (3 << 20, false));
}

#[tokio::test]
async fn a_server_that_is_silent_or_trickles_is_given_up() {
    let trickle = Page::html("a beginning").then_silent();
    let half_a_head = Page {
        bytes: b"HTTP/1.1 200 OK\r\nContent-".to_vec(),
        ..Page::html("").then_silent()
    };
    let silent = Page {
        bytes: Vec::new(),
        ..half_a_head.clone()
    };
    let site = Site::of(|_| {
        vec![
            ("/silent", silent),
            ("/head", half_a_head),
            ("/body", trickle),
        ]
    })
    .await;
    let total = Duration::from_millis(300);
    let limits = Limits {
        total,
        ..Limits::default()
    };
    for path in ["/silent", "/head", "/body"] {
        let began = Instant::now();
        let error = site
            .fetcher(limits)
            .fetch(&site.url(path))
            .await
            .unwrap_err();
        assert!(
            matches!(error, FetchError::TimedOut { .. }),
            "{path}: {error}"
        );
        assert!(began.elapsed() < Duration::from_secs(5), "{path}");
    }
}

#[tokio::test]
async fn redirects_are_followed_five_times() {
    let site = Site::of(|port| {
        vec![
            ("/loop", Page::redirect("/loop")),
            ("/1", Page::redirect("2")),
            ("/2", Page::redirect(&format!("//site.test:{port}/3"))),
            ("/3", Page::redirect("/4?x#y")),
            ("/4?x", Page::redirect("/5")),
            ("/5", Page::redirect(&format!("http://site.test:{port}/6"))),
            ("/6", Page::html("here")),
            ("/0", Page::redirect("/1")),
            ("/nowhere", Page::redirect("http://[")),
        ]
    })
    .await;
    let fetched = site.fetch("/1").await.unwrap();
    assert_eq!(
        (fetched.url, fetched.bytes),
        (site.url("/6"), b"here".to_vec())
    );
    assert!(matches!(
        site.fetch("/0").await,
        Err(FetchError::Redirects { limit: 5 })
    ));
    let before = site.asked.load(Ordering::SeqCst);
    assert!(matches!(
        site.fetch("/loop").await,
        Err(FetchError::Redirects { limit: 5 })
    ));
    assert_eq!(site.asked.load(Ordering::SeqCst) - before, 6);
    assert!(matches!(
        site.fetch("/nowhere").await,
        Err(FetchError::Nowhere { .. })
    ));
}

#[tokio::test]
async fn each_redirect_is_checked_although_the_first_host_is_allowed() {
    let site = Site::of(|port| {
        vec![
            (
                "/literal",
                Page::redirect(&format!("http://127.0.0.1:{port}/secret")),
            ),
            ("/plain", Page::redirect("http://127.0.0.1/secret")),
            ("/number", Page::redirect("http://2130706433/secret")),
            ("/name", Page::redirect("http://other.test/secret")),
            ("/file", Page::redirect("file:///etc/passwd")),
            (
                "/user",
                Page::redirect(&format!("http://me@site.test:{port}/secret")),
            ),
            ("/secret", Page::html("secret")),
        ]
    })
    .await;
    for path in ["/literal", "/plain", "/number", "/name", "/file", "/user"] {
        let error = site.fetch(path).await.unwrap_err();
        assert!(matches!(error, FetchError::Refused(_)), "{path}: {error}");
    }
    assert_eq!(site.asked.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_resolver_that_rebinds_is_asked_once_and_connected_to_as_it_was_checked() {
    let site = Site::of(|_| vec![("/", Page::html("secret"))]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let loopback = site.address.ip();
    // An address where nothing listens, then the one that it is all about.
    let rebinding: Lookup = Arc::new(move |_, port| {
        let address = match counted.fetch_add(1, Ordering::SeqCst) {
            0 => IpAddr::from([127, 0, 0, 2]),
            _ => loopback,
        };
        Box::pin(async move { Ok(vec![SocketAddr::new(address, port)]) })
    });
    let limits = Limits {
        total: Duration::from_secs(1),
        ..Limits::default()
    };
    let fetcher = site.fetcher_by(limits, rebinding);
    let missed = fetcher.fetch(&site.url("/")).await.unwrap_err();
    assert!(matches!(missed, FetchError::Connect { .. }), "{missed}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(site.asked.load(Ordering::SeqCst), 0);
    // The second time it leads here, at a port and under a name that are allowed; under another name it does not.
    assert!(fetcher.fetch(&site.url("/")).await.is_ok());
    let other = Url::parse("http://rebinding.test/").unwrap();
    let refused = fetcher.fetch(&other).await.unwrap_err();
    assert!(
        matches!(refused, FetchError::Refused(Refused::Address { .. })),
        "{refused}"
    );
    assert_eq!(site.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_no_text_is_refused_by_its_type() {
    let head = "HTTP/1.1 200 OK\nContent-Disposition: attachment\nContent-Type: application/zip";
    let site = Site::of(|_| {
        vec![
            ("/zip", Page::new(head, "PK")),
            (
                "/none",
                Page::new("HTTP/1.1 200 OK\nContent-Length: 1", "x"),
            ),
            (
                "/json",
                Page::new("HTTP/1.1 200 OK\nContent-Type: application/ld+json", "{}"),
            ),
            (
                "/error",
                Page::new("HTTP/1.1 502 Bad Gateway\nContent-Type: image/png", "PNG"),
            ),
        ]
    })
    .await;
    let refused = site.fetch("/zip").await.unwrap_err().to_string();
    assert!(refused.contains("application/zip"), "{refused}");
    let refused = site.fetch("/none").await.unwrap_err().to_string();
    assert!(refused.contains("no type"), "{refused}");
    assert_eq!(site.fetch("/json").await.unwrap().bytes, b"{}");
    let failed = site.fetch("/error").await.unwrap();
    assert_eq!((failed.status, failed.bytes.len()), (502, 0));
}

#[tokio::test]
async fn what_went_wrong_is_told_without_the_address() {
    let cut = "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 10";
    let noise = Page {
        bytes: b"220 mail.test ready\r\n".to_vec(),
        ..Page::html("")
    };
    let site = Site::of(|_| {
        vec![
            ("/cut?secret", Page::new(cut, "abc")),
            ("/noise?secret", noise),
        ]
    })
    .await;
    for path in ["/cut?secret", "/noise?secret"] {
        let error = site.fetch(path).await.unwrap_err();
        assert!(
            matches!(error, FetchError::Broken { .. }),
            "{path}: {error}"
        );
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let mut secure = site.url("/?secret");
    secure.set_scheme("https").unwrap();
    let error = site
        .fetcher(Limits::default())
        .fetch(&secure)
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error:?}");
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut url = site.url("/?secret");
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    url.set_port(Some(port)).unwrap();
    let allowed = format!("site.test:{port}").parse().unwrap();
    let guard = AddressGuard::with_lookup(vec![allowed], lookup(site.address.ip()));
    let error = Fetcher::new(guard, Limits::default())
        .fetch(&url)
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }), "{error:?}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let guard = AddressGuard::with_lookup(
        Vec::new(),
        Arc::new(|_, _| Box::pin(async { Err(ErrorKind::NotFound.into()) })),
    );
    let url = Url::parse("http://missing.test/").unwrap();
    let error = Fetcher::new(guard, Limits::default())
        .fetch(&url)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FetchError::Refused(Refused::Unknown { .. })),
        "{error}"
    );
}
