//! The live line at the bottom of a terminal while the bot stops: what it waits for, and until when.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::time::Duration;

use indicatif::ProgressStyle;
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
    let is_shown = telemetry::live_line().is_some();
    let watched = run(Box::new(move |builder| {
        let _ = tell.send(builder.handle());
        if is_shown {
            builder.progress_every(None)
        } else {
            builder
        }
    }));
    tokio::select! {
        biased;
        output = watched => output,
        never = show(told) => match never {},
    }
}

async fn show(told: oneshot::Receiver<Handle>) -> Infallible {
    let (Some(line), Ok(handle)) = (telemetry::live_line(), told.await) else {
        return pending().await;
    };
    handle.reached(Phase::Draining).await;
    let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("a constant");
    line.set_style(style);
    let _clear = ClearOnDrop;
    loop {
        sleep(REFRESH).await;
        line.set_message(text(&handle));
        line.tick();
    }
}

fn text(handle: &Handle) -> String {
    let dump = handle.dump();
    let waiting_for = dump.still_running();
    let is_fast = dump.snapshot.stop.as_ref().is_some_and(|stop| stop.is_fast);
    match dump.cancelled_in() {
        _ if is_fast => format!("stopping now: {waiting_for} (Ctrl-C again: end at once)"),
        Some(left) => {
            let left = left.as_secs_f64();
            format!("stopping: {waiting_for}, cancelled in {left:.1} s (Ctrl-C again: cancel now)")
        }
        None => format!("stopping: {waiting_for}, cancelled"),
    }
}

struct ClearOnDrop;

impl Drop for ClearOnDrop {
    fn drop(&mut self) {
        if let Some(line) = telemetry::live_line() {
            line.finish_and_clear();
        }
    }
}
