//! The time for which the bot was down: nobody's fault but its own, so nobody's deadline.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::scan::schedule;
use super::work::Work;
use super::{Failed, Tools};

const NAME: &str = "guard/clock";
/// How often the guard notes that it is alive. A crash costs those who wait no more than that.
const EVERY: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_secs(3_600);
/// Longer than any case waits.
const REMEMBERED: Duration = Duration::from_secs(32 * 24 * 3_600);

/// When the guard was alive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Clock {
    alive: Moment,
    /// From when to when it was not.
    pauses: Vec<(Moment, Moment)>,
    /// When it last had the schedule looked at, which else only looks after itself.
    scheduled: Moment,
}

impl Clock {
    /// As it is now. Whoever comes first after a start sees the pause before it, whether it has been noted yet or not.
    pub(super) async fn read(tools: &Tools) -> Result<Self, Failed> {
        let mut clock: Self = tools.state.get(NAME).await?.unwrap_or_default();
        let started = Moment::now().before(tools.handle.uptime());
        clock.resumes(started);
        Ok(clock)
    }

    /// For how long the bot was down between these times.
    pub(super) fn downtime(&self, from: Moment, to: Moment) -> Duration {
        let overlap = |(down, up): &(Moment, Moment)| (*up).min(to).since((*down).max(from));
        self.pauses.iter().map(overlap).sum()
    }

    fn resumes(&mut self, started: Moment) {
        let is_pause = self.alive != Moment::default() && self.alive < started;
        if is_pause {
            self.pauses.push((self.alive, started));
            self.alive = started;
        }
    }
}

/// Has the pulse begin, where it does not beat.
pub(super) async fn start(tools: &Tools) -> Result<(), Failed> {
    let clock: Option<Clock> = tools.state.get(NAME).await?;
    let has_stopped = |clock: Clock| Moment::now().since(clock.alive) > 4 * EVERY;
    if clock.is_none_or(has_stopped) {
        Work::Pulse.now(&tools.state)?;
    }
    Ok(())
}

/// Notes that the guard is alive.
pub(super) async fn pulse(tools: &Tools) -> Result<(), Failed> {
    let now = Moment::now();
    let mut clock = Clock::read(tools).await?;
    clock.alive = now;
    let oldest = now.before(REMEMBERED);
    clock.pauses.retain(|(_, up)| *up > oldest);
    if now.since(clock.scheduled) > LOOK {
        clock.scheduled = now;
        schedule::changed(tools)?;
    }
    tools.state.put(NAME, &clock)?;
    Work::Pulse.after(&tools.state, EVERY)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_while_somebody_waited_is_credited() {
        let mut clock = Clock {
            alive: Moment(10_000),
            pauses: vec![(Moment(1_000), Moment(3_000))],
            scheduled: Moment(10_000),
        };
        clock.resumes(Moment(15_000));
        clock.resumes(Moment(15_000));
        let credit = |from, to| clock.downtime(Moment(from), Moment(to)).as_millis();
        assert_eq!(credit(0, 20_000), 7_000);
        assert_eq!(credit(2_000, 12_000), 3_000, "a part of each");
        assert_eq!(credit(15_000, 20_000), 0);
    }

    #[test]
    fn a_guard_that_was_never_down_credits_nothing() {
        let mut clock = Clock::default();
        clock.resumes(Moment(15_000));
        assert_eq!(clock.downtime(Moment(0), Moment(20_000)), Duration::ZERO);
    }
}
