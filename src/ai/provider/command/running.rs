//! A command that runs: fed, read, and killed with all of its group.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout};

use super::text::Decoder;
use crate::ai::provider::redact::redact;
use crate::lifecycle::ProcessGroup;

/// An answer that is longer is cut off.
const ANSWER_BYTES: usize = 1024 * 1024;

/// How much of standard error's end is kept to find its last line in.
const ERROR_BYTES: usize = 4096;

/// How much of that line is told, in characters.
const ERROR_CHARS: usize = 200;

const READ_BYTES: usize = 8192;

/// How long pipes are waited for, in all, after their command has ended: what left the group may hold them open for ever, and
/// write to them. The time in which nobody reads the answer does not count.
const LEFT_OVER: Duration = Duration::from_secs(1);

/// What a command does next.
#[derive(Debug)]
pub(super) enum Event {
    Text(String),
    /// Well, with this `finish_reason`. Nothing follows.
    End(&'static str),
    /// How it ended otherwise. Nothing follows.
    Failed(String),
}

#[derive(Debug)]
pub(super) struct Running {
    // Before the command itself: once that is waited for, its number may be another's.
    group: ProcessGroup,
    child: Child,
    stdin: Option<ChildStdin>,
    conversation: Vec<u8>,
    fed_bytes: usize,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    ended: Option<ExitStatus>,
    /// How long the pipes may still be waited for after that.
    left_over: Duration,
    decoder: Decoder,
    answered_bytes: usize,
    errors: Vec<u8>,
}

/// What came from one of the pipes, or from the command itself.
enum Came {
    Fed(io::Result<usize>),
    Said(io::Result<Vec<u8>>),
    Complained(io::Result<Vec<u8>>),
    Ended(io::Result<ExitStatus>),
    /// Nothing any more.
    Silent,
}

impl Running {
    /// # Errors
    /// Where it has ended before its number could be taken down.
    pub(super) fn new(mut child: Child, conversation: String) -> io::Result<Self> {
        Ok(Self {
            group: ProcessGroup::of(&child)?,
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            conversation: conversation.into_bytes(),
            fed_bytes: 0,
            ended: None,
            left_over: LEFT_OVER,
            decoder: Decoder::default(),
            answered_bytes: 0,
            errors: Vec::new(),
        })
    }

    /// Feeds and reads it until there is something to tell.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            let is_silent = self.stdout.is_none() && self.stderr.is_none();
            if let Some(status) = self.ended.filter(|_| is_silent) {
                // A last character that was cut off is told before the end.
                return match self.decoder.finish() {
                    Some(text) => Event::Text(text),
                    None => self.end(status),
                };
            }
            if self.answered_bytes >= ANSWER_BYTES {
                return Event::End("length");
            }
            match self.came_in_time().await {
                Came::Fed(written) => self.fed(written),
                Came::Said(read) => {
                    if let Some(text) = self.said(&read.unwrap_or_default()) {
                        return Event::Text(text);
                    }
                }
                Came::Complained(read) => self.complained(&read.unwrap_or_default()),
                Came::Ended(Ok(status)) => {
                    self.ended = Some(status);
                    // Whatever it has started ends with it, and lets go of the pipes.
                    self.group.kill();
                    self.stdin = None;
                }
                Came::Silent => (self.stdout, self.stderr) = (None, None),
                Came::Ended(Err(error)) => return Event::Failed(error.to_string()),
            }
        }
    }

    async fn came_in_time(&mut self) -> Came {
        if self.ended.is_none() {
            return self.came().await;
        }
        if self.left_over.is_zero() {
            return Came::Silent;
        }
        let begun = Instant::now();
        let came = timeout(self.left_over, self.came()).await;
        self.left_over = self.left_over.saturating_sub(begun.elapsed());
        came.unwrap_or(Came::Silent)
    }

    /// All of it at the same time: a command that writes before it reads would wait for ever otherwise.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    async fn came(&mut self) -> Came {
        let (feeds, is_alive) = (self.stdin.is_some(), self.ended.is_none());
        let (says, complains) = (self.stdout.is_some(), self.stderr.is_some());
        tokio::select! {
            biased;
            read = read(&mut self.stdout), if says => Came::Said(read),
            read = read(&mut self.stderr), if complains => Came::Complained(read),
            written = write(&mut self.stdin, &self.conversation[self.fed_bytes..]), if feeds => Came::Fed(written),
            status = self.child.wait(), if is_alive => Came::Ended(status),
            else => Came::Silent,
        }
    }

    fn fed(&mut self, written: io::Result<usize>) {
        match written {
            Ok(bytes) if bytes < self.conversation.len() - self.fed_bytes => {
                self.fed_bytes += bytes;
            }
            // It has everything, or wants no more: both are its right.
            _ => self.stdin = None,
        }
    }

    fn said(&mut self, bytes: &[u8]) -> Option<String> {
        if bytes.is_empty() {
            self.stdout = None;
            return None;
        }
        self.answered_bytes += bytes.len();
        self.decoder.push(bytes)
    }

    fn complained(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            self.stderr = None;
        }
        self.errors.extend_from_slice(bytes);
        let too_many = self.errors.len().saturating_sub(ERROR_BYTES);
        self.errors.drain(..too_many);
    }

    fn end(&self, status: ExitStatus) -> Event {
        if status.success() {
            return Event::End("stop");
        }
        Event::Failed(match last_line(&self.errors) {
            Some(line) => format!("{status}: {line}"),
            None => status.to_string(),
        })
    }
}

async fn write(stdin: &mut Option<ChildStdin>, bytes: &[u8]) -> io::Result<usize> {
    match stdin {
        Some(stdin) => stdin.write(bytes).await,
        None => Ok(0),
    }
}

/// What can be read now; nothing at the end.
async fn read(pipe: &mut Option<impl AsyncReadExt + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(READ_BYTES);
    if let Some(pipe) = pipe {
        pipe.read_buf(&mut bytes).await?;
    }
    Ok(bytes)
}

/// The last line that has something in it, without what could play tricks with a terminal, and without what addresses hide.
fn last_line(errors: &[u8]) -> Option<String> {
    let errors = String::from_utf8_lossy(errors);
    let line = errors
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    let shown: String = line.chars().filter(|c| !c.is_control()).collect();
    Some(redact(&shown, None).chars().take(ERROR_CHARS).collect())
}
