//! What a page says: bytes become a title and Markdown.
//!
//! Pages are written by strangers, and every parser of HTML or PDF has inputs on which it overflows its stack, eats the
//! memory or does not end. So none of them runs in this process:
//!
//! ```text
//!  Extractor ── a process group ──→ sundown extract ──→ limits on itself
//!      │        bytes on its input                      charset → tree → depth → main content → Markdown
//!      │  ←──── one JSON object ─────────────────────── or a sentence that says why not
//!      └─ kills the group at the deadline, and when it is dropped
//! ```
//!
//! **Authority**: the child decides what a page says, the [`Extractor`] alone for how long it may think about it.
//!
//! Invariants:
//! - Whatever a page does to its parser ends one child, and is an [`ExtractError`] here.
//! - No child outlives its deadline, the caller's future, or this process (see [`Extractor::extract`]).
//! - The child has nothing in its environment but the address, writes no file, and needs neither network nor configuration.
//! - Nothing of a page is in an error.
//!
//! Not done here: fetching, running scripts, reading text out of pictures. A page that only scripts fill comes out empty,
//! and says so ([`Extracted::has_text`]).

mod child;
mod error;
mod extractor;
mod input;
mod running;

use serde::{Deserialize, Serialize};

pub(crate) use child::serve;
pub use error::ExtractError;
pub use extractor::Extractor;
pub use input::{Input, Kind};

/// How long an extracted text may be, in characters; the rest is left out.
pub const MAX_CHARS: usize = 200_000;

/// How large an input may be, in bytes: as large as a document that is fetched.
pub const MAX_INPUT_BYTES: usize = 10 * 1024 * 1024;

/// What a page says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Extracted {
    /// Its title, where it has one.
    pub title: Option<String>,
    /// What it says of itself in a sentence or two, where it does.
    pub description: Option<String>,
    /// The language it claims to be written in, such as `en` or `zh-CN`.
    pub language: Option<String>,
    /// Its main content as Markdown, with absolute links, no longer than [`MAX_CHARS`] characters.
    pub markdown: String,
    /// How many words there were before anything was cut off. In scripts without spaces, every character counts.
    pub words: usize,
    /// How many pages a document has; none where it has no pages.
    pub pages: Option<u32>,
    /// How many of those pages could not be read and are left out.
    pub unreadable_pages: u32,
    /// Whether the end was left out, because there was too much.
    pub is_truncated: bool,
    /// Whether it was nested so deeply that some of its structure is lost. The text is not.
    pub is_flattened: bool,
}

impl Extracted {
    /// Whether there is any text: a page of pictures, a scan, and a page that only scripts fill have none.
    #[must_use]
    pub fn has_text(&self) -> bool {
        self.words > 0
    }

    /// What somebody who reads the text should know about it, as sentences. Nothing where all is well.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if !self.has_text() {
            remarks.push(match self.pages {
                Some(_) => "There is no text in it; it may be a scan.".to_owned(),
                None => "There is no text in it, or only scripts would show it.".to_owned(),
            });
        }
        if self.is_truncated {
            remarks.push("Its end is left out: it is too long.".to_owned());
        }
        if self.is_flattened {
            remarks.push("Some of its structure is lost: it is nested too deeply.".to_owned());
        }
        if self.unreadable_pages > 0 {
            remarks.push(format!(
                "Pages that could not be read and are left out: {}.",
                self.unreadable_pages
            ));
        }
        remarks
    }
}

/// What the child writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Extracted(Box<Extracted>),
    /// Why it cannot be read, as a part of a sentence.
    Unreadable(String),
}
