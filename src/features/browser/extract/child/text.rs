//! Text that is there already, and the number of words in a text.

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::Extracted;

/// JSON is laid out and becomes a block of code, as XML does; everything else is as it is.
pub(super) fn read(text: &str) -> Extracted {
    let text = text.trim_matches(['\u{feff}', '\n', '\r', '\0']);
    let markdown = if let Some(json) = json(text) {
        fenced("json", &json)
    } else if text.trim_start().starts_with("<?xml") {
        fenced("xml", text)
    } else {
        text.to_owned()
    };
    Extracted {
        words: words(text),
        markdown,
        ..Extracted::default()
    }
}

/// How many words there are, as Unicode divides them: by spaces, or each character where a script has none.
pub(super) fn words(text: &str) -> usize {
    text.unicode_words().count()
}

/// Laid out, where it is an object or an array. The reader refuses what is nested too deeply; that stays as it is.
fn json(text: &str) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// A block of code whose fence is longer than any in it.
fn fenced(language: &str, text: &str) -> String {
    let runs = text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}
