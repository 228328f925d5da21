//! Asking a search engine for pages. No engine's pages for people are read: they answer programs with riddles.

mod brave;
mod searxng;

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use tracing::warn;

use super::fetch::innermost;
use super::problem::Problem;
use super::settings::Engine;

/// How many pages are told of.
const MOST: usize = 8;
/// For an answer, all of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer with more bytes than this is none.
const LONGEST: usize = 1 << 20;
/// What is told of a page has no more characters than this, and its title neither.
const TOLD: usize = 300;

/// A page with a longer address is left out: there would be no room for others.
const LONGEST_URL: usize = 1_024;

/// A page that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) title: String,
    pub(crate) url: String,
    /// Some of what it says.
    pub(crate) excerpt: String,
}

/// Somebody who can be asked.
pub(super) struct Search {
    engine: Engine,
    client: Client,
}

impl Search {
    pub(super) fn new(engine: Engine) -> reqwest::Result<Self> {
        // The address is the operator's, so nothing guards it; but it leads nowhere else, least of all with a key.
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { engine, client })
    }

    pub(super) async fn ask(&self, terms: &str) -> Result<Vec<Hit>, Problem> {
        let (request, list) = match &self.engine {
            Engine::SearXng { url } => (searxng::request(&self.client, url, terms), searxng::LIST),
            Engine::Brave { url, key } => {
                (brave::request(&self.client, url, key, terms), brave::LIST)
            }
        };
        let answer = answer(request).await?;
        let found = answer.pointer(list).and_then(Value::as_array);
        let hits = found.into_iter().flatten().filter_map(hit_of);
        Ok(hits.take(MOST).collect())
    }
}

async fn answer(request: RequestBuilder) -> Result<Value, Problem> {
    let away = |error: reqwest::Error| {
        warn!(
            error = innermost(&error),
            "the search engine does not answer"
        );
        Problem::Said("the search engine does not answer; try again later".to_owned())
    };
    let mut answer = request.send().await.map_err(away)?;
    let status = answer.status();
    if !status.is_success() {
        warn!(%status, "the search engine refuses");
        return Err(refused(status));
    }
    let mut bytes = Vec::new();
    while let Some(more) = answer.chunk().await.map_err(away)? {
        if bytes.len() + more.len() > LONGEST {
            return Err(unreadable());
        }
        bytes.extend_from_slice(&more);
    }
    serde_json::from_slice(&bytes).map_err(|_| unreadable())
}

fn refused(status: StatusCode) -> Problem {
    Problem::Said(match status.as_u16() {
        401..=403 => {
            "the search engine does not let me in; my operator has to look after that".to_owned()
        }
        429 => "the search engine is asked too much; try again later".to_owned(),
        _ => "the search engine is in trouble; try again later".to_owned(),
    })
}

fn unreadable() -> Problem {
    warn!(
        "the search engine's answer is no JSON of a usual length; for SearXNG, is `json` among its formats?"
    );
    Problem::Said("the search engine's answer cannot be read".to_owned())
}

/// None where there is nothing to go to.
fn hit_of(found: &Value) -> Option<Hit> {
    let text = |name: &str| found[name].as_str().unwrap_or_default();
    let url = text("url");
    let is_page = url.starts_with("http://") || url.starts_with("https://");
    let is_told = is_page && url.len() <= LONGEST_URL;
    // SearXNG's word for it, and Brave's.
    let excerpt = match text("content") {
        "" => text("description"),
        content => content,
    };
    is_told.then(|| Hit {
        title: told(text("title")),
        url: url.to_owned(),
        excerpt: told(excerpt),
    })
}

/// In one line, and not too long.
fn told(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(TOLD) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_engines_words_for_an_excerpt_are_understood() {
        let searxng = json!({ "url": "https://a.example", "title": "A", "content": "one\n two" });
        let brave = json!({ "url": "https://a.example", "title": "A", "description": "one two" });
        let hit = hit_of(&searxng).unwrap();
        assert_eq!(hit.excerpt, "one two");
        assert_eq!(hit_of(&brave), Some(hit));
    }

    #[test]
    fn what_leads_to_no_page_is_left_out() {
        assert_eq!(hit_of(&json!({ "title": "a calculator" })), None);
        assert_eq!(hit_of(&json!({ "url": "javascript:alert(1)" })), None);
        let long = format!("https://a.example/{}", "a".repeat(LONGEST_URL));
        assert_eq!(hit_of(&json!({ "url": long })), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(
            told(&"ä".repeat(TOLD + 1)),
            format!("{}…", "ä".repeat(TOLD))
        );
        assert_eq!(told("short"), "short");
    }
}
