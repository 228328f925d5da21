//! What features keep beside the updates: documents under keys, and timers.
//!
//! A change to them is committed together with the completion of the update that caused it, or not at all. So a crash
//! leaves no state without its completion and no completion without its state, on one node and on several.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::{BotId, LaneKey, Result, StoreError};

/// The name of a document or a timer: 1 to 512 bytes without control characters. By convention its parts are
/// separated by slashes (`guard/-1001/77`), so that a feature finds what is its own by a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

const LONGEST_KEY: usize = 512;

impl Key {
    /// Checks a name.
    ///
    /// # Errors
    /// [`StoreError::BadKey`] where it is empty, too long, or has a control character or U+10FFFF in it.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self> {
        let text = text.into();
        // Scans end before the last character there is.
        let is_odd = |c: char| c.is_control() || c == char::MAX;
        if text.is_empty() || text.len() > LONGEST_KEY || text.contains(is_odd) {
            return Err(StoreError::BadKey { key: text });
        }
        Ok(Self(text))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A document as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub key: Key,
    /// Which change wrote it. It rises with every change to the store, so that a document that was deleted and made
    /// again never has an old version.
    pub version: i64,
    /// What is in it: text, JSON as a rule.
    pub body: Arc<str>,
}

/// What a change has to find, or nothing of its kind is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there, or nothing.
    Anything,
    /// No document.
    Nothing,
    /// The document in this version.
    Version(i64),
}

/// A time at which something is to be handled, in the lane it belongs to. When it is due, it becomes an
/// [`Entry`](super::Entry) behind what waits in that lane, with everything that holds for one: order, attempts, parking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Its name; a timer that is set replaces the one of the same name.
    pub key: Key,
    /// The bot it is for.
    pub bot: BotId,
    /// The lane it is handled in.
    pub lane: LaneKey,
    /// When it is due, by this machine's clock; kept to the millisecond. What is past is due at once.
    pub due: SystemTime,
    /// What its handler is told: text, JSON as a rule.
    pub body: Arc<str>,
}

/// One change to what features keep. Changes that are given together are done together, or none of them is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Writes a document.
    Put {
        /// Which one.
        key: Key,
        /// What is in it from now on.
        body: Arc<str>,
        /// What has to be there before.
        expected: Expected,
    },
    /// Deletes a document, where there is one.
    Delete {
        /// Which one.
        key: Key,
        /// What has to be there before.
        expected: Expected,
    },
    /// Sets a timer.
    SetTimer(Timer),
    /// Takes a timer back, where it is not due yet. One that is due already may wait in its lane, and is handled.
    CancelTimer(Key),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_512_bytes_and_no_control_characters() {
        for good in [
            "a",
            "guard/-1001/77",
            "Wörter mit Leerzeichen",
            &"x".repeat(512),
        ] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\nb", "\0", "a\u{10FFFF}", &"é".repeat(257)] {
            let error = Key::new(bad).unwrap_err().to_string();
            assert!(error.contains("1 to 512 bytes"), "{error}");
        }
    }
}
