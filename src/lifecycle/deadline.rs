//! The last resort: an OS thread that ends the process when a stop does not.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::{ExitKind, Handle, last_words};

/// How long the last line may take to be written.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// While it lives, the process ends at its time, even where every thread of the runtime is blocked.
pub(super) struct HardDeadline {
    _disarm: Sender<()>,
}

impl HardDeadline {
    /// # Errors
    /// Where the operating system refuses a thread.
    pub(super) fn arm(handle: &Handle, at: Instant) -> std::io::Result<Self> {
        let (disarm, disarmed) = mpsc::channel();
        let handle = handle.clone();
        thread::Builder::new()
            .name("hard-deadline".into())
            .spawn(move || {
                let wait = at.saturating_duration_since(Instant::now());
                if disarmed.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    end_now(handle);
                }
            })?;
        Ok(Self { _disarm: disarm })
    }
}

fn end_now(handle: Handle) {
    last_words::say();
    // From a thread that is not waited for long: a full pipe behind standard error may be what hangs. And through a
    // descriptor of its own: so may whoever holds the lock on it.
    let (written, done) = mpsc::channel::<()>();
    let _ = thread::Builder::new().spawn(move || {
        let dump = handle.dump();
        let culprits = match dump.still_running() {
            culprits if culprits.is_empty() => "the end of the process".to_owned(),
            culprits => culprits,
        };
        let text = format!(
            "{}: the hard deadline is reached because something blocks the process: {culprits}; it ends now with exit code 81",
            dump.name
        );
        if let Ok(descriptor) = std::io::stderr().as_fd().try_clone_to_owned() {
            let _ = writeln!(File::from(descriptor), "{text}");
        }
        drop(written);
    });
    let _ = done.recv_timeout(LAST_WORDS);
    signal_hook::low_level::exit(i32::from(ExitKind::Deadline.code()));
}
