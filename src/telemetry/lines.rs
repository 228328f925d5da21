//! The last lines, and those that come, for whoever wants to see them besides standard error.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::broadcast;

/// Lines that are kept, of at most [`LONGEST`] bytes.
const MANY: usize = 1_000;
const LONGEST: usize = 16_384;
/// What whoever shows diverted lines may take to do so, before they go to standard error after all.
const UNSHOWN_FOR: Duration = Duration::from_secs(2);
/// What that may take at the end of the process.
const LAST_MOMENT: Duration = Duration::from_millis(200);

static LINES: LazyLock<Lines> = LazyLock::new(Lines::new);
static DIVERTED: AtomicUsize = AtomicUsize::new(0);

/// The last so many lines, the oldest first, each with its line end.
pub(crate) fn recent(count: usize) -> Vec<Arc<str>> {
    LINES.recent(count)
}

/// The lines from now on.
pub(crate) fn follow() -> broadcast::Receiver<Arc<str>> {
    LINES.coming.subscribe()
}

/// For as long as this lives, lines are not written to standard error: somebody who follows them shows them on the same
/// terminal.
///
/// That somebody needs the runtime, which may be blocked. So lines of threads that are not the runtime's, such as the dump on
/// SIGUSR1, are written after all where they are not taken soon, with all that wait before them; and see [`write_unshown`].
/// Some may appear twice then.
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
    LINES.keep(line);
}

/// Writes diverted lines that nobody has taken to standard error: for the end of the process, so it waits a moment for a
/// terminal that does not read, and no longer.
pub(crate) fn write_unshown() {
    let (written, is_written) = mpsc::channel::<()>();
    let writer = thread::Builder::new().spawn(move || {
        write_to_stderr(&LINES.take_unshown());
        drop(written);
    });
    if writer.is_ok() {
        let _ = is_written.recv_timeout(LAST_MOMENT);
    }
}

/// Has a thread of its own look soon whether the lines up to here were taken, and write them where they were not. Nobody waits
/// for that thread, so a terminal that does not read holds up nobody else.
pub(super) fn see_that_they_are_shown() {
    static IS_LOOKING: AtomicBool = AtomicBool::new(false);
    if IS_LOOKING.swap(true, Ordering::SeqCst) {
        return;
    }
    let looking = thread::Builder::new().name("log-lines".into()).spawn(|| {
        thread::sleep(UNSHOWN_FOR);
        // First of all: a line that comes from here on needs a look of its own.
        IS_LOOKING.store(false, Ordering::SeqCst);
        // Else they are on their way there already.
        if are_diverted() {
            write_to_stderr(&LINES.take_unshown());
        }
    });
    if looking.is_err() {
        IS_LOOKING.store(false, Ordering::SeqCst);
    }
}

/// Through a descriptor of its own: whoever holds the lock on standard error may hang.
fn write_to_stderr(lines: &[Arc<str>]) {
    // In place of the row that is being typed.
    const CLEAR_ROW: &str = "\r\x1b[K";
    if lines.is_empty() {
        return;
    }
    let text = CLEAR_ROW.to_owned() + &lines.concat();
    if let Ok(descriptor) = io::stderr().as_fd().try_clone_to_owned() {
        let _ = File::from(descriptor).write_all(text.as_bytes());
    }
}

struct Lines {
    kept: Mutex<Kept>,
    /// Whoever follows too slowly misses the oldest and is told how many.
    coming: broadcast::Sender<Arc<str>>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<Arc<str>>,
    /// Lines ever.
    count: usize,
    /// Of these, how many have been looked through for what nobody takes.
    looked_through: usize,
}

impl Lines {
    fn new() -> Self {
        Self {
            kept: Mutex::default(),
            coming: broadcast::Sender::new(MANY),
        }
    }

    fn recent(&self, count: usize) -> Vec<Arc<str>> {
        let lines = &self.kept().lines;
        let before = lines.len().saturating_sub(count);
        lines.iter().skip(before).cloned().collect()
    }

    fn keep(&self, line: &[u8]) {
        let line = cut(&String::from_utf8_lossy(line));
        let mut kept = self.kept();
        if kept.lines.len() == MANY {
            kept.lines.pop_front();
        }
        kept.lines.push_back(Arc::clone(&line));
        kept.count += 1;
        // In the same order as they are kept. Nobody may follow.
        let _ = self.coming.send(line);
    }

    /// The lines that not everybody who follows has taken, each of them once.
    fn take_unshown(&self) -> Vec<Arc<str>> {
        let mut kept = self.kept();
        // Nothing comes while the lock is held.
        let first = kept.count.saturating_sub(self.coming.len());
        let unshown = kept.count - first.max(kept.looked_through);
        kept.looked_through = kept.count;
        let before = kept.lines.len().saturating_sub(unshown);
        kept.lines.iter().skip(before).cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line that is not too long, with its line end.
fn cut(line: &str) -> Arc<str> {
    const END: char = '\n';
    if line.len() <= LONGEST {
        return line.into();
    }
    let mut end = LONGEST - END.len_utf8();
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let mut short = line[..end].to_owned();
    short.push(END);
    short.into()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Arc<str>]) -> Vec<&str> {
        lines.iter().map(|line| &**line).collect()
    }

    #[test]
    fn a_line_that_is_too_long_keeps_its_line_end() {
        let lines = Lines::new();
        lines.keep(format!("{}\n", "ä".repeat(LONGEST)).as_bytes());
        let kept = lines.recent(1);
        assert!(kept[0].len() <= LONGEST, "{}", kept[0].len());
        assert!(kept[0].ends_with("ä\n"));
        let longest = "x".repeat(LONGEST - 1) + "\n";
        lines.keep(longest.as_bytes());
        assert_eq!(*lines.recent(1)[0], *longest);
    }

    #[test]
    fn what_nobody_takes_is_found_once() {
        let lines = Lines::new();
        let mut follower = lines.coming.subscribe();
        lines.keep(b"taken\n");
        assert_eq!(&*follower.try_recv().unwrap(), "taken\n");
        assert!(lines.take_unshown().is_empty());
        lines.keep(b"one\n");
        lines.keep(b"two\n");
        assert_eq!(texts(&lines.take_unshown()), ["one\n", "two\n"]);
        lines.keep(b"three\n");
        assert_eq!(texts(&lines.take_unshown()), ["three\n"]);
        assert_eq!(&*follower.try_recv().unwrap(), "one\n", "not lost to it");
    }

    #[test]
    fn of_more_than_are_kept_the_last_are_found() {
        let lines = Lines::new();
        let _follower = lines.coming.subscribe();
        for _ in 0..MANY * 2 {
            lines.keep(b"x\n");
        }
        assert_eq!(lines.take_unshown().len(), MANY);
    }

    #[test]
    fn without_anybody_who_follows_nothing_is_missing() {
        let lines = Lines::new();
        lines.keep(b"on standard error\n");
        assert!(lines.take_unshown().is_empty());
    }
}
