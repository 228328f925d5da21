//! What a process is doing, for an operator.

use std::fmt::Write as _;
use std::time::Duration;

use crate::lifecycle::{Dump, ServiceState};

/// The phase, the services with their work, and what waits in the store.
pub(super) fn text(dump: &Dump, backlog: &str) -> String {
    let mut text = format!(
        "{} is {}, up {}\n",
        dump.name,
        dump.snapshot.phase,
        seconds(dump.uptime)
    );
    if let Some(hook) = &dump.snapshot.hook {
        let _ = writeln!(text, "hook {hook} runs");
    }
    let _ = writeln!(text, "backlog {backlog}");
    text + &services(dump)
}

/// A line for each service: its state, how often it was restarted, what it has in hand and when it was last heard of, which of a
/// poller is its last poll.
pub(super) fn services(dump: &Dump) -> String {
    let mut text = String::new();
    for (service, said) in dump.snapshot.services.iter().zip(&dump.said) {
        let since = dump.uptime.saturating_sub(service.since);
        let _ = write!(
            text,
            "{:<12} {} for {}",
            service.name,
            coloured(service.state),
            seconds(since)
        );
        if service.restarts > 0 {
            let _ = write!(text, ", restarts {}", service.restarts);
        }
        if let Some(work) = &said.work {
            let _ = write!(text, ", {work}");
        }
        if let Some(ago) = said.heard.filter(|_| service.state == ServiceState::Ready) {
            let _ = write!(text, ", heard of {} ago", seconds(ago));
        }
        if !service.status.is_empty() {
            let _ = write!(text, "; {}", service.status);
        }
        text.push('\n');
    }
    text
}

/// Green is well, yellow is on its way, red is not. Who shows it without colours leaves them out.
fn coloured(state: ServiceState) -> String {
    let colour = match state {
        ServiceState::Ready => 32,
        ServiceState::Backoff | ServiceState::Abandoned => 31,
        ServiceState::Pending | ServiceState::Stopped => 2,
        ServiceState::Starting | ServiceState::Draining | ServiceState::Stopping => 33,
    };
    format!("\x1b[{colour}m{state}\x1b[0m")
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        _ => humantime::format_duration(Duration::from_secs(time.as_secs())).to_string(),
    }
}
