//! Web pages read from within the unit's sandbox: over plain HTTP as it is, in a browser with the drop-in for that.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::instance::Instance;
use crate::lab::lab;
use crate::support::{Server, skip};

/// Its second paragraph is there once its script has run.
const PAGE: &str = "<!doctype html><title>On tea</title><article><p>Tea is a drink that is made by pouring hot water over \
    leaves.</p><p id=more></p></article><script>more.textContent = 'It is ' + 'hot.'</script>";

/// The page's address, with the port of a server that ends with the other.
async fn page() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let mut server = JoinSet::new();
    let routes = Router::new().route("/tea", get(|| async { Html(PAGE) }));
    server.spawn(async { axum::serve(listener, routes).await.unwrap() });
    (host, server)
}

#[tokio::test]
async fn a_page_is_read_within_the_units_sandbox() {
    let Some(lab) = lab("a_page_is_read_within_the_units_sandbox") else {
        return;
    };
    let (server, (host, _web)) = (Server::start().await, page().await);
    let bot = Instance::new(lab, "reads", &server.url, &allow(&host));
    bot.start();
    server.say(7, &format!("/read http://{host}/tea")).await;
    let answer = server.wait_for_answers(7, 1).await.remove(0);
    assert!(answer.contains("read by plain HTTP"), "{answer}");
    assert!(answer.contains("pouring hot water"), "{answer}");
}

#[tokio::test]
async fn a_browser_reads_a_page_with_its_drop_in() {
    let test = "a_browser_reads_a_page_with_its_drop_in";
    let Some(lab) = lab(test) else { return };
    if !std::path::Path::new("/usr/bin/chromium").exists() {
        return skip(test, "Debian's chromium");
    }
    let (server, (host, _web)) = (Server::start().await, page().await);
    let install = ["sundown", "systemd", "install", "browse"];
    lab.run(&[&install[..], &["--drop-in", "chromium"]].concat());
    lab.reload_units();
    let bot = Instance::new(lab, "browse", &server.url, &allow(&host));
    bot.start();
    server
        .say(7, &format!("/read http://{host}/tea browser"))
        .await;
    let answer = server.wait_for_answers(7, 1).await.remove(0);
    assert!(answer.contains("read by Chromium"), "{answer}");
    assert!(answer.contains("It is hot."), "{answer}");
    bot.systemctl(&["stop"]);
    bot.assert_ended("inactive dead", "success", "0");
}

fn allow(host: &str) -> String {
    format!("[browser]\nallow = [\"{host}\"]\n")
}
