//! Addresses of every class, and public ones beside them.

use std::sync::Arc;

use super::*;

/// A guard for which every name leads to these addresses.
fn guard(allowed: &[&str], found: &[&str]) -> AddressGuard {
    let found: Vec<IpAddr> = found.iter().map(|text| text.parse().unwrap()).collect();
    let lookup: Lookup = Arc::new(move |_, port| {
        let found = found.iter().map(|address| SocketAddr::new(*address, port));
        let found = found.collect();
        Box::pin(async move { Ok(found) })
    });
    let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
    AddressGuard::with_lookup(allowed, lookup)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

const BLOCKED: &[&str] = &[
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.255",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.254",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
    "100::1",
    "2001::1",
    "2001:0:ffff::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "ffff::1",
];

const PUBLIC: &[&str] = &[
    "1.0.0.0",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "203.0.114.0",
    "223.255.255.255",
    "2000::1",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2001:db7::1",
    "2001:db9::1",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "3ffe::1",
    "3fff:1000::1",
];

#[tokio::test]
async fn what_is_not_public_is_refused_as_a_literal_and_behind_a_name() {
    for text in BLOCKED {
        let address: IpAddr = text.parse().unwrap();
        assert!(blocked(address).is_some(), "{text} is taken for public");
        let literal = url(&format!("http://{}/", SocketAddr::new(address, 80)));
        let refused = guard(&[], &[]).check_url(&literal);
        assert!(matches!(refused, Err(Refused::Address { .. })), "{text}");
        let refused = guard(&[], &[text])
            .resolve(&url("http://pages.example/"))
            .await;
        assert!(matches!(refused, Err(Refused::Address { .. })), "{text}");
    }
}

#[tokio::test]
async fn what_is_public_is_reached() {
    for text in PUBLIC {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(blocked(address), None, "{text}");
        let literal = url(&format!("http://{}/", SocketAddr::new(address, 80)));
        let expected = Ok(vec![SocketAddr::new(address, 80)]);
        assert_eq!(guard(&[], &[]).resolve(&literal).await, expected, "{text}");
        let named = url("http://pages.example/");
        assert_eq!(guard(&[], &[text]).resolve(&named).await, expected);
    }
}

#[test]
fn odd_spellings_of_an_address_are_that_address() {
    for host in [
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "0",
    ] {
        let refused = guard(&[], &[]).check_url(&url(&format!("http://{host}/")));
        let is_refused = matches!(refused, Err(Refused::Address { .. }));
        assert!(is_refused, "{host}: {refused:?}");
    }
}

#[test]
fn other_schemes_user_info_and_other_ports_are_refused() {
    let guard = guard(&["wiki.lan:8080"], &[]);
    for (text, expected) in [
        ("ftp://pages.example/", "`ftp:`"),
        ("file:///etc/passwd", "`file:`"),
        ("data:text/html,hello", "`data:`"),
        ("http://me@pages.example/", "user name"),
        ("http://:secret@pages.example/", "user name"),
        ("http://pages.example:22/", "port 22"),
        ("https://pages.example:8443/", "port 8443"),
        ("http://wiki.lan:8081/", "port 8081"),
        ("http://8.8.8.8:53/", "port 53"),
    ] {
        let refused = guard.check_url(&url(text)).unwrap_err().to_string();
        assert!(refused.contains(expected), "{text}: {refused}");
        assert!(!refused.contains("secret"));
    }
    for text in [
        "http://pages.example/",
        "https://pages.example:80/",
        "http://pages.example:443/",
        "http://wiki.lan:8080/",
    ] {
        assert_eq!(guard.check_url(&url(text)), Ok(()), "{text}");
    }
}

#[tokio::test]
async fn of_a_names_addresses_only_the_public_ones_are_reached() {
    let guard = guard(&[], &["127.0.0.1", "8.8.8.8", "::1"]);
    let reached = guard.resolve(&url("http://pages.example/")).await.unwrap();
    assert_eq!(reached, ["8.8.8.8:80".parse().unwrap()]);
}

#[tokio::test]
async fn a_refusal_does_not_tell_the_address() {
    let guard = guard(&[], &["10.1.2.3"]);
    let refused = guard.resolve(&url("http://wiki.corp/")).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("wiki.corp has a private address"), "{text}");
    assert!(!text.contains("10.1.2.3"), "{text}");
}

