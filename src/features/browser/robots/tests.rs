//! The standard's examples, and sites that answer, fail and change their mind.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::address::{AddressGuard, Lookup};
use super::super::fetch::Limits;
use super::*;

fn allows(text: &str, path: &str) -> bool {
    let url = Url::parse(&format!("http://site.test{path}")).unwrap();
    Rules::read(text.as_bytes(), PRODUCT).allow(&url)
}

#[test]
fn the_group_that_names_us_counts_and_otherwise_the_one_for_all() {
    let text = "User-agent: *\nDisallow: /\n\nUser-Agent: SunDown/2.0\nDisallow: /private # ours\n\
        Sitemap: http://site.test/map\n\nuser-agent: other\nuser-agent: sundown\ndisallow: /both\n";
    assert!(allows(text, "/page"));
    assert!(!allows(text, "/private/page"));
    assert!(!allows(text, "/both"));
    assert!(!allows(
        "User-agent: *\nDisallow: /\nUser-agent: other\nAllow: /",
        "/page"
    ));
    assert!(allows("User-agent: sundowner\nDisallow: /", "/page"));
    // A group of ours without a rule lets us fetch everything.
    assert!(allows(
        "User-agent: *\nDisallow: /\nUser-agent: sundown\nDisallow:",
        "/page"
    ));
    assert!(!allows("\u{feff}user-agent : *\r\ndisallow : /\r", "/page"));
    assert!(allows("User-agent: *\nDisallow: /", "/robots.txt"));
    assert!(allows("Disallow: /", "/page"));
    assert!(allows("", "/page"));
    assert!(allows("<html>no such page</html>", "/page"));
}

#[test]
fn the_longest_rule_decides_and_stars_and_ends_are_understood() {
    for (rules, path, is_allowed) in [
        ("disallow: /\nallow: /page", "/page", true),
        ("allow: /page\ndisallow: /*.html", "/page.html", false),
        ("allow: /page\ndisallow: /page", "/page", true),
        ("disallow: /*.gif$", "/a.gif", false),
        ("disallow: /*.gif$", "/a.gif?x", true),
        ("disallow: /a*b*c", "/a-b-c-d", false),
        ("disallow: /a*b*c", "/a-c-b", true),
        ("disallow: /x$", "/x", false),
        ("disallow: /x$", "/xy", true),
        ("disallow: /fish*", "/fish", false),
        ("disallow: /*?id=", "/page?id=1", false),
        ("disallow: /%7Ejoe", "/~joe", false),
        ("disallow: /ä", "/%c3%a4", false),
        ("disallow: /%e4%B8%80", "/一", false),
        ("disallow: /a%2fb", "/a/b", true),
        ("disallow: /*a*a$", "/a", true),
        // RFC 9309: 2.2.2, 2.2.3 and 5.2.
        ("disallow: /foo/bar/ツ", "/foo/bar/%E3%83%84", false),
        ("disallow: /foo/bar/%E3%83%84", "/foo/bar/ツ", false),
        ("disallow: /foo/bar/%62%61%7A", "/foo/bar/baz", false),
        ("disallow: /this/*/exactly", "/this/and/that/exactly", false),
        (
            "disallow: /allow/this/exactly$",
            "/allow/this/exactly/not",
            true,
        ),
        ("disallow: /with-a-%2A.html", "/with-a-*.html", false),
        ("disallow: /with-a-%2A.html", "/with-a-b.html", true),
        ("disallow: /foo-%24", "/foo-$", false),
        (
            "allow: /example/page/\ndisallow: /example/page/disallowed.gif",
            "/example/page/disallowed.gif",
            false,
        ),
        (
            "allow: /example/page/\ndisallow: /example/page/disallowed.gif",
            "/example/page/",
            true,
        ),
    ] {
        let text = format!("user-agent: *\n{rules}");
        assert_eq!(allows(&text, path), is_allowed, "{rules} {path}");
    }
}

#[test]
fn half_a_megabyte_of_stars_is_no_trouble() {
    let line = format!("disallow: /{}x$\n", "*a".repeat(500));
    let text = format!("user-agent: *\n{}", line.repeat(500));
    assert!(allows(&text, &format!("/{}", "a".repeat(4_000))));
}

