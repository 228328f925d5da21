//! A web of pages on loopback, each with its own kind of trouble.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::bodies::{bomb, greek, japanese, russian};
use super::pdf::{locked_pdf, pdf};

/// What Brave's engine knows its customer by.
pub(super) const KEY: &str = "k-5e1f";

/// A server that ends with the test.
pub(super) struct Web {
    /// The host with the port.
    pub(super) host: String,
    article_reads: Arc<AtomicUsize>,
    /// What is at `/printed.pdf`.
    pub(super) printed: Arc<Mutex<Vec<u8>>>,
    _server: JoinSet<()>,
}

impl Web {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let article_reads = Arc::<AtomicUsize>::default();
        let printed = Arc::<Mutex<Vec<u8>>>::default();
        let routes = routes(&article_reads, Arc::clone(&printed));
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes).await.unwrap() });
        Self {
            host,
            article_reads,
            printed,
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

fn routes(article_reads: &Arc<AtomicUsize>, given: Arc<Mutex<Vec<u8>>>) -> Router {
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
        .route("/freezes", page("<title>Ice</title><button onclick='for (;;);'>Freeze</button>"))
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
        .route("/locked.pdf", get(|| async { typed([(CONTENT_TYPE, "application/pdf")], locked_pdf()) }))
        .route("/broken.pdf", get(|| async { typed([(CONTENT_TYPE, "application/pdf")], pdf("Half of it")[..300].to_vec()) }))
        .route("/printed.pdf", get(move || async move { typed([(CONTENT_TYPE, "application/pdf")], given.lock().unwrap().clone()) }))
        .route("/file", get(|| async { typed([(CONTENT_TYPE, "application/zip"), (CONTENT_DISPOSITION, "attachment")], "PK") }))
        .route("/deep", get(|| async { Html(format!("{}at the bottom", "<div>".repeat(10_000))) }))
        .route("/alert", page("<title>Alert</title><div id=app></div><script>alert('stop'); app.textContent = 'after the dialog'</script>"))
        .route("/japanese", get(|| async { typed([(CONTENT_TYPE, "text/html; charset=shift_jis")], japanese()) }))
        .route("/greek", get(|| async { typed([(CONTENT_TYPE, "text/html")], greek()) }))
        .route("/russian", get(|| async { typed([(CONTENT_TYPE, "text/html; charset=windows-1251")], russian()) }))
        .route("/missing", get(|| async { (StatusCode::NOT_FOUND, Html("<title>Gone</title><p>There is no tea here.")) }))
        .route("/moved", get(|| async { (StatusCode::FOUND, [(LOCATION, "/article")]) }))
        .route("/endless", get(endless))
        .route("/search", get(|| async { found().to_string() }))
        .route("/brave", get(brave))
        .route("/robots.txt", get(|| async { "User-agent: *\nDisallow: /private\n" }))
        .route("/into-private", get(|| async { Redirect::to("/private") }))
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

fn typed<const N: usize>(
    headers: [(HeaderName, &'static str); N],
    body: impl Into<Body>,
) -> impl IntoResponse {
    (headers, body.into())
}

async fn endless() -> impl IntoResponse {
    let line = Bytes::from("<p>All work and no play.\n".repeat(4096));
    let lines = std::iter::repeat_n(Ok::<_, Infallible>(line), 512);
    Html(Body::from_stream(tokio_stream::iter(lines)))
}

/// As SearXNG answers.
fn found() -> serde_json::Value {
    json!({ "query": "x", "results": [
        { "title": "On tea", "url": "https://tea.example/on", "content": "Tea is a drink." },
        { "title": "On milk", "url": "https://milk.example/", "content": "Milk is another." },
    ] })
}

/// As Brave's engine answers whom it knows.
async fn brave(headers: HeaderMap) -> Result<String, StatusCode> {
    let key = headers.get("X-Subscription-Token");
    if key.is_none_or(|key| key != KEY) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let result = json!({ "title": "On tea", "url": "https://tea.example/on", "description": "Tea is a drink." });
    Ok(json!({ "web": { "results": [result] } }).to_string())
}
