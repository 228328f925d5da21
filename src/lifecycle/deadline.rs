//! The last resort: an OS thread that ends the process when a stop does not.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

use super::ExitKind;

/// While it lives, the process ends at its time, even where every thread of the runtime is blocked.
pub(super) struct HardDeadline {
    _disarm: Sender<()>,
}

impl HardDeadline {
    /// # Errors
    /// Where the operating system refuses a thread.
    pub(super) fn arm(name: &str, at: Instant) -> std::io::Result<Self> {
        let (disarm, disarmed) = mpsc::channel();
        let name = name.to_owned();
        thread::Builder::new()
            .name("hard-deadline".into())
            .spawn(move || {
                let wait = at.saturating_duration_since(Instant::now());
                if disarmed.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    end_now(&name);
                }
            })?;
        Ok(Self { _disarm: disarm })
    }
}

fn end_now(name: &str) {
    // A descriptor of its own: whoever holds the lock on standard error may be what hangs.
    if let Ok(descriptor) = std::io::stderr().as_fd().try_clone_to_owned() {
        let _ = writeln!(
            File::from(descriptor),
            "{name}: the hard deadline is reached because something blocks the process; it ends now with exit code 81"
        );
    }
    signal_hook::low_level::exit(i32::from(ExitKind::Deadline.code()));
}
