//! Brave's Search API: <https://api-dashboard.search.brave.com/app/documentation/web-search/get-started>.

use reqwest::header::ACCEPT;
use reqwest::{Client, RequestBuilder, Url};

use super::MOST;
use crate::ai::Secret;

/// Where an answer has its list.
pub(super) const LIST: &str = "/web/results";

pub(super) fn request(client: &Client, url: &Url, key: &Secret, terms: &str) -> RequestBuilder {
    let count = MOST.to_string();
    // Without marks for what was found, which are HTML.
    let query = [
        ("q", terms),
        ("count", &count),
        ("text_decorations", "false"),
    ];
    client
        .get(url.clone())
        .query(&query)
        .header(ACCEPT, "application/json")
        .header("X-Subscription-Token", key.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_into_its_header_and_not_into_the_address() {
        let url = Url::parse("https://b.example/res/v1/web/search").unwrap();
        let key = Secret::new("k-123");
        let request = request(&Client::new(), &url, &key, "tea").build().unwrap();
        assert_eq!(request.headers()["X-Subscription-Token"], "k-123");
        assert_eq!(
            request.url().as_str(),
            "https://b.example/res/v1/web/search?q=tea&count=8&text_decorations=false"
        );
    }
}