#[test]
fn no_more_rules_are_kept_than_a_path_can_be_held_against() {
    let lines = (0..2 * rules::RULES).map(|number| format!("disallow: /{number}$\n"));
    let text = format!("user-agent: *\n{}", lines.collect::<String>());
    assert!(!allows(&text, "/999"));
    assert!(allows(&text, "/1000"));
    // Bytes count as well: the second one has no room any more.
    let stars = "*".repeat(40 << 10);
    let text = format!("user-agent: *\ndisallow: /a{stars}\ndisallow: /b{stars}\ndisallow: /c");
    assert!(!allows(&text, "/a") && !allows(&text, "/c"));
    assert!(allows(&text, "/b"));
}

#[test]
fn a_path_that_is_too_long_is_allowed_only_where_there_is_no_rule() {
    let path = format!("/{}", "x".repeat(rules::PATH_BYTES));
    assert!(!allows("user-agent: *\nallow: /", &path));
    assert!(allows(
        "user-agent: *\nallow: /",
        &path[..rules::PATH_BYTES]
    ));
    assert!(allows("", &path));
}

/// A site with this at `/robots.txt`, how often it was asked, and what asks it.
async fn site(status: u16, text: &'static str) -> (Url, Arc<AtomicUsize>, Robots, JoinSet<()>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let robots = get(move || async move {
        counted.fetch_add(1, Ordering::SeqCst);
        (StatusCode::from_u16(status).unwrap(), text)
    });
    let router = Router::new().route("/robots.txt", robots);
    let (url, robots, serving) = serve(router).await;
    (url, asked, robots, serving)
}

/// A site that this is all of, and what asks it.
async fn serve(router: Router) -> (Url, Robots, JoinSet<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let lookup: Lookup = Arc::new(|_, port| {
        Box::pin(async move { Ok(vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)]) })
    });
    let allowed = format!("site.test:{port}").parse().unwrap();
    let guard = AddressGuard::with_lookup(vec![allowed], lookup);
    let robots = Robots::new(Fetcher::new(guard, Limits::default()));
    let url = Url::parse(&format!("http://site.test:{port}/page")).unwrap();
    (url, robots, serving)
}

#[tokio::test]
async fn a_site_is_asked_once_an_hour() {
    let (url, asked, robots, _serving) = site(200, "user-agent: *\ndisallow: /private").await;
    assert_eq!(robots.ask(&url).await, Answer::Allowed);
    let private = url.join("/private").unwrap();
    assert_eq!(robots.ask(&private).await, Answer::Forbidden);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    tokio::time::pause();
    tokio::time::advance(HOUR).await;
    tokio::time::resume();
    assert_eq!(robots.ask(&url).await, Answer::Allowed);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_site_without_rules_allows_all_and_one_that_fails_nothing() {
    for (status, answer) in [
        (404, Answer::Allowed),
        (403, Answer::Allowed),
        (410, Answer::Allowed),
        (500, Answer::NotAsked),
        (503, Answer::NotAsked),
    ] {
        let (url, _, robots, _serving) = site(status, "").await;
        assert_eq!(robots.ask(&url).await, answer, "{status}");
    }
    let (url, _, robots, serving) = site(200, "").await;
    drop(serving);
    assert_eq!(robots.ask(&url).await, Answer::NotAsked);
    let private = Url::parse("http://10.0.0.1/").unwrap();
    assert_eq!(robots.ask(&private).await, Answer::NotAsked);
}

#[tokio::test]
async fn no_more_sites_are_remembered_than_there_is_room_for() {
    let (_, _, robots, _serving) = site(200, "").await;
    for number in 0..SITES + 10 {
        let url = Url::parse(&format!("http://10.0.0.{number}/")).unwrap();
        assert_eq!(robots.ask(&url).await, Answer::NotAsked);
    }
    assert_eq!(robots.sites().len(), SITES);
}

#[tokio::test]
async fn half_a_megabyte_of_it_is_read_whatever_it_says_to_be() {
    let rest = format!("#{}\n", "x".repeat(1_023));
    let text = format!(
        "user-agent: *\ndisallow: /first\n{}disallow: /last\n",
        rest.repeat(600)
    );
    for kind in ["text/plain", "application/pdf", "image/png"] {
        let (text, head) = (text.clone(), [("content-type", kind)]);
        let router = Router::new().route("/robots.txt", get(async move || (head, text)));
        let (url, robots, _serving) = serve(router).await;
        let ask = async |path| robots.ask(&url.join(path).unwrap()).await;
        assert_eq!(ask("/first").await, Answer::Forbidden, "{kind}");
        assert_eq!(ask("/last").await, Answer::Allowed, "{kind}");
    }
}
