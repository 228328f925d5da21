//! A web page: its main content, or all of it where that cannot be told.

use dom_query::Document;
use dom_smoothie::{Config, Readability, TextMode};
use reqwest::Url;

use super::text::words;
use super::{Extracted, depth, links};

/// An article with more characters than this is believed to be the main content.
const ARTICLE_CHARS: usize = 500;

/// What says nothing in a text. `noscript` is for readers without scripts, which this is, but what stands there is mostly
/// a request to turn them on, and its content is not parsed.
const SILENT: &str = "script, style, template, noscript, iframe, object, embed, svg, canvas, \
                      input, select, button, textarea, dialog, [hidden], [aria-hidden=true]";

/// Reads a page.
pub(super) fn read(html: &str, came_from: Option<&Url>) -> Extracted {
    let document = Document::from(html);
    let is_flattened = depth::flatten(&document);
    links::make_absolute(&document, came_from);
    let described = describe(&document);
    let (whole, article) = (whole(&document), article(document));
    let (title, content) = match article {
        Some((title, content)) if is_main(&content, &whole) => (title, content),
        Some((title, _)) => (title, whole),
        None => (None, whole),
    };
    Extracted {
        title: title.or(described.title),
        words: content.words,
        markdown: content.markdown,
        is_flattened,
        ..described
    }
}

/// A text, and its measure without addresses and pictures.
struct Content {
    markdown: String,
    words: usize,
    chars: usize,
}

impl Content {
    /// The text is one that divides what stands in different blocks: bare texts would run together into fewer words.
    fn new(markdown: &str, text: &str) -> Self {
        Self {
            markdown: markdown.trim().to_owned(),
            words: words(text),
            chars: text.chars().filter(|c| !c.is_whitespace()).count(),
        }
    }
}

/// Whether an article is the main content. A short one next to much else is a guess that went wrong: on lists of links and on
/// front pages the rest is what people came for.
fn is_main(article: &Content, whole: &Content) -> bool {
    article.words > 0 && (article.chars >= ARTICLE_CHARS || article.chars * 3 >= whole.chars)
}

/// The title that it guesses, and the content.
fn article(document: Document) -> Option<(Option<String>, Content)> {
    let config = Config {
        text_mode: TextMode::Markdown,
        ..Config::default()
    };
    let mut readability = Readability::with_document(document, None, Some(config)).ok()?;
    let article = readability.parse().ok()?;
    let text = Document::fragment(article.content).formatted_text();
    let title = Some(article.title).filter(|title| !title.trim().is_empty());
    Some((title, Content::new(&article.text_content, &text)))
}

/// All that the body says.
fn whole(document: &Document) -> Content {
    let copy = document.clone();
    copy.select(SILENT).remove();
    match copy.body() {
        Some(body) => Content::new(&body.md(None), &body.formatted_text()),
        None => Content::new("", ""),
    }
}

/// What a page says of itself.
fn describe(document: &Document) -> Extracted {
    let attribute = |selector: &str, name: &str| {
        let value = document.select_single(selector).attr(name)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let title = document.select_single("title").text();
    Extracted {
        title: Some(title.trim().to_owned()).filter(|title| !title.is_empty()),
        description: attribute("meta[name=description]", "content")
            .or_else(|| attribute("meta[property='og:description']", "content")),
        language: attribute("html", "lang").filter(|tag| is_language(tag)),
        ..Extracted::default()
    }
}

/// Whether this can be a language's tag, such as `zh-Hant-TW`.
fn is_language(tag: &str) -> bool {
    tag.len() <= 35
        && tag.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}
