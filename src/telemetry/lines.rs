//! The last lines, and those that come, for whoever wants to see them besides standard error.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio::sync::broadcast;

/// Lines that are kept, of at most [`LONGEST`] bytes.
const MANY: usize = 1_000;
const LONGEST: usize = 16_384;

static KEPT: LazyLock<Mutex<VecDeque<Arc<str>>>> = LazyLock::new(Mutex::default);
/// Whoever follows too slowly misses the oldest and is told how many.
static COMING: LazyLock<broadcast::Sender<Arc<str>>> =
    LazyLock::new(|| broadcast::Sender::new(MANY));
static DIVERTED: AtomicUsize = AtomicUsize::new(0);

/// The last so many lines, the oldest first, each with its line end.
pub(crate) fn recent(count: usize) -> Vec<Arc<str>> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.iter()
        .skip(kept.len().saturating_sub(count))
        .cloned()
        .collect()
}

/// The lines from now on.
pub(crate) fn follow() -> broadcast::Receiver<Arc<str>> {
    COMING.subscribe()
}

/// For as long as this lives, lines are not written to standard error: somebody who follows them shows them on the same
/// terminal.
pub(crate) struct Diverted(());

pub(crate) fn divert() -> Diverted {
    DIVERTED.fetch_add(1, Ordering::SeqCst);
    Diverted(())
}

impl Drop for Diverted {
    fn drop(&mut self) {
        DIVERTED.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(super) fn are_diverted() -> bool {
    DIVERTED.load(Ordering::SeqCst) > 0
}

/// Takes in a line that holds no secret any more.
pub(super) fn keep(line: &[u8]) {
    let line: Arc<str> = String::from_utf8_lossy(&line[..line.len().min(LONGEST)]).into();
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() == MANY {
        kept.pop_front();
    }
    kept.push_back(Arc::clone(&line));
    // In the same order as they are kept. Nobody may follow.
    let _ = COMING.send(line);
}

/// Where lines go that are kept and not written.
pub(super) struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
