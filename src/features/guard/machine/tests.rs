//! What the machine decides.

mod model;

use super::*;
use crate::features::guard::moment::Moment;
use crate::features::guard::texts::Person;

const CHAT: i64 = -100;
const USER: i64 = 7;

fn settings() -> Settings {
    Settings {
        is_on: true,
        ..Settings::default()
    }
}

fn context(settings: &Settings, now: Moment, seed: u64) -> Context<'_> {
    Context {
        chat: CHAT,
        user: USER,
        now,
        settings,
        declines: false,
        is_trusted: false,
        downtime: Duration::ZERO,
        seed,
    }
}

fn join() -> Event {
    let name = "Eve".to_owned();
    Event::Joined {
        name,
        is_vouched: false,
        since: Moment(1_000),
    }
}

fn admin() -> Person {
    Person {
        id: 1,
        name: "Owner".to_owned(),
    }
}

/// A case and the effects of these events, one after another.
fn course(events: &[Event]) -> (Case, Vec<Effect>) {
    let settings = settings();
    let (mut case, mut effects) = (None, Vec::new());
    for (seed, event) in (5..).zip(events) {
        let cx = context(&settings, Moment(1_000), seed);
        let next = step(case, event, &cx);
        (case, effects) = (next.case, next.effects);
    }
    (case.unwrap(), effects)
}

fn right(case: &Case) -> Event {
    let challenge = case.challenge.as_ref().unwrap();
    let option = (0..challenge.options.len()).find(|option| challenge.is_right_option(*option));
    Event::Pressed {
        challenge: challenge.id,
        option: option.unwrap(),
    }
}

fn wrong(case: &Case) -> Event {
    let challenge = case.challenge.as_ref().unwrap();
    let option = (0..challenge.options.len()).find(|option| !challenge.is_right_option(*option));
    Event::Pressed {
        challenge: challenge.id,
        option: option.unwrap(),
    }
}

#[test]
fn who_joins_is_muted_and_named_and_has_a_deadline() {
    let (case, effects) = course(&[join()]);
    assert!(case.is_in_group());
    let until = Moment(1_000) + settings().deadline;
    assert_eq!(
        effects,
        [
            Effect::Do(Deed::Mute),
            Effect::Prompt,
            Effect::WakeAt(until)
        ]
    );
}

#[test]
fn a_right_answer_lifts_the_mute() {
    let (case, _) = course(&[join(), Event::Opened]);
    let (case, effects) = course(&[join(), Event::Opened, right(&case)]);
    assert_eq!(case.status, Status::Passed);
    assert!(effects.contains(&Effect::Do(Deed::Lift)));
    assert!(effects.contains(&Effect::Tell(Tell::Passed)));
}

#[test]
fn the_last_wrong_answer_removes() {
    let settings = settings();
    let cx = context(&settings, Moment(1_000), 5);
    let (mut case, _) = course(&[join(), Event::Opened]);
    for left in [2, 1, 0] {
        assert!(case.is_waiting());
        let event = wrong(&case);
        let next = step(Some(case), &event, &cx);
        case = next.case.unwrap();
        assert_eq!((next.reply, case.attempts), (Reply::Wrong, left));
    }
    assert_eq!(case.ending, Some(Status::Rejected));
    assert_eq!(case.status, Status::Pending, "until they are out");
    let next = step(Some(case), &Event::Done(Deed::Remove), &cx);
    assert_eq!(next.case.unwrap().status, Status::Rejected);
}

#[test]
fn a_button_of_an_earlier_challenge_does_not_count() {
    let (first, _) = course(&[join(), Event::Opened]);
    let (second, _) = course(&[join(), Event::Opened, wrong(&first)]);
    let (after, effects) = course(&[join(), Event::Opened, wrong(&first), right(&first)]);
    assert_eq!((after, effects), (second, Vec::new()));
}

#[test]
fn asking_again_brings_the_same_challenge() {
    let (first, _) = course(&[join(), Event::Opened]);
    let settings = settings();
    let cx = context(&settings, Moment(1_000), 99);
    let again = step(Some(first.clone()), &Event::Opened, &cx);
    assert_eq!(again.case.unwrap().challenge, first.challenge);
}

#[test]
fn the_button_in_the_group_is_for_those_who_cannot_be_written_to() {
    let (_, effects) = course(&[join(), Event::PressedInGroup]);
    assert_eq!(effects, []);
    let (case, _) = course(&[join(), Event::Unreachable, Event::PressedInGroup]);
    assert_eq!(case.status, Status::Passed);
}

#[test]
fn a_pause_of_the_bot_is_credited() {
    let settings = settings();
    let (case, _) = course(&[join()]);
    let over = Moment(1_000) + settings.deadline;
    let mut cx = context(&settings, over, 5);
    cx.downtime = Duration::from_secs(600);
    let next = step(Some(case.clone()), &Event::Due, &cx);
    assert!(next.case.unwrap().is_waiting());
    assert_eq!(next.effects, [Effect::WakeAt(over + cx.downtime)]);
    cx.now = over + cx.downtime;
    let next = step(Some(case), &Event::Due, &cx);
    assert_eq!(next.case.unwrap().ending, Some(Status::Expired));
}

