//! SIGTERM and SIGINT: stop requests for the supervisor, and a deadline that does not need it.
//!
//! The listener runs on the runtime, as everything does that a stop needs. Where every thread of the runtime is
//! blocked, nobody would hear it; so a thread of its own waits for the same signals and arms the hard deadline.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::{Handle as Closer, Signals};
use signal_hook_tokio::SignalsInfo;
use tokio_stream::StreamExt;

use super::deadline::HardDeadline;
use super::{Handle, StopReason};

const STOP_SIGNALS: [i32; 2] = [SIGTERM, SIGINT];

/// Registers what a third signal does: it ends the process at once, by the signal's default action. As process 1 of a
/// container, where the kernel does not carry that out, it exits with 128 and the signal's number instead.
///
/// The handlers run in signal context and need no runtime, so call this before the runtime is built; the supervisor does
/// it otherwise. While a supervisor listens they do nothing until it has seen a second signal; before and after, every
/// stop signal ends the process. SIGUSR1 does nothing from now on, until a supervisor answers it with a dump.
///
/// # Errors
/// Where the operating system refuses a handler.
pub fn prepare() -> io::Result<()> {
    default_action().map(|_| ())
}

/// What decides whether a stop signal takes its default action.
struct DefaultAction {
    is_armed: Arc<AtomicBool>,
    /// Supervisors of this process that listen.
    listeners: Mutex<usize>,
}

fn default_action() -> io::Result<&'static DefaultAction> {
    static ACTION: OnceLock<DefaultAction> = OnceLock::new();
    if let Some(action) = ACTION.get() {
        return Ok(action);
    }
    let is_armed = Arc::new(AtomicBool::new(true));
    for signal in STOP_SIGNALS {
        if std::process::id() == 1 {
            let code = 128 + signal;
            signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(&is_armed))?;
        } else {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&is_armed))?;
        }
    }
    signal_hook::flag::register(SIGUSR1, Arc::default())?;
    Ok(ACTION.get_or_init(|| DefaultAction {
        is_armed,
        listeners: Mutex::default(),
    }))
}

impl DefaultAction {
    fn listeners(&self) -> MutexGuard<'_, usize> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets signals end the process again, if nobody listens any more.
    fn arm_if_unheard(&self) {
        let listeners = self.listeners();
        if *listeners == 0 {
            self.is_armed.store(true, Ordering::SeqCst);
        }
    }
}

/// A supervisor that listens. Dropped, it leaves signals to their default action.
pub(super) struct Listening(&'static DefaultAction);

impl Listening {
    /// From now on the next signal ends the process, whoever listens.
    pub(super) fn arm_immediate(&self) {
        self.0.is_armed.store(true, Ordering::SeqCst);
    }

    /// Listens no more. The default action comes back after a while, because a signal that was heard may have an echo.
    pub(super) fn end(self, after: Duration) {
        let action = self.0;
        *action.listeners() -= 1;
        std::mem::forget(self);
        if after.is_zero() {
            return action.arm_if_unheard();
        }
        let later = thread::Builder::new().spawn(move || {
            thread::sleep(after);
            action.arm_if_unheard();
        });
        if later.is_err() {
            action.arm_if_unheard();
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        *self.0.listeners() -= 1;
        self.0.arm_if_unheard();
    }
}

/// The listener: registered when this returns, so that a signal during start-up is not missed.
pub(super) fn listen() -> io::Result<(SignalsInfo<WithOrigin>, Listening)> {
    let action = default_action()?;
    let signals = SignalsInfo::<WithOrigin>::new(STOP_SIGNALS)?;
    *action.listeners() += 1;
    action.is_armed.store(false, Ordering::SeqCst);
    Ok((signals, Listening(action)))
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

/// Registered when this returns.
///
/// # Errors
/// Where the operating system refuses a handler.
pub(super) fn listen_to_reloads() -> io::Result<SignalsInfo> {
    SignalsInfo::new([SIGHUP])
}

/// Turns every SIGHUP into a request to reload, for as long as it is polled.
pub(super) async fn forward_reloads(mut signals: SignalsInfo, handle: Handle) {
    while signals.next().await.is_some() {
        handle.request_reload();
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
