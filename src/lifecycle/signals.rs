//! SIGTERM and SIGINT: stop requests for the supervisor, and a deadline that does not need it.
//!
//! The listener runs on the runtime, as everything does that a stop needs. Where every thread of the runtime is
//! blocked, nobody would hear it; so a thread of its own waits for the same signals and arms the hard deadline.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::{Handle as Closer, Signals};
use signal_hook_tokio::SignalsInfo;
use tokio_stream::StreamExt;

use super::deadline::HardDeadline;
use super::{Handle, StopReason};

const STOP_SIGNALS: [i32; 2] = [SIGTERM, SIGINT];

/// Registers what a third signal does: it ends the process at once, by the signal's default action. As process 1 of a
/// container, where the kernel does not carry that out, it exits with 128 and the signal's number instead. SIGUSR1 does
/// nothing from now on, until the supervisor answers it with a dump.
///
/// The handlers run in signal context and need no runtime, so call this before the runtime is built; the
/// supervisor does it otherwise. Until the supervisor has seen a second signal they do nothing.
///
/// # Errors
/// Where the operating system refuses a handler.
pub fn prepare() -> io::Result<()> {
    immediate().map(|_| ())
}

/// Whether from now on the next signal ends the process.
pub(super) fn arm_immediate(on: bool) {
    if let Ok(armed) = immediate() {
        armed.store(on, Ordering::SeqCst);
    }
}

fn immediate() -> io::Result<&'static Arc<AtomicBool>> {
    static ARMED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(armed) = ARMED.get() {
        return Ok(armed);
    }
    let armed = Arc::new(AtomicBool::new(false));
    for signal in STOP_SIGNALS {
        if std::process::id() == 1 {
            let code = 128 + signal;
            signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(&armed))?;
        } else {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&armed))?;
        }
    }
    signal_hook::flag::register(SIGUSR1, Arc::default())?;
    Ok(ARMED.get_or_init(|| armed))
}

/// The listener: registered when this returns, so that a signal during start-up is not missed.
pub(super) fn listen() -> io::Result<SignalsInfo<WithOrigin>> {
    immediate()?.store(false, Ordering::SeqCst);
    SignalsInfo::<WithOrigin>::new(STOP_SIGNALS)
}

/// Turns every signal into a stop request, for as long as it is polled.
pub(super) async fn forward(mut signals: SignalsInfo<WithOrigin>, handle: Handle) {
    while let Some(origin) = signals.next().await {
        handle.request_stop(StopReason::Signal {
            signo: origin.signal,
            pid: origin.process.as_ref().map(|process| process.pid),
            uid: origin.process.map(|process| process.uid),
        });
    }
}

/// A thread that arms the hard deadline at the first stop signal, whatever the runtime does. Dropped, it ends, and what
/// it has armed is disarmed.
pub(super) struct Watch {
    closer: Closer,
    /// With the iterator: its end of the pipe must live as long as the handler writes to it.
    armed: Arc<Mutex<Option<(HardDeadline, Signals)>>>,
}

impl Watch {
    /// `time` is what the process may take from the signal to its end.
    ///
    /// # Errors
    /// Where the operating system refuses a handler or a thread.
    pub(super) fn start(handle: &Handle, time: Duration) -> io::Result<Self> {
        let mut signals = Signals::new(STOP_SIGNALS)?;
        let (closer, armed) = (
            signals.handle(),
            Arc::<Mutex<Option<(HardDeadline, Signals)>>>::default(),
        );
        let (handle, slot) = (handle.clone(), Arc::clone(&armed));
        thread::Builder::new()
            .name("signal-watch".into())
            .spawn(move || {
                if signals.forever().next().is_some()
                    && let Ok(deadline) = HardDeadline::arm(&handle, Instant::now() + time)
                {
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some((deadline, signals));
                }
            })?;
        Ok(Self { closer, armed })
    }

    /// Leaves what is armed as it is.
    pub(super) fn stay_armed(self) {
        std::mem::forget(
            self.armed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.closer.close();
    }
}

/// A thread that answers SIGUSR1 with a dump in the log, whatever the runtime does. Dropped, it ends.
pub(super) struct Dumper(Closer);

impl Dumper {
    /// # Errors
    /// Where the operating system refuses a handler or a thread.
    pub(super) fn start(handle: &Handle) -> io::Result<Self> {
        let mut signals = Signals::new([SIGUSR1])?;
        let (closer, handle) = (signals.handle(), handle.clone());
        thread::Builder::new()
            .name("signal-dump".into())
            .spawn(move || {
                for _ in signals.forever() {
                    handle.dump().tell();
                }
            })?;
        Ok(Self(closer))
    }
}

impl Drop for Dumper {
    fn drop(&mut self) {
        self.0.close();
    }
}
