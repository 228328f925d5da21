//! Pages, each with its own kind of malice.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::bodies::{bomb, greek, japanese};

/// A server on loopback. Dropped, it ends.
pub(crate) struct Site {
    base: reqwest::Url,
    _server: JoinSet<()>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes()).await.unwrap() });
        Self {
            base: base.parse().unwrap(),
            _server: server,
        }
    }

    pub(crate) fn url(&self, path: &str) -> reqwest::Url {
        self.base.join(path).unwrap()
    }
}

fn routes() -> Router {
    let page = |html: &'static str| get(move || async move { Html(html) });
    Router::new()
        .route("/late", page("<!doctype html><p id=a>early<script>setTimeout(() => a.textContent = 'late', 1500)</script>"))
        .route("/loop", page("<p>before<script>for (;;);</script>"))
        .route("/alert", page("<p id=a>before<script>alert('x'); confirm('y'); a.textContent = 'after'</script>"))
        .route("/popup", page("<p id=a>here<script>window.open('/late')</script>"))
        .route("/green", page("<title>Green</title><body style='margin:0;background:#00ff00'><div style='height:3000px'>"))
        .route("/tall", page("<body style='margin:0'><div style='height:90000px'>"))
        .route("/hang", get(std::future::pending::<()>))
        .route("/waits", page("<p>here<script>fetch('/hang')</script>"))
        .route("/deep", get(|| async { Html(format!("{}deep", "<div>".repeat(10_000))) }))
        .route("/large", get(large))
        .route("/bomb", get(|| async { ([(CONTENT_ENCODING, "gzip"), (CONTENT_TYPE, "text/html")], bomb()).into_response() }))
        .route("/japanese", get(|| async { file([(CONTENT_TYPE, "text/html; charset=shift_jis")], japanese()) }))
        .route("/greek", get(|| async { file([(CONTENT_TYPE, "text/html")], greek()) }))
        .route("/moved", get(|| async { (StatusCode::FOUND, [(LOCATION, "/missing")]) }))
        .route("/missing", get(|| async { (StatusCode::NOT_FOUND, Html("<p>nothing here")) }))
        .route("/file", get(|| async { file([(CONTENT_DISPOSITION, "attachment")], "saved") }))
        .route("/picture", get(|| async { file([(CONTENT_TYPE, "image/png")], dot()) }))
        .route("/form", page(FORM))
        .route("/freezes", page("<p>here<button onclick='for(;;);'>Freeze</button>"))
}

const FORM: &str = "<title>Form</title><h1>Names</h1><p>Say a <b>name</b>.</p>
    <form onsubmit='event.preventDefault(); answer.textContent = \"Hello, \" + who.value + \" from \" + where_.value'>
    <label>Name <input id=who></label>
    <select id=where_ aria-label=Place><option value=here>Here</option><option value=there>There</option></select>
    <button>Greet</button></form><p id=answer></p><a href=/late target=_blank>Elsewhere</a>
    <p style='display:none'>hidden</p><div style='height:5000px'></div><p>Bottom</p>";

fn file(headers: [(HeaderName, &'static str); 1], body: impl Into<Body>) -> Response {
    (headers, body.into()).into_response()
}

/// 50 MB of text.
async fn large() -> Response {
    let line = Bytes::from("<p>All work and no play.\n".repeat(4096));
    let lines = std::iter::repeat_n(Ok::<_, Infallible>(line), 512);
    Html(Body::from_stream(tokio_stream::iter(lines))).into_response()
}

fn dot() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[255, 0, 0]).unwrap();
    drop(writer);
    bytes
}

/// Far longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);
