//! A real browser behind the guard, where names lead elsewhere from one moment to the next.

use std::io::Write;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;

use super::super::{Chromium, ChromiumSettings, PageError, installed};
use super::*;
use crate::features::browser::address::Lookup;

/// It is taken for a public one; the other is loopback like any other, and refused.
const FIRST: [u8; 4] = [127, 0, 0, 77];
const THEN: [u8; 4] = [127, 0, 0, 78];

/// A page that asks its own site for more, over another connection.
const PAGE: &str = "<p id=a>before<script>fetch('/secret').then(got => got.text()).then(text => a.textContent = text)</script>";

/// Counts who comes to an address, at the only port that every name may be reached at.
async fn site(address: [u8; 4], servers: &mut JoinSet<()>) -> std::io::Result<Arc<AtomicUsize>> {
    let listener = TcpListener::bind((IpAddr::from(address), 80)).await?;
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    let page = get(async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        ([("connection", "close")], Html(PAGE))
    });
    let counted = Arc::clone(&came);
    let secret = get(async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        "the secret"
    });
    let routes = Router::new().route("/", page).route("/secret", secret);
    servers.spawn(async { axum::serve(listener, routes).await.unwrap() });
    Ok(came)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_rebinds_leads_a_browser_nowhere() {
    let mut servers = JoinSet::new();
    let sites = (
        site(FIRST, &mut servers).await,
        site(THEN, &mut servers).await,
    );
    let (Ok(first), Ok(then), Some(_)) = (sites.0, sites.1, installed()) else {
        return skip("Chromium, or a port 80 that may be listened at");
    };
    // The name leads elsewhere as soon as the page is there.
    let served = Arc::clone(&first);
    let lookup: Lookup = Arc::new(move |_, port| {
        let address = match served.load(Ordering::SeqCst) {
            0 => FIRST,
            _ => THEN,
        };
        Box::pin(async move { Ok(vec![SocketAddr::new(address.into(), port)]) })
    });
    let class_of = |address| (address != IpAddr::from(FIRST)).then_some("a loopback");
    let settings = ChromiumSettings {
        // The test's own program confines nobody.
        confine: Some(Vec::new()),
        ..ChromiumSettings::default()
    };
    let guard = AddressGuard::with_lookup(Vec::new(), lookup).judging_by(class_of);
    let chromium = Chromium::guarded(settings, guard).unwrap();
    let page = chromium
        .dom(&"http://rebinding.test/".parse().unwrap())
        .await;
    let refused = page.unwrap_err();
    assert!(
        matches!(&refused, PageError::Forbidden(why) if why.contains("loopback")),
        "{refused}"
    );
    assert!(first.load(Ordering::SeqCst) > 0, "the page itself");
    assert_eq!(then.load(Ordering::SeqCst), 0);
}

/// As the tests of the program do.
fn skip(lacks: &str) {
    let text =
        format!("SKIPPED a_name_that_rebinds_leads_a_browser_nowhere: this machine lacks {lacks}");
    assert!(std::env::var("SUNDOWN_TEST_REQUIRE").is_err(), "{text}");
    let _ = writeln!(std::io::stderr(), "\n*** {text} ***\n");
}
