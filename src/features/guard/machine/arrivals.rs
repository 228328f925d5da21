//! Cases that begin: somebody has joined, or asks to.

use std::time::Duration;

use super::turn::Turn;
use super::{Context, Deed, Effect, Reply, Step, unchanged};
use crate::features::guard::case::{Case, Route, Status};
use crate::features::guard::group::NoticeKind;
use crate::features::guard::moment::Moment;

/// For so long Telegram lets a bot write to somebody who asks to join.
const REQUEST_TIME: Duration = Duration::from_secs(5 * 60);

pub(super) fn joined(
    old: Option<Case>,
    name: &str,
    is_vouched: bool,
    since: Moment,
    cx: &Context<'_>,
) -> Step {
    // The same join, told twice.
    if old.as_ref().is_some_and(Case::is_in_group) {
        return unchanged(old);
    }
    if let Some(passed) = &old
        && is_vouched
        && passed.status == Status::Passed
    {
        // Let in on their request, for which they have verified.
        let route = Route::Joined;
        let case = passed.clone();
        let mut turn = Turn::new(Case { route, ..case }, cx);
        turn.lift_what_is_left();
        return turn.done(Reply::Ok);
    }
    let mut case = open(old.as_ref(), name, Route::Joined, cx.settings.deadline, cx);
    case.came = since;
    let mut turn = Turn::new(case, cx);
    // What they were sent when they asked is not to be answered any more.
    turn.take_back_from(old.as_ref());
    if is_vouched || cx.is_trusted {
        turn.case.status = Status::Passed;
        turn.end();
        turn.lift_what_is_left();
    } else if cx.declines {
        turn.remove_as(Status::Rejected);
    } else {
        turn.mute();
        turn.effects.push(Effect::Prompt);
        turn.wake();
    }
    turn.done(Reply::Ok)
}

pub(super) fn requested(
    old: Option<Case>,
    name: &str,
    write_to: i64,
    since: Moment,
    cx: &Context<'_>,
) -> Step {
    if old.as_ref().is_some_and(Case::is_waiting) {
        return unchanged(old);
    }
    let time = cx.settings.deadline.min(REQUEST_TIME);
    let route = Route::Requested { write_to };
    let mut case = open(old.as_ref(), name, route, time, cx);
    // Telegram counts the time from then.
    case.opened = since.min(cx.now);
    let mut turn = Turn::new(case, cx);
    if cx.is_trusted {
        turn.case.status = Status::Passed;
        turn.effects.push(Effect::Do(Deed::Approve));
        turn.end();
    } else if cx.declines {
        turn.remove_as(Status::Rejected);
    } else if cx.settings.approve_first {
        // What they have to verify begins when they are in.
        let effects = vec![Effect::Notice(NoticeKind::Asks), Effect::Do(Deed::Approve)];
        let reply = Reply::Ok;
        return Step {
            case: old,
            effects,
            reply,
        };
    } else {
        turn.effects.push(Effect::Notice(NoticeKind::Asks));
        turn.ask();
        turn.wake();
    }
    turn.done(Reply::Ok)
}

fn open(
    old: Option<&Case>,
    name: &str,
    route: Route,
    allowance: Duration,
    cx: &Context<'_>,
) -> Case {
    Case {
        chat: cx.chat,
        user: cx.user,
        name: name.to_owned(),
        status: Status::Pending,
        route,
        opened: cx.now,
        came: cx.now,
        allowance,
        warnings: cx.settings.warnings,
        attempts: cx.settings.attempts.max(1),
        challenge: None,
        asked: None,
        is_unreachable: false,
        is_muted: old.is_some_and(|old| old.is_muted),
        ending: None,
        ended: None,
    }
}
