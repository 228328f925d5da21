//! Why a page could not be read.

use std::io;
use std::time::Duration;

/// Why there is nothing to show of a page. Each is a sentence for whoever asked, and holds nothing of the page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// It is larger than what is looked at.
    #[error("the page is too large to be read: {bytes} bytes, where {limit} are the limit")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// It is not what it was said to be, or is damaged.
    #[error("the page cannot be read: {0}")]
    Unreadable(String),
    /// It was not read within the deadline.
    #[error("the page was not read within {} s; it may be made to keep readers busy", .0.as_secs_f64())]
    TimedOut(Duration),
    /// Reading it took too much of the processor.
    #[error(
        "reading the page took more than {0} s of computing; it may be made to keep readers busy"
    )]
    TooMuchWork(u64),
    /// Reading it took too much memory.
    #[error("reading the page took more than {0} MiB of memory; it may be made to exhaust it")]
    TooMuchMemory(u64),
    /// Whatever reads it ended otherwise.
    #[error("what reads pages ended without an answer ({0}); another page may work")]
    Died(String),
    /// The program that reads it could not be run.
    #[error("what reads pages cannot be started: {0}; is the program still where it was?")]
    NotStarted(#[source] io::Error),
}
