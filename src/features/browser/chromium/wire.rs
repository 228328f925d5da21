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
        let message = serde_json::from_slice(&self.received[..end])?;
        self.received.drain(..=end);
        self.looked_at = 0;
        Ok(Some(message))
    }
}
