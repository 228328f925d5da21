//! Panics, caught with their message, their place and their backtrace.
//!
//! The payload of a panic has its message alone. Where and how it came about is known only to the process's panic
//! hook, on the thread that panics, before the stack is unwound; so a hook of ours, in front of the one that was
//! there, keeps it for whoever catches the panic on the same thread.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// Source file, line and column.
    pub place: Option<String>,
    /// The stack at that moment; empty where `RUST_BACKTRACE=0` does not want it.
    pub backtrace: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        match &self.place {
            Some(place) => write!(f, ", at {place}"),
            None => Ok(()),
        }
    }
}

impl Panic {
    /// A panic of which only the payload is left.
    pub(super) fn of(payload: &(dyn Any + Send)) -> Self {
        if let Some(panic) = payload.downcast_ref::<Self>() {
            return panic.clone(); // It was caught elsewhere, and passed on.
        }
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self::saying(text.unwrap_or_else(|| "a panic without a message".to_owned()))
    }

    /// A panic of which only the message is known.
    pub(super) fn saying(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            backtrace: String::new(),
        }
    }
}

type Last = (Option<String>, String, Option<Backtrace>);

thread_local! {
    /// How many callers on this thread would catch a panic now.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    /// Message, place and stack of the panic that happened last.
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Puts our panic hook in front of the one there is, once in a process.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let wants_trace = std::env::var_os("RUST_BACKTRACE").is_none_or(|value| value != "0");
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CATCHING.get() > 0 {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                let message = info.payload_as_str().map(str::to_owned);
                LAST.set(Some((
                    message,
                    place,
                    wants_trace.then(Backtrace::force_capture),
                )));
            }
            previous(info);
        }));
    });
}

/// Runs this, and returns its panic as a value.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    install();
    CATCHING.set(CATCHING.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(CATCHING.get() - 1);
    result.map_err(|payload| {
        let mut caught = Panic::of(payload.as_ref());
        // The hook does not run for a panic that is resumed; what it saw last is another one's then.
        if let Some((message, place, backtrace)) = LAST.take()
            && caught.place.is_none()
            && message.is_none_or(|message| message == caught.message)
        {
            caught.place = Some(place);
            caught.backtrace = backtrace.map(|trace| trace.to_string()).unwrap_or_default();
        }
        caught
    })
}

/// A future that resolves to its panic where it has one.
///
/// # Cancel safety
/// As safe as the future in it.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch(|| future.as_mut().poll(cx)) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_with_message_place_and_backtrace() {
        let caught = caught(async {
            tokio::task::yield_now().await;
            panic!("out of {}", "tea")
        });
        let panic: Panic = caught.await.map(|(): ()| ()).unwrap_err();
        assert_eq!(panic.message, "out of tea");
        assert!(
            panic.place.as_deref().unwrap().contains("panics.rs:"),
            "{panic}"
        );
        assert!(
            panic.backtrace.contains("panics::tests"),
            "{}",
            panic.backtrace
        );
    }

    #[test]
    fn a_panic_that_somebody_else_caught_does_not_lend_its_place() {
        let _ = catch(|| catch_unwind(|| panic!("first")));
        let panic = catch(|| panic::resume_unwind(Box::new("second"))).unwrap_err();
        assert_eq!((panic.message.as_str(), panic.place), ("second", None));
    }
}
