//! Other people's words in our messages: names, titles, reasons. None may break the layout, the markup or the length.

use serde::{Deserialize, Serialize};
use teloxide::utils::html::escape;

const NAME_CHARACTERS: usize = 32;
const TITLE_CHARACTERS: usize = 64;
const REASON_CHARACTERS: usize = 200;
/// Telegram's own names and titles are shorter; what follows is not looked at.
const READ_CHARACTERS: usize = 1000;
/// Vietnamese puts two marks on a letter; a tower of them hides the lines above.
const MARKS_IN_A_ROW: usize = 2;

/// Somebody to be named, with the name as Telegram gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::features::guard) struct Person {
    pub id: i64,
    pub name: String,
}

impl Person {
    /// A mention that can be pressed. A name that shows nothing, or that advertises an address, is not repeated.
    pub(super) fn mention(&self, instead: &str) -> String {
        let name = clean(&self.name, NAME_CHARACTERS);
        let shown = if name.is_empty() || advertises(&name) {
            instead
        } else {
            &name
        };
        format!(
            "<a href=\"tg://user?id={}\">{}</a>",
            self.id,
            isolated(shown)
        )
    }
}

/// A group's title, bold.
pub(super) fn title(title: &str, instead: &str) -> String {
    let title = clean(title, TITLE_CHARACTERS);
    let shown = if title.is_empty() { instead } else { &title };
    format!("<b>{}</b>", isolated(shown))
}

/// Why something failed, or another value in words.
pub(super) fn reason(reason: &str) -> String {
    isolated(&clean(reason, REASON_CHARACTERS))
}

/// On one line, without what cannot be seen or works on other words, and cut.
fn clean(text: &str, characters: usize) -> String {
    let mut seen = String::new();
    let mut marks = 0;
    for c in text.chars().take(READ_CHARACTERS) {
        let c = if c.is_whitespace() || is_blank(c) {
            ' '
        } else {
            c
        };
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if !c.is_control() && !is_invisible(c) && marks <= MARKS_IN_A_ROW {
            seen.push(c);
        }
    }
    let seen = seen.split(' ').filter(|word| !word.is_empty());
    cut(&seen.collect::<Vec<_>>().join(" "), characters)
}

fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Marks of direction, joiners, tags and other characters without a shape of their own.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters that are drawn as nothing, and are used for empty names.
const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
    )
}

const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Words written from right to left would turn what stands around them; isolated, they keep to themselves.
fn isolated(text: &str) -> String {
    if text.contains(is_right_to_left) {
        format!("\u{2068}{}\u{2069}", escape(text))
    } else {
        escape(text)
    }
}

/// Hebrew, Arabic and their neighbours.
const fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// A spammer's name would be an advertisement that the bot itself posts.
fn advertises(name: &str) -> bool {
    let name = name.to_lowercase();
    ["@", "://", "t.me", "www."]
        .iter()
        .any(|sign| name.contains(sign))
}
