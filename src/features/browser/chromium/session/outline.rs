//! A page in words: its text, and with a number each what can be clicked on or filled in.

use serde_json::{Value, json};

use super::super::PageError;
use super::super::tab::text;

/// What a page shows.
#[derive(Clone)]
#[non_exhaustive]
pub struct Outline {
    /// The page's title.
    pub title: String,
    /// Where it is now.
    pub url: String,
    /// The status of the document's answer, where one came in this step or since the page was opened.
    pub status: Option<u16>,
    /// Lines of text; `[3 button "Greet"]` stands for what has the number 3.
    pub text: String,
    /// Whether the end of the text is missing.
    pub is_cut: bool,
    /// Whether it has wanted more bytes than a page may have since it was opened.
    pub is_starved: bool,
    /// The window's upper edge, and the page's height, in pixels.
    pub scrolled: (u64, u64),
}

impl std::fmt::Debug for Outline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outline")
            .field("text_bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl Outline {
    pub(super) fn new(shown: &Value, status: Option<u16>, is_starved: bool) -> Self {
        let pixels = |name: &str| shown[name].as_u64().unwrap_or_default();
        Self {
            title: text(&shown["title"]),
            url: text(&shown["url"]),
            status,
            text: text(&shown["text"]),
            is_cut: shown["is_cut"] == true,
            is_starved,
            scrolled: (pixels("top"), pixels("height")),
        }
    }
}

/// What takes the outline, and leaves the numbered elements behind for the next step. Pages cannot see them.
pub(super) fn look(longest: usize) -> String {
    format!("({})({longest})", include_str!("outline.js"))
}

pub(super) fn click(number: u32) -> String {
    deed(&json!({ "number": number, "done": "clicked" }))
}

pub(super) fn fill(number: u32, text: &str, sends: bool) -> String {
    deed(&json!({ "number": number, "done": "filled", "text": text, "sends": sends }))
}

pub(super) fn scroll(windows: f32) -> String {
    format!("scrollBy(0, innerHeight * {windows})")
}

fn deed(what: &Value) -> String {
    format!("({})({what})", include_str!("deed.js"))
}

/// What a deed has answered where it was not done.
pub(super) fn refusal(done: &Value) -> Option<PageError> {
    let number = done["number"].as_u64()?.try_into().ok()?;
    Some(match done["what"].as_str() {
        None => PageError::NoElement(number),
        Some(what) => PageError::Unfit {
            number,
            done: if done["done"] == "filled" {
                "filled"
            } else {
                "clicked"
            },
            what: what.to_owned(),
        },
    })
}
