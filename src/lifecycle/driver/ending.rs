//! The supervisor's own end: what is still there, and the report.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::last_words;
use super::super::machine::SIGNAL_DEBOUNCE;
use super::{Driver, Report};

/// What an aborted task may take to end at its next await.
const ABORT_GRACE: Duration = Duration::from_millis(100);

impl Driver {
    pub(super) async fn finish(mut self) -> Report {
        if let Some(listening) = self.listening.take() {
            let last = self.machine.last_signal().map(|at| self.began + at);
            listening.end(last.map_or(Duration::ZERO, |at| {
                SIGNAL_DEBOUNCE.saturating_sub(at.elapsed())
            }));
        }
        let stuck = self.stuck().await;
        self.handle.remarks.is_stuck(stuck.clone());
        let remarks = self.handle.remarks.conclude();
        if !stuck.is_empty() || remarks.iter().any(|remark| remark.left_behind) {
            // What hangs cleans nothing up.
            last_words::say();
            // It may block the end of the runtime; the deadlines stay armed for that.
            std::mem::forget(self.deadline.take());
            if let Some(watch) = self.watch.take() {
                watch.stay_armed();
            }
        }
        let name = self.handle.name().to_owned();
        let report = Report::new(name, &self.machine, remarks, stuck, self.began.elapsed());
        if let Some(notifier) = &mut self.notifier {
            let (kind, error) = (report.exit_kind(), report.first_error());
            let text = match error {
                Some((name, error)) => format!("{name}: {error}"),
                None => format!("stopped, exit code {}", kind.code()),
            };
            notifier.ends(kind, &text);
        }
        report
    }

    /// Names of the services and hooks that have not ended.
    fn unended(&self) -> Vec<String> {
        let services = self.services.iter().filter_map(|(id, service)| {
            let name = &self.machine.services()[id.0].name;
            if !service.task.is_finished() {
                Some(name.clone())
            } else if !service.tasks.have_ended() {
                Some(format!("{name} (a task of it)"))
            } else {
                None
            }
        });
        let hooks = self
            .hook_tasks
            .iter()
            .filter(|(_, task)| !task.is_finished());
        let hooks = hooks.map(|(id, _)| {
            let name = &self.machine.hook(*id).name;
            format!("hook {} {name}", id.stage)
        });
        services.chain(hooks).collect()
    }

    /// The same, after what was just aborted has had a moment to end.
    async fn stuck(&mut self) -> Vec<String> {
        let give_up = Instant::now() + ABORT_GRACE;
        loop {
            let unended = self.unended();
            if unended.is_empty() || Instant::now() >= give_up {
                return unended;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }
}
