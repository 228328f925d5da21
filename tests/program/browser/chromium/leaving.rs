//! Pages that stay open: left although they would not be, and heard while nobody takes a step.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::sessions::{number, quick, with_sessions};
use super::site::LONG;
use super::support::Lab;

const CHAT: i128 = 7;

/// It asks whether it may be left, once something in it was clicked on.
const CLINGS: &str = "<title>Clings</title><button>Click</button><script>onbeforeunload = (event) => { \
    event.preventDefault(); event.returnValue = 'stay'; }</script>";

/// After three seconds it opens a dialog, and when that is closed it tells its server.
const ASKS: &str = "<title>Asks</title><p>here<script>setTimeout(() => { alert('?'); fetch('/closed'); }, 3000)</script>";

/// Its address, and what comes when the dialog was closed.
async fn site() -> (Url, UnboundedReceiver<()>, JoinSet<()>) {
    let (closed, closes) = unbounded_channel();
    let routes = Router::new()
        .route("/clings", get(async || Html(CLINGS)))
        .route("/asks", get(async || Html(ASKS)))
        .route(
            "/closed",
            get(async move || {
                closed.send(()).unwrap();
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async { axum::serve(listener, routes).await.unwrap() });
    (base.parse().unwrap(), closes, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_would_not_be_left_is_left() {
    let Some(lab) = Lab::new("a_page_that_would_not_be_left_is_left", |_| {}) else {
        return;
    };
    let (site, _, _server) = site().await;
    with_sessions(&lab, quick(), async |steps| {
        let page = steps.open(CHAT, site.join("/clings").unwrap()).await;
        let button = number(&page.unwrap().text, "button");
        steps.click(CHAT, button).await.unwrap();
        let page = steps.open(CHAT, site.join("/asks").unwrap()).await;
        assert_eq!(page.unwrap().title, "Asks");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_is_closed_although_nobody_takes_a_step() {
    let Some(lab) = Lab::new("a_dialog_is_closed_although_nobody_takes_a_step", |_| {}) else {
        return;
    };
    let (site, mut closes, _server) = site().await;
    with_sessions(&lab, quick(), async |steps| {
        steps.open(CHAT, site.join("/asks").unwrap()).await.unwrap();
        timeout(LONG, closes.recv()).await.expect("it stands open");
        steps.look(CHAT).await.unwrap();
    })
    .await;
}
