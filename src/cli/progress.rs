//! The live line at the bottom of a terminal while the bot stops: what it waits for, and until when.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::lifecycle::{Builder, Handle, Phase};
use crate::telemetry;

/// How often the line is drawn anew; a stop that is shorter shows none.
const REFRESH: Duration = Duration::from_millis(100);

/// Runs a supervisor with the live line where standard error is a terminal; elsewhere the supervisor's own log lines
/// tell the same. `run` is given what the supervisor's builder has to pass through.
pub(super) async fn with_live_line<F, R>(run: R) -> F::Output
where
    F: Future,
    R: FnOnce(Box<dyn FnOnce(Builder) -> Builder + Send>) -> F,
{
    let (tell, told) = oneshot::channel();
    let is_terminal = io::stderr().is_terminal();
    let watched = run(Box::new(move |builder| {
        let _ = tell.send(builder.handle());
        if is_terminal {
            builder.progress_every(None)
        } else {
            builder
        }
    }));
    tokio::select! {
        biased;
        output = watched => output,
        never = show(told), if is_terminal => match never {},
    }
}

async fn show(told: oneshot::Receiver<Handle>) -> Infallible {
    let Ok(handle) = told.await else {
        return pending().await;
    };
    handle.reached(Phase::Draining).await;
    sleep(REFRESH).await;
    let line = ClearOnDrop(telemetry::live_line());
    loop {
        line.0.set_message(text(&handle));
        line.0.tick();
        sleep(REFRESH).await;
    }
}

fn text(handle: &Handle) -> String {
    let dump = handle.dump();
    let waiting_for = dump.still_running();
    let is_fast = dump.snapshot.stop.as_ref().is_some_and(|stop| stop.is_fast);
    // What a narrow terminal cuts off comes last.
    match dump.cancelled_in() {
        _ if is_fast => format!("cancelled; Ctrl-C ends it at once: {waiting_for}"),
        Some(left) => {
            let left = left.as_secs_f64();
            format!("cancelled in {left:.1} s, or by Ctrl-C: {waiting_for}")
        }
        None => format!("cancelled: {waiting_for}"),
    }
}

struct ClearOnDrop(&'static ProgressBar);

impl Drop for ClearOnDrop {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
