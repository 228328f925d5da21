//! Everything the guard says, in every language it speaks.
//!
//! What can be said is a list: [`Text`] for messages, which are Telegram's HTML, and [`Label`] for buttons and for the short
//! answers to a press, which are plain. Each language is one `match` over each list, so that a text missing in a language
//! does not compile.
//!
//! Names, titles and reasons are other people's words. They pass [`foreign`] on their way into a text: cleaned, cut and
//! escaped. Lists are cut too, so that no message is longer than Telegram takes.

mod en;
mod foreign;
mod label;
mod list;
mod text;
mod time;
mod zh;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(super) use self::foreign::Person;
pub(super) use self::label::Label;
pub(super) use self::text::{
    End, GroupScan, KnownGroup, Right, ScanState, Stats, Tally, Text, Would,
};

/// A language the guard speaks; a setting of the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Language {
    #[default]
    English,
    Chinese,
}

impl Language {
    #[cfg(test)]
    pub(super) const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The language of a person's app, by its IETF tag; English where it is none of ours.
    #[must_use]
    pub(super) fn of_code(code: Option<&str>) -> Self {
        let primary = code.and_then(|code| code.split(['-', '_']).next());
        match primary {
            Some(tag) if tag.eq_ignore_ascii_case("zh") => Self::Chinese,
            _ => Self::English,
        }
    }

    /// The next in a menu that cycles.
    #[must_use]
    pub(super) const fn next(self) -> Self {
        match self {
            Self::English => Self::Chinese,
            Self::Chinese => Self::English,
        }
    }

    /// A message, for `parse_mode` HTML: at most 4096 UTF-16 units, tags included.
    #[must_use]
    pub(super) fn say(self, text: &Text<'_>) -> String {
        match self {
            Self::English => en::say(text),
            Self::Chinese => zh::say(text),
        }
    }

    /// A button's label or the short answer to a press: plain, at most 200 characters.
    #[must_use]
    pub(super) fn label(self, label: &Label<'_>) -> String {
        match self {
            Self::English => en::label(label),
            Self::Chinese => zh::label(label),
        }
    }
}
