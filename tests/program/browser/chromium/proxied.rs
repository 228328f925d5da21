//! Pages through a proxy.

use axum::Router;
use axum::response::Html;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::site::Site;
use super::support::Lab;

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_come_through_the_proxy_those_on_loopback_too() {
    // A proxy that answers itself, whatever it is asked for.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let answer = Router::new().fallback(async || Html("the proxy's"));
    let mut server = JoinSet::new();
    server.spawn(async { axum::serve(listener, answer).await.unwrap() });
    let Some(lab) = Lab::new("all_pages_come_through_the_proxy", |settings| {
        settings.proxy = Some(proxy);
    }) else {
        return;
    };
    let site = Site::start().await;
    for url in [
        site.url("/late"),
        "http://nowhere.invalid/".parse().unwrap(),
    ] {
        let page = lab.chromium.dom(&url).await.unwrap();
        assert!(page.html.contains("the proxy's"), "{}", page.html);
    }
}
