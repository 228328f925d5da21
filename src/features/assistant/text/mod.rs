//! What a model writes, as Telegram shows it: Markdown becomes a text and entities, and a long one becomes several.
//!
//! ```text
//!  Markdown ──→ markdown ──→ writer ──→ Rich ──→ split ──→ parts that are each a message
//!               (events)     (gaps, what is open)    (cut finds the place)
//! ```
//!
//! **Authority**: CommonMark, as `pulldown-cmark` reads it, for what is meant; Telegram for what can be shown
//! (<https://core.telegram.org/bots/api#messageentity>). Entities are sent beside the text and no mark-up in it, so there
//! is nothing to escape, and nothing that Telegram could fail to parse.
//!
//! Invariants:
//! - Offsets and lengths are UTF-16 units. Inside this module places are bytes, and they are converted at its borders.
//! - Of two entities that share a character one lies within the other. None is empty, or begins or ends with white space,
//!   but for code. Code lies within a quote at most, and has nothing in it.
//! - Where Telegram would refuse an address, and with it the whole message, the address is written out instead.
//! - Whatever is read takes no recursion, and time and memory in proportion to its length.
//!
//! Markdown that is still being written is read as it stands: an open code block goes on to the end, and an open `**` is two
//! asterisks.
//!
//! Not done here: HTML, mathematics and footnotes, which stay as they are written; formats inside tables, which are code.

mod address;
mod cut;
mod markdown;
mod span;
mod split;
mod table;
#[cfg(test)]
mod tests;
mod writer;

use teloxide::types::MessageEntity;

pub(super) use markdown::render;
pub(super) use split::split;

/// A text and what is marked in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rich {
    /// May be empty, which Telegram takes for no message.
    pub(super) text: String,
    /// In the order of their beginnings, the longer of two first; in UTF-16 units.
    pub(super) entities: Vec<MessageEntity>,
}