#[test]
fn who_was_let_in_on_request_has_passed() {
    let settings = settings();
    let cx = context(&settings, Moment(1_000), 5);
    let name = "Eve".to_owned();
    let (write_to, is_vouched) = (70, true);
    let asks = Event::Requested {
        name: name.clone(),
        write_to,
        since: Moment(900),
    };
    let asked = step(None, &asks, &cx);
    let answer = right(asked.case.as_ref().unwrap());
    let passed = step(asked.case, &answer, &cx);
    assert!(passed.effects.contains(&Effect::Do(Deed::Approve)));
    let joined = step(
        passed.case,
        &Event::Joined {
            name,
            is_vouched,
            since: Moment(1_000),
        },
        &cx,
    );
    assert_eq!(joined.case.unwrap().status, Status::Passed);
    assert_eq!(joined.effects, []);
}

#[test]
fn an_administrators_word_holds_back_a_removal() {
    let (case, effects) = course(&[join(), Event::Rejected, Event::Approved { by: admin() }]);
    assert_eq!(case.status, Status::Passed);
    assert!(effects.contains(&Effect::Do(Deed::Lift)));
    assert!(!is_wanted(Deed::Remove, Some(&case), &settings()));
}

#[test]
fn somebody_whom_an_administrator_restricts_is_theirs() {
    let (case, effects) = course(&[join(), Event::TakenOver]);
    assert_eq!((case.status, case.is_muted), (Status::Passed, false));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Do(_))));
}

#[test]
fn a_mute_of_ours_is_known_as_ours_for_as_long_as_it_lasts() {
    let settings = settings();
    let (case, _) = course(&[join(), Event::Left]);
    let mut cx = context(&settings, Moment(1_000) + REMEMBERED, 5);
    assert!(step(Some(case.clone()), &Event::Due, &cx).case.is_some());
    cx.now = Moment(1_000) + crate::features::guard::case::MUTE;
    assert_eq!(step(Some(case), &Event::Due, &cx).case, None);
}

#[test]
fn a_mute_that_comes_after_the_pass_is_lifted() {
    let by = admin();
    let (case, effects) = course(&[join(), Event::Unmuted { by }, Event::Done(Deed::Mute)]);
    assert!(case.is_left_muted(Moment(1_000)));
    assert!(effects.contains(&Effect::Do(Deed::Lift)));
}

#[test]
fn an_approval_that_was_refused_is_tried_again_for_a_day() {
    let settings = settings();
    let mut cx = context(&settings, Moment(1_000), 5);
    let name = "Eve".to_owned();
    let (write_to, since) = (70, cx.now);
    let asks = Event::Requested {
        name,
        write_to,
        since,
    };
    let passed = step(
        step(None, &asks, &cx).case,
        &Event::Approved { by: admin() },
        &cx,
    );
    let failed = step(passed.case, &Event::Failed(Deed::Approve), &cx);
    assert_eq!(failed.effects, [Effect::WakeAt(cx.now + AGAIN)]);
    cx.now = cx.now + AGAIN;
    let again = step(failed.case.clone(), &Event::Due, &cx);
    assert!(again.effects.contains(&Effect::Do(Deed::Approve)));
    cx.now = cx.now + Duration::from_secs(24 * 3_600);
    let given_up = step(failed.case, &Event::Due, &cx);
    assert!(!given_up.effects.contains(&Effect::Do(Deed::Approve)));
}

#[test]
fn an_ended_case_is_remembered_for_thirty_days() {
    let settings = settings();
    let (case, _) = course(&[join(), Event::Removed]);
    let mut cx = context(&settings, Moment(1_000) + AGAIN, 5);
    assert!(step(Some(case.clone()), &Event::Due, &cx).case.is_some());
    cx.now = Moment(1_000) + REMEMBERED;
    assert_eq!(step(Some(case), &Event::Due, &cx).case, None);
}

#[test]
fn a_request_that_comes_too_late_to_be_answered_is_left_to_the_administrators() {
    let settings = settings();
    let cx = context(&settings, Moment(10_000_000), 5);
    let name = "Eve".to_owned();
    let (write_to, since) = (70, Moment(1_000));
    let asks = Event::Requested {
        name,
        write_to,
        since,
    };
    let asked = step(None, &asks, &cx);
    assert_eq!(asked.case.as_ref().unwrap().opened, since);
    let left = step(asked.case, &Event::Unreachable, &cx);
    assert_eq!(left.case, None);
    assert!(left.effects.contains(&Effect::NeverWake));
}

#[test]
fn a_guard_that_is_off_does_nothing_but_lift() {
    let mut settings = settings();
    settings.is_on = false;
    let (case, _) = course(&[join(), Event::Rejected]);
    assert!(!is_wanted(Deed::Remove, Some(&case), &settings));
    let (case, _) = course(&[join(), Event::Approved { by: admin() }]);
    assert!(is_wanted(Deed::Lift, Some(&case), &settings));
}

#[test]
fn a_removal_of_which_nothing_was_heard_is_asked_for_again() {
    let (case, _) = course(&[join(), Event::Rejected]);
    let settings = settings();
    let cx = context(&settings, Moment(1_000) + AGAIN, 5);
    let again = step(Some(case), &Event::Due, &cx);
    assert!(again.effects.contains(&Effect::Do(Deed::Remove)));
}

#[test]
fn nobody_answers_for_somebody_else() {
    let settings = settings();
    let cx = context(&settings, Moment(1_000), 5);
    for event in [Event::PressedInGroup, Event::Opened, Event::LastCall] {
        let next = step(None, &event, &cx);
        assert_eq!((next.reply, next.effects), (Reply::NotTheirs, Vec::new()));
    }
}
