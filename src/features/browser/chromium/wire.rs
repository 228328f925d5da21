//! The DevTools protocol through two pipes: JSON messages with a zero byte behind each.

mod surrogates;
#[cfg(test)]
mod tests;

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::task::{JoinHandle, spawn_blocking};

/// A longer message ends the browser. A picture of 50 MiB, which is the largest file that a bot can send, has 67 in base64.
const MESSAGE_BYTES: usize = 68 << 20;

/// A message of this length is taken apart on another thread: a large one takes a tenth of a second.
const LARGE: usize = 256 << 10;

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
    /// A large message, as far as it is taken apart.
    parsing: Option<JoinHandle<serde_json::Result<Value>>>,
}

impl Wire {
    pub(super) fn new(stdin: ChildStdin, stdout: ChildStdout) -> Self {
        Self {
            stdin,
            stdout,
            unsent: Vec::new(),
            received: Vec::new(),
            looked_at: 0,
            parsing: None,
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
    /// Nothing is lost: what is half sent or half read goes on with the next call.
    ///
    /// # Errors
    /// `UnexpectedEof` where the browser has ended, `FileTooLarge` where a message is too long.
    pub(super) async fn receive(&mut self) -> io::Result<Value> {
        loop {
            if let Some(message) = self.next_message().await? {
                return Ok(message);
            }
            if self.received.len() > MESSAGE_BYTES {
                return Err(io::ErrorKind::FileTooLarge.into());
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

    /// What has been received whole.
    async fn next_message(&mut self) -> io::Result<Option<Value>> {
        if self.parsing.is_none() {
            let Some(message) = self.next_bytes() else {
                return Ok(None);
            };
            if message.len() < LARGE {
                return Ok(Some(parsed(message)?));
            }
            self.parsing = Some(spawn_blocking(move || parsed(message)));
        }
        let Some(parsing) = &mut self.parsing else {
            return Ok(None);
        };
        let parsed = parsing.await;
        self.parsing = None;
        Ok(Some(parsed.map_err(io::Error::other)??))
    }

    fn next_bytes(&mut self) -> Option<Vec<u8>> {
        let fresh = &self.received[self.looked_at..];
        let Some(at) = fresh.iter().position(|&byte| byte == 0) else {
            self.looked_at = self.received.len();
            return None;
        };
        let end = self.looked_at + at;
        let rest = self.received.split_off(end + 1);
        let mut message = std::mem::replace(&mut self.received, rest);
        message.truncate(end);
        self.looked_at = 0;
        Some(message)
    }
}

fn parsed(mut message: Vec<u8>) -> serde_json::Result<Value> {
    surrogates::mend(&mut message);
    serde_json::from_slice(&message)
}
