//! What is done right before the process ends from outside the runtime: by its hard deadline, or by a signal that takes its
//! default action from now on; and when the supervisor ends while something hangs that would have done it.
//!
//! A terminal that a prompt has changed has to be put back even then. Such words run on whatever thread ends the process, so
//! they must be quick, block on nothing and need no runtime; they may run more than once.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::panics::catch;

type Words = Box<dyn Fn() + Send>;

fn all() -> &'static Mutex<Vec<(u64, Words)>> {
    static ALL: OnceLock<Mutex<Vec<(u64, Words)>>> = OnceLock::new();
    ALL.get_or_init(Mutex::default)
}

/// What is done right before the process is ended from outside the runtime, by the hard deadline or by a further signal: what
/// must not be left behind then, like a terminal that was changed. Dropped, it is not done any more.
///
/// Words run on whatever thread ends the process, so they must be quick, block on nothing and need no runtime. They may run
/// more than once, and the process may go on for a moment after them. Nothing runs before a SIGKILL.
#[derive(Debug)]
#[must_use = "dropped, nothing is said"]
pub struct LastWords(u64);

impl LastWords {
    /// Has this done before the process is ended from outside the runtime. A panic in it is caught.
    pub fn new(words: impl Fn() + Send + 'static) -> Self {
        let mut all = all().lock().unwrap_or_else(PoisonError::into_inner);
        let id = all.last().map_or(0, |(id, _)| id + 1);
        all.push((id, Box::new(words)));
        Self(id)
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        let mut all = all().lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(id, _)| *id != self.0);
    }
}

/// Says them all.
pub(super) fn say() {
    // Whoever holds the lock is registering, and is not waited for.
    if let Ok(all) = all().try_lock() {
        for (_, words) in all.iter() {
            let _ = catch(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn words_are_said_while_whoever_registered_them_lives_and_a_panic_silences_nobody() {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let panics = LastWords::new(|| panic!("out of breath"));
        let counts = LastWords::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        say();
        drop(counts);
        say();
        drop(panics);
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}
