//! A web of pages on loopback, each with its own kind of trouble.

use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A server that ends with the test.
pub(super) struct Web {
    /// The host with the port.
    pub(super) host: String,
    article_reads: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl Web {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let article_reads = Arc::<AtomicUsize>::default();
        let routes = routes(&article_reads);
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes).await.unwrap() });
        Self {
            host,
            article_reads,
            _server: server,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// How often the article was fetched.
    pub(super) fn article_reads(&self) -> usize {
        self.article_reads.load(Ordering::SeqCst)
    }
}

fn routes(article_reads: &Arc<AtomicUsize>) -> Router {
    let page = |html: &'static str| get(move || async move { Html(html) });
    let reads = Arc::clone(article_reads);
    let article = get(move || async move {
        reads.fetch_add(1, Ordering::SeqCst);
        Html(ARTICLE)
    });
    Router::new()
        .route("/article", article)
        .route("/app", page(APP))
        .route("/loop", page("<div id=app></div><script>for (;;);</script>"))
        .route("/picture", page("<title>Cups</title><img src=/cup.png>"))
        .route("/green", page("<title>Green</title><body style='margin:0;background:#00ff00'><div style='height:3000px'>"))
        .route("/tall", page("<title>Tall</title><body style='margin:0'><div style='height:9500px'>"))
        .route("/form", page("<title>Form</title><form onsubmit='event.preventDefault(); said.textContent = \"Hello, \" + who.value'><label>Name <input id=who></label><button>Greet</button></form><p id=said></p>"))
        .route("/long", get(|| async { Html(long()) }))
        .route("/away", get(|| async { Redirect::to("http://127.0.0.1/secret") }))
        .route("/within", get(|| async { Html("<div id=app></div><script>location = 'http://127.0.0.1/secret'</script>") }))
        .route("/hang", get(std::future::pending::<()>))
        .route("/bomb", get(|| async { typed([(CONTENT_ENCODING, "gzip"), (CONTENT_TYPE, "text/html")], bomb()) }))
        .route("/report.pdf", get(|| async { typed([(CONTENT_TYPE, "application/pdf")], pdf("Boiling water")) }))
        .route("/russian", get(|| async { typed([(CONTENT_TYPE, "text/html; charset=windows-1251")], russian()) }))
        .route("/missing", get(|| async { (StatusCode::NOT_FOUND, Html("<title>Gone</title><p>There is no tea here.")) }))
        .route("/moved", get(|| async { (StatusCode::FOUND, [(LOCATION, "/article")]) }))
        .route("/endless", get(endless))
        .route("/search", get(|| async { found().to_string() }))
        .route("/robots.txt", get(|| async { "User-agent: *\nDisallow: /private\n" }))
        .route("/private", page("<title>Private</title><p>Nobody's business."))
}

const ARTICLE: &str = "<!doctype html><html lang=en><title>On tea</title><nav><a href=/>Home</a></nav><article><h1>On tea</h1>
    <p>Tea is a drink that is made by pouring hot water over the leaves of a shrub, which come from the mountains of Asia.</p>
    <p>It is drunk <b>hot</b>, and some add <a href=/milk>milk</a>, sugar or lemon to it, which others think is a pity.</p>
    <p>Green tea is brewed with cooler water than black tea, and for a shorter time, or else it becomes bitter and dull.</p></article>";

/// Empty until its script has run.
const APP: &str = "<!doctype html><title>App</title><noscript>You need to enable JavaScript to run this app.</noscript><div id=root></div>
    <script>setTimeout(() => { root.innerHTML = '<article><h1>Menu</h1><p>Today there is oolong, sencha and a lapsang that smells of smoke.</p></article>'; }, 1500)</script>";

fn long() -> String {
    let paragraph =
        "<p>All work and no tea makes anybody a dull reader of long pages, as is well known.</p>";
    format!(
        "<title>Long</title><article>{}</article>",
        paragraph.repeat(200)
    )
}

fn russian() -> Vec<u8> {
    // "Чай" in windows-1251.
    let mut page = b"<title>\xd7\xe0\xe9</title><article><p>".to_vec();
    page.extend(b"\xd7\xe0\xe9 \xe3\xee\xf0\xff\xf7\xe8\xe9. ".repeat(40));
    page
}

fn typed<const N: usize>(
    headers: [(HeaderName, &'static str); N],
    body: impl Into<Body>,
) -> impl IntoResponse {
    (headers, body.into())
}

/// 20 MB of text in 20 kB.
fn bomb() -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .arg("-9")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        stdin.write_all(b"<title>Bomb</title><article><p>").unwrap();
        let line = "boom and again ".repeat(70_000);
        for _ in 0..20 {
            stdin.write_all(line.as_bytes()).unwrap();
        }
    });
    let packed = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    packed
}

async fn endless() -> impl IntoResponse {
    let line = Bytes::from("<p>All work and no play.\n".repeat(4096));
    let lines = std::iter::repeat_n(Ok::<_, Infallible>(line), 512);
    Html(Body::from_stream(tokio_stream::iter(lines)))
}

/// A document of one page with one line.
fn pdf(text: &str) -> Vec<u8> {
    let stream = format!("BT /F1 24 Tf 72 700 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let (mut file, mut places) = (String::from("%PDF-1.4\n"), Vec::new());
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let table = file.len();
    file += "xref\n0 6\n0000000000 65535 f \n";
    for place in places {
        file += &format!("{place:010} 00000 n \n");
    }
    file += &format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    file.into_bytes()
}

/// As SearXNG answers.
fn found() -> serde_json::Value {
    json!({ "query": "x", "results": [
        { "title": "On tea", "url": "https://tea.example/on", "content": "Tea is a drink." },
        { "title": "On milk", "url": "https://milk.example/", "content": "Milk is another." },
    ] })
}
