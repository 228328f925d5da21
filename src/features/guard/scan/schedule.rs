//! When groups are scanned by themselves.

use std::collections::HashSet;
use std::time::Duration;

use super::super::desk::Desk;
use super::super::group::Group;
use super::super::moment::Moment;
use super::super::work::Work;
use super::super::{Failed, Tools};
use super::quiet::quiet_until;
use super::{Step, run};

/// Groups that are due within this time of each other are scanned in one run.
const TOGETHER: Duration = Duration::from_secs(1);
/// While groups are being scanned it is looked so often whether they are due again.
const LOOK: Duration = Duration::from_secs(5 * 60);
/// No group is scanned more often, whatever is kept of it.
const OFTENEST: Duration = Duration::from_secs(10 * 60);

/// The schedule may look different now: settings have changed, or groups have come.
pub(in super::super) fn changed(tools: &Tools) -> Result<(), Failed> {
    Step::Changed.now(&tools.state)
}

/// Begins with a group's first case: from then on scans are wanted.
pub(in super::super) fn begin(desk: &mut Desk<'_>) -> Result<(), Failed> {
    if desk.group.scanned == Moment::default() {
        desk.group.scanned = desk.now;
        changed(desk.tools)?;
    }
    Ok(())
}

/// Scans who is due, and has itself woken when somebody else will be.
pub(super) async fn ring(tools: &Tools) -> Result<(), Failed> {
    let now = Moment::now();
    let mut plan = Plan::default();
    let busy: HashSet<i64> = run::scheduled(tools).await?.into_iter().collect();
    for (chat, group) in run::groups(tools).await? {
        if busy.contains(&chat) {
            plan.wake(now + LOOK);
        } else {
            plan.add(chat, &group, now);
        }
    }
    if !plan.due.is_empty() {
        run::start_scheduled(tools, &plan.due).await?;
    }
    match plan.next {
        Some(next) => Work::Scan(Step::Ring).at(&tools.state, next, now)?,
        None => tools.state.cancel_timer(&Step::Ring.name())?,
    }
    Ok(())
}

/// Who is due, and when the next one is.
#[derive(Default)]
struct Plan {
    due: Vec<(i64, String)>,
    next: Option<Moment>,
}

impl Plan {
    fn add(&mut self, chat: i64, group: &Group, now: Moment) {
        match due(group, now) {
            Some(at) if at <= now + TOGETHER => self.due.push((chat, group.title.clone())),
            Some(at) => self.wake(at),
            None => {}
        }
    }

    fn wake(&mut self, at: Moment) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

/// When a group is to be scanned: now at the earliest, however often that was missed. None where no scans are wanted.
fn due(group: &Group, now: Moment) -> Option<Moment> {
    let settings = &group.settings;
    let every = settings.scan_every.filter(|_| settings.is_on)?;
    if group.scanned == Moment::default() {
        return None;
    }
    let at = (group.scanned + every.max(OFTENEST)).max(now);
    Some(quiet_until(settings.quiet, &settings.zone, at).unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    /// Midnight, UTC.
    const DAY: u64 = 20_000 * 24 * HOUR;

    fn group(scanned: u64, quiet: Option<(u8, u8)>) -> Group {
        let mut group = Group {
            scanned: Moment(scanned),
            ..Group::default()
        };
        group.settings.is_on = true;
        group.settings.quiet = quiet;
        group
    }

    #[test]
    fn a_group_is_due_so_long_after_its_last_scan() {
        let group = group(DAY + 9 * HOUR, None);
        let at = Moment(DAY + 13 * HOUR);
        assert_eq!(due(&group, Moment(DAY + 10 * HOUR)), Some(at));
        assert_eq!(due(&group, at), Some(at));
    }

    #[test]
    fn scans_that_were_missed_are_one_scan_now() {
        let mut group = group(DAY, None);
        let now = Moment(DAY + 100 * HOUR);
        assert_eq!(due(&group, now), Some(now));
        group.scanned = now;
        assert_eq!(due(&group, now), Some(Moment(DAY + 104 * HOUR)));
    }

    #[test]
    fn no_group_is_scanned_more_often_than_every_ten_minutes() {
        let mut group = group(DAY, None);
        group.settings.scan_every = Some(Duration::ZERO);
        let at = Moment(DAY + HOUR / 6);
        assert_eq!(due(&group, Moment(DAY)), Some(at));
    }

    #[test]
    fn in_quiet_hours_a_group_is_due_when_they_end() {
        let group = group(DAY + 20 * HOUR, Some((22, 8)));
        let morning = Some(Moment(DAY + 32 * HOUR));
        assert_eq!(due(&group, Moment(DAY + 21 * HOUR)), morning);
        assert_eq!(due(&group, Moment(DAY + 25 * HOUR)), morning);
        let late = Moment(DAY + 33 * HOUR);
        assert_eq!(due(&group, late), Some(late));
    }

    #[test]
    fn without_a_switch_an_interval_or_a_case_none_is_due() {
        let now = Moment(DAY);
        let mut off = group(1, None);
        off.settings.is_on = false;
        let mut by_command = group(1, None);
        by_command.settings.scan_every = None;
        for group in [off, by_command, group(0, None)] {
            assert_eq!(due(&group, now), None);
        }
    }

    #[test]
    fn one_timer_is_set_by_the_next_who_is_not_due_yet() {
        let now = Moment(DAY + 12 * HOUR);
        let mut plan = Plan::default();
        for (chat, scanned) in [(-1, 11), (-2, 1), (-3, 10)] {
            plan.add(chat, &group(DAY + scanned * HOUR, None), now);
        }
        assert_eq!(plan.due, [(-2, String::new())]);
        assert_eq!(plan.next, Some(Moment(DAY + 14 * HOUR)));
    }
}
