//! Text that is there already, and the number of words in a text.

use std::mem::take;

use serde::de::IgnoredAny;
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

/// Deeper JSON is not laid out: its lines would be mostly space.
const DEEPEST: usize = 128;

/// Laid out, where it is an object or an array, and not nested too deeply; that stays as it is.
fn json(text: &str) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let _: IgnoredAny = serde_json::from_str(text).ok()?;
    laid_out(text)
}

/// JSON with a line for each value. Only the space between them is changed: numbers that Rust has no type for stay as they
/// are, and so do names that occur twice.
fn laid_out(json: &str) -> Option<String> {
    let mut laid = String::with_capacity(json.len() * 2);
    let (mut depth, mut is_fresh) = (0, false);
    let (mut is_in_string, mut is_escaped) = (false, false);
    for c in json.chars() {
        if is_in_string {
            laid.push(c);
            is_in_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => continue,
            '}' | ']' => {
                depth -= 1;
                if !take(&mut is_fresh) {
                    line(&mut laid, depth);
                }
            }
            _ if take(&mut is_fresh) => line(&mut laid, depth),
            _ => {}
        }
        laid.push(c);
        match c {
            '{' | '[' if depth == DEEPEST => return None,
            '{' | '[' => (depth, is_fresh) = (depth + 1, true),
            ',' => is_fresh = true,
            ':' => laid.push(' '),
            '"' => is_in_string = true,
            _ => {}
        }
    }
    Some(laid)
}

fn line(laid: &mut String, depth: usize) {
    laid.push('\n');
    laid.extend(std::iter::repeat_n("  ", depth));
}

/// A block of code whose fence is longer than any in it.
fn fenced(language: &str, text: &str) -> String {
    let runs = text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_and_nothing_in_it_is_changed() {
        let json = r#"{"a":[1, {}, [ ],"x, \"{y}\\"],"a":123456789012345678901 }"#;
        let laid = r#"{
  "a": [
    1,
    {},
    [],
    "x, \"{y}\\"
  ],
  "a": 123456789012345678901
}"#;
        assert_eq!(laid_out(json).as_deref(), Some(laid));
        assert_eq!(laid_out(laid).as_deref(), Some(laid));
    }

    #[test]
    fn json_that_is_nested_too_deeply_stays_as_it_is() {
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(json(&deep(DEEPEST)).is_some());
        assert_eq!(json(&deep(DEEPEST + 1)), None);
        assert_eq!(json(&deep(25_000)), None);
    }
}