#[tokio::test]
async fn localhost_is_judged_by_where_it_leads() {
    for host in ["localhost", "localhost.", "LOCALHOST"] {
        let refused = AddressGuard::new(Vec::new())
            .resolve(&url(&format!("http://{host}/")))
            .await;
        assert!(refused.is_err(), "{host}: {refused:?}");
    }
}

#[tokio::test]
async fn what_an_operator_allows_is_reached_and_nothing_beside_it() {
    let private = &["10.0.0.5"];
    for (allowed, address, is_reached) in [
        ("wiki.lan", "http://wiki.lan/", true),
        ("wiki.lan", "http://WIKI.lan./", true),
        ("WIKI.lan.", "https://wiki.lan/", true),
        ("wiki.lan", "http://wiki.lan:8080/", false),
        ("wiki.lan", "http://a.wiki.lan/", false),
        ("wiki.lan", "http://notwiki.lan/", false),
        ("wiki.lan:8080", "http://wiki.lan:8080/", true),
        ("wiki.lan:8080", "http://wiki.lan/", false),
        ("*.lan", "http://a.b.lan/", true),
        ("*.lan", "http://lan/", false),
        ("*.lan", "http://clan/", false),
        ("*.lan:81", "http://a.lan:81/", true),
        ("münchen.lan", "http://xn--mnchen-3ya.lan/", true),
        ("10.0.0.0/24", "http://anything.lan/", false),
        ("10.0.0.5", "http://anything.lan/", false),
        ("10.0.0.77/24", "http://10.0.0.200/", true),
        ("10.0.0.0/24", "http://10.0.1.5/", false),
        ("10.0.0.0/24", "http://10.0.0.5:8080/", false),
        ("10.0.0.5", "http://10.0.0.5/", true),
        ("10.0.0.5", "http://10.0.0.6/", false),
        ("10.0.0.5:8080", "http://10.0.0.5:8080/", true),
        ("10.0.0.5:8080", "http://10.0.0.5/", false),
        ("[fd00::5]:8080", "http://[fd00::5]:8080/", true),
        ("fd00::/64", "http://[fd00::5]/", true),
        ("fd00::/64", "http://[fd00:1::5]/", false),
    ] {
        let reached = guard(&[allowed], private).resolve(&url(address)).await;
        assert_eq!(
            reached.is_ok(),
            is_reached,
            "{allowed} {address} {reached:?}"
        );
    }
}

#[tokio::test]
async fn a_name_that_leads_into_an_allowed_net_has_to_be_allowed_itself() {
    let net = "10.0.0.0/24";
    let page = url("http://wiki.lan/");
    let refused = guard(&[net], &["10.0.0.5"]).resolve(&page).await;
    assert!(
        matches!(refused, Err(Refused::Address { .. })),
        "{refused:?}"
    );
    let reached = guard(&[net, "wiki.lan"], &["10.0.0.5"])
        .resolve(&page)
        .await;
    assert_eq!(reached, Ok(vec!["10.0.0.5:80".parse().unwrap()]));
    // Of a name with addresses of both kinds only the public one is reached.
    let reached = guard(&[net], &["10.0.0.5", "8.8.8.8"]).resolve(&page).await;
    assert_eq!(reached, Ok(vec!["8.8.8.8:80".parse().unwrap()]));
}

#[test]
fn what_is_allowed_is_read_and_written_alike() {
    for text in [
        "wiki.lan",
        "wiki.lan:8080",
        "*.lan",
        "*.lan:81",
        "10.0.0.5",
        "10.0.0.5:8080",
        "[fd00::5]:8080",
        "fd00::5",
        "10.0.0.0/24",
    ] {
        let allowed: Allowed = text.parse().unwrap();
        assert_eq!(allowed.to_string(), text);
    }
    for text in [
        "",
        "*",
        "*.",
        "*.10.0.0.5",
        "a.*.lan",
        "http://wiki.lan",
        "wiki.lan/x",
        "wiki.lan:",
        "wiki.lan:x",
        "10.0.0.0/33",
        "10.0.0.0/8:80",
        "me@wiki.lan",
        ".",
    ] {
        let allowed: Result<Allowed, _> = text.parse();
        assert!(allowed.is_err(), "{text}: {allowed:?}");
    }
}
