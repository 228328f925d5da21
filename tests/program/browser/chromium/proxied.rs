//! Nothing goes past the proxy.

use std::net::UdpSocket;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::site::Site;
use super::support::Lab;

#[tokio::test(flavor = "multi_thread")]
async fn all_requests_go_through_the_proxy_and_no_call_goes_past_it() {
    // A proxy that answers itself, with a page that tries another way.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let site = Site::start().await;
    let page = format!(
        "<p id=a>the proxy's</p><script>
         const call = new RTCPeerConnection({{ iceServers: [{{ urls: 'stun:{}' }}] }});
         call.createDataChannel('x');
         call.createOffer().then((offer) => call.setLocalDescription(offer));
         // The clock stands still while this is under way, and time goes by for the call.
         fetch('/hang');
         fetch('{}', {{ mode: 'no-cors' }});
         </script>",
        stranger.local_addr().unwrap(),
        site.url("/late"),
    );
    let answer = Router::new()
        .route("/hang", get(std::future::pending::<()>))
        .fallback(move || async move { Html(page) });
    let mut server = JoinSet::new();
    server.spawn(async { axum::serve(listener, answer).await.unwrap() });
    let Some(lab) = Lab::new("all_requests_go_through_the_proxy", |settings| {
        settings.proxy = Some(proxy);
        settings.settle_within = Duration::from_secs(3);
    }) else {
        return;
    };
    for url in [
        site.url("/late"),
        "http://nowhere.invalid/".parse().unwrap(),
    ] {
        let page = lab.chromium.dom(&url).await.unwrap();
        assert!(page.html.contains("the proxy's"), "{}", page.html);
    }
    assert!(
        stranger.recv(&mut [0; 64]).is_err(),
        "a call went past the proxy"
    );
}
