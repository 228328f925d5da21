//! A SearXNG server, with `json` among the formats of its settings.

use reqwest::{Client, RequestBuilder, Url};

/// Where an answer has its list.
pub(super) const LIST: &str = "/results";

pub(super) fn request(client: &Client, url: &Url, terms: &str) -> RequestBuilder {
    let mut url = url.clone();
    let path = format!("{}/search", url.path().trim_end_matches('/'));
    url.set_path(&path);
    client.get(url).query(&[("q", terms), ("format", "json")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_are_asked_for_in_json_below_the_servers_own_path() {
        let asked = |url: &str| {
            let url = Url::parse(url).unwrap();
            let request = request(&Client::new(), &url, "a & b").build().unwrap();
            request.url().to_string()
        };
        let query = "search?q=a+%26+b&format=json";
        assert_eq!(asked("http://s.lan"), format!("http://s.lan/{query}"));
        assert_eq!(asked("http://s.lan/x/"), format!("http://s.lan/x/{query}"));
    }
}
