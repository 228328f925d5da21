//! A child that runs: fed, read, waited for, and killed with its group when this is dropped.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};

use super::child::limits::{CPU_SECONDS, MEMORY_MIB};
use super::{Answer, ExtractError, MAX_CHARS};
use crate::lifecycle::ProcessGroup;

/// No honest answer is longer: characters of four bytes, each escaped, beside a title and a description.
const ANSWER_BYTES: u64 = MAX_CHARS as u64 * 6 + 64 * 1024;

/// How much of standard error is looked at: the first words say what the runtime died of.
const COMPLAINT_BYTES: u64 = 4096;

#[derive(Debug)]
pub(super) struct Running {
    // Before the child: see there.
    _group: ProcessGroup,
    child: Child,
    stdin: Option<ChildStdin>,
    document: Vec<u8>,
}

impl Running {
    /// # Errors
    /// Where it has ended before its number could be taken down.
    pub(super) fn new(mut child: Child, document: Vec<u8>) -> io::Result<Self> {
        Ok(Self {
            _group: ProcessGroup::of(&child)?,
            stdin: child.stdin.take(),
            child,
            document,
        })
    }

    /// Hands it the document and waits for what it says.
    ///
    /// # Cancel safety
    /// Dropped, the child is killed.
    pub(super) async fn answer(mut self) -> Result<Answer, ExtractError> {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (stdin, document) = (self.stdin.take(), std::mem::take(&mut self.document));
        // Side by side: a child that complains before it reads would wait for ever otherwise. One that says too much is
        // given up at once.
        let (said, complaint, ()) = tokio::try_join!(
            read(stdout, ANSWER_BYTES),
            async { Ok(beginning(stderr, COMPLAINT_BYTES).await) },
            async {
                feed(stdin, document).await;
                Ok(())
            },
        )?;
        let status = self.child.wait().await.map_err(died)?;
        if !status.success() {
            return Err(cause(status, &complaint));
        }
        serde_json::from_slice(&said)
            // Without what it says: a piece of the page may be in it.
            .map_err(|_| ExtractError::Died("its answer is not understood".to_owned()))
    }
}

/// Writes all of it. A child that wants no more is within its rights.
async fn feed(stdin: Option<ChildStdin>, document: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(&document).await;
    }
}

/// Reads to the end; no more than this many bytes.
async fn read(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> Result<Vec<u8>, ExtractError> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let mut pipe = pipe.take(limit + 1);
        pipe.read_to_end(&mut bytes).await.map_err(died)?;
    }
    if bytes.len() as u64 > limit {
        return Err(ExtractError::Died("its answer has no end".to_owned()));
    }
    Ok(bytes)
}

/// Reads to the end and keeps the beginning.
async fn beginning(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = (&mut pipe).take(limit).read_to_end(&mut bytes).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    bytes
}

fn died(error: io::Error) -> ExtractError {
    ExtractError::Died(error.to_string())
}

/// What ended the child. Its own words are only compared with, never told: a panic may quote the page.
fn cause(status: ExitStatus, complaint: &[u8]) -> ExtractError {
    let complaint = String::from_utf8_lossy(complaint);
    let signal = status.signal().and_then(Signal::from_named_raw);
    match signal {
        Some(Signal::XCPU) => ExtractError::TooMuchWork(CPU_SECONDS),
        Some(Signal::ABORT) if complaint.contains("memory allocation of") => {
            ExtractError::TooMuchMemory(MEMORY_MIB)
        }
        Some(Signal::ABORT) if complaint.contains("overflowed its stack") => {
            ExtractError::Died("its stack overflowed".to_owned())
        }
        _ => ExtractError::Died(status.to_string()),
    }
}
