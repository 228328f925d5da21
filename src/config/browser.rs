//! The table about reading web pages.

use std::path::PathBuf;

use serde::Deserialize;

use super::ai::{BaseUrl, KeySource};
use super::value::{Count, Span};

/// What a page may take in Chromium: 1 s to 2 min.
pub(crate) type PageTimeout = Span<1_000, 120_000>;
/// How long a page is not read again: 1 s to a day.
pub(crate) type CacheFor = Span<1_000, 86_400_000>;

/// The table `[browser]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Browser {
    pub(crate) enabled: Option<bool>,
    pub(crate) chromium: Option<PathBuf>,
    pub(crate) pages: Option<Count<1, 16>>,
    pub(crate) page_timeout: Option<PageTimeout>,
    /// Hosts, addresses and nets, which are understood where they are used.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    pub(crate) cache_for: Option<CacheFor>,
    #[serde(default)]
    pub(crate) users: Vec<i64>,
    pub(crate) search: Option<Search>,
}

/// The table `[browser.search]`: who is asked for pages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SearchTable")]
pub(crate) enum Search {
    SearXng { url: BaseUrl },
    Brave { url: BaseUrl, key: KeySource },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchTable {
    kind: KindName,
    url: Option<BaseUrl>,
    key_file: Option<PathBuf>,
    key_env: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    SearXng,
    Brave,
}

/// Where Brave answers.
const BRAVE: &str = "https://api.search.brave.com/res/v1/web/search";

impl TryFrom<SearchTable> for Search {
    type Error = String;

    fn try_from(table: SearchTable) -> Result<Self, String> {
        let key = KeySource::new(table.key_file, table.key_env)?;
        match table.kind {
            KindName::SearXng if key != KeySource::default() => {
                Err("a search of kind searxng has no use for `key_file` or `key_env`".to_owned())
            }
            KindName::SearXng => {
                let url = table.url.ok_or("a search of kind searxng has no `url`; write it like \"http://127.0.0.1:8888\", without /search")?;
                Ok(Self::SearXng { url })
            }
            KindName::Brave => {
                let url = match table.url {
                    Some(url) => url,
                    None => BRAVE.parse()?,
                };
                Ok(Self::Brave { url, key })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Browser, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn every_key_is_read() {
        let read = table(
            r#"
            enabled = true
            chromium = "/opt/chromium"
            pages = 4
            page_timeout = "30s"
            allow = ["wiki.lan", "10.0.0.0/24"]
            cache_for = "1h"
            users = [7]
            search = { kind = "searxng", url = "http://127.0.0.1:8888/" }
            "#,
        )
        .unwrap();
        assert_eq!(read.allow, ["wiki.lan", "10.0.0.0/24"]);
        assert!(matches!(read.search, Some(Search::SearXng { .. })));
        assert_eq!(table("").unwrap(), Browser::default());
    }

    #[test]
    fn a_value_out_of_its_range_is_refused() {
        for text in [
            "pages = 0",
            "pages = 17",
            "page_timeout = \"3min\"",
            "cache_for = \"0s\"",
            "page = 2",
        ] {
            assert!(table(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_search_says_what_it_lacks_and_what_it_has_no_use_for() {
        let refused = |text: &str| table(&format!("search = {{ {text} }}")).unwrap_err();
        let lacks = refused("kind = \"searxng\"");
        assert!(lacks.contains("no `url`"), "{lacks}");
        let idle = refused("kind = \"searxng\", url = \"http://a.b\", key_env = \"K\"");
        assert!(idle.contains("no use for"), "{idle}");
        let twice = refused("kind = \"brave\", key_file = \"/k\", key_env = \"K\"");
        assert!(twice.contains("one place"), "{twice}");
        let unknown = refused("kind = \"bing\"");
        assert!(unknown.contains("searxng"), "{unknown}");
    }

    #[test]
    fn braves_address_is_known() {
        let read = table("search = { kind = \"brave\", key_env = \"K\" }").unwrap();
        let Some(Search::Brave { url, key }) = read.search else {
            panic!("{read:?}");
        };
        assert_eq!(url.0.as_str(), BRAVE);
        assert_eq!(key, KeySource::Variable("K".to_owned()));
    }
}
