//! The DevTools protocol through two pipes: JSON messages with a zero byte behind each.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};

/// A longer message ends the browser. A picture of 1280 × 10,000 pixels of noise has 70 MB.
const MESSAGE_BYTES: usize = 96 * 1024 * 1024;

const READ_BYTES: usize = 64 * 1024;

/// Both ends of the protocol's pipes.
#[derive(Debug)]
pub(super) struct Wire {
    stdin: ChildStdin,
    stdout: ChildStdout,
    unsent: Vec<u8>,
    received: Vec<u8>,
    /// How much of what was received has no zero byte in it.
    looked_at: usize,
}

impl Wire {
    pub(super) fn new(stdin: ChildStdin, stdout: ChildStdout) -> Self {
        Self {
            stdin,
            stdout,
            unsent: Vec::new(),
            received: Vec::new(),
            looked_at: 0,
        }
    }

    /// Takes a message; it goes with the next [`receive`](Self::receive).
    pub(super) fn send(&mut self, message: &Value) {
        self.unsent
            .extend_from_slice(message.to_string().as_bytes());
        self.unsent.push(0);
    }

    /// Sends what was taken until a message comes.
    ///
    /// # Cancel safety
    /// Nothing is lost: what is half sent is sent on by the next call.
    pub(super) async fn receive(&mut self) -> io::Result<Value> {
        loop {
            if let Some(message) = self.next_message()? {
                return Ok(message);
            }
            if self.received.len() > MESSAGE_BYTES {
                return Err(io::Error::other("sent a message that is too long"));
            }
            let has_unsent = !self.unsent.is_empty();
            self.received.reserve(READ_BYTES);
            tokio::select! {
                read = self.stdout.read_buf(&mut self.received) => if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                },
                written = self.stdin.write(&self.unsent), if has_unsent => {
                    self.unsent.drain(..written?);
                }
            }
        }
    }

    fn next_message(&mut self) -> io::Result<Option<Value>> {
        let fresh = &self.received[self.looked_at..];
        let Some(at) = fresh.iter().position(|&byte| byte == 0) else {
            self.looked_at = self.received.len();
            return Ok(None);
        };
        let end = self.looked_at + at;
        let message = &mut self.received[..end];
        mend_surrogates(message);
        let message = serde_json::from_slice(message)?;
        self.received.drain(..=end);
        self.looked_at = 0;
        Ok(Some(message))
    }
}

/// Puts U+FFFD in the place of halves of surrogate pairs, which a script's strings may have alone and JSON for Rust may not.
fn mend_surrogates(json: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = json
        .get(at..)
        .and_then(|rest| rest.iter().position(|&byte| byte == b'\\'))
    {
        at += found;
        at += match (escaped(json, at), escaped(json, at + ESCAPE)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * ESCAPE,
            (Some(0xd800..=0xdfff), _) => {
                json[at..at + ESCAPE].copy_from_slice(b"\\ufffd");
                ESCAPE
            }
            (Some(_), _) => ESCAPE,
            // A line end, or a backslash.
            (None, _) => 2,
        };
    }
}

/// As long as `\u0000`.
const ESCAPE: usize = 6;

/// What is escaped by its number there.
fn escaped(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_characters_are_replaced_and_whole_ones_kept() {
        for (sent, read) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00\ud83d\ud83d\ude00""#, "\u{fffd}\u{fffd}\u{1f600}"),
            (r#""\\ud83d\n""#, "\\ud83d\n"),
            (r#""\u00e9 \ud83d\u0041""#, "é \u{fffd}A"),
        ] {
            let mut json = sent.as_bytes().to_vec();
            mend_surrogates(&mut json);
            assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), read);
        }
        for odd in [r#"\"#, r#"\u"#, r#"\ud8"#, r#"\uzzzz"#] {
            mend_surrogates(&mut odd.as_bytes().to_vec());
        }
    }
}
