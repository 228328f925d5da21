//! Runs a child for each document, and bounds it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::running::Running;
use super::{Answer, ExtractError, Extracted, Input, MAX_INPUT_BYTES};

/// How long a document may take from its turn on.
const DEADLINE: Duration = Duration::from_secs(10);

/// The variable that tells the child where the document came from.
const BASE_URL: &str = "SUNDOWN_EXTRACT_BASE_URL";

/// A longer address is left out: a process cannot be given one of any length, and its links stay as they are.
const LONGEST_URL: usize = 64 * 1024;

/// No character set has a name like that.
const LONGEST_CHARSET: usize = 64;

/// How many documents are looked at side by side.
const AT_ONCE: usize = 2;

/// Extracts text from documents, each in a process of its own. Clones share the limit on how many run at once.
#[derive(Clone, Debug)]
pub struct Extractor {
    program: PathBuf,
    arguments: Vec<OsString>,
    deadline: Duration,
    turns: Arc<Semaphore>,
}

impl Extractor {
    /// One that runs this program, which must understand `sundown extract`.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            arguments: vec!["extract".into()],
            deadline: DEADLINE,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// One that runs the program that is running.
    ///
    /// # Errors
    /// Where the system does not say which that is.
    pub fn of_this_program() -> io::Result<Self> {
        // Not what `current_exe` says: an update may have replaced the file, and this one stays what was started.
        let own = Path::new("/proc/self/exe");
        if own.exists() {
            return Ok(Self::new(own.to_owned()));
        }
        std::env::current_exe().map(Self::new)
    }

    /// With another deadline than ten seconds for each document; waiting for a turn does not count.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// With another number of documents side by side than two; at least one.
    #[must_use]
    pub fn at_once(mut self, documents: usize) -> Self {
        self.turns = Arc::new(Semaphore::new(documents.max(1)));
        self
    }

    /// Reads a document.
    ///
    /// # Errors
    /// Where it is too large or not what it was said to be, and where reading it took too long, too much of the machine, or
    /// ended the process that did it. None of it is worth another try with the same document.
    ///
    /// # Cancel safety
    /// Dropped, the child and its group are killed. So they are where the runtime's thread that started the child ends,
    /// by SIGKILL of this process for one.
    pub async fn extract(&self, input: Input) -> Result<Extracted, ExtractError> {
        if input.bytes.len() > MAX_INPUT_BYTES {
            return Err(ExtractError::TooLarge {
                bytes: input.bytes.len(),
                limit: MAX_INPUT_BYTES,
            });
        }
        // Never closed, so there is always a turn to come.
        let _turn = self.turns.acquire().await;
        let answered = async { self.start(input)?.answer().await };
        match timeout(self.deadline, answered).await {
            Ok(Ok(Answer::Extracted(extracted))) => Ok(*extracted),
            Ok(Ok(Answer::Unreadable(why))) => Err(ExtractError::Unreadable(why)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ExtractError::TimedOut(self.deadline)),
        }
    }

    fn start(&self, input: Input) -> Result<Running, ExtractError> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .args(["--kind", input.kind.name()]);
        let charset = input.charset.as_ref();
        if let Some(charset) = charset.filter(|charset| charset.len() <= LONGEST_CHARSET) {
            // As one argument, so that a value that begins with a dash is no option.
            command.arg(format!("--charset={}", charset.replace('\0', "")));
        }
        // Tokens and keys are none of its business.
        command.env_clear();
        if input.url.len() <= LONGEST_URL {
            // An address may hold a secret, and every user of the machine can read arguments.
            command.env(BASE_URL, input.url.replace('\0', ""));
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn();
        child
            .and_then(|child| Running::new(child, input.bytes))
            .map_err(ExtractError::NotStarted)
    }
}

#[cfg(test)]
mod tests;
