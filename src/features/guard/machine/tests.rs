//! The machine against a model of a group: people, administrators, scans, deadlines, and a process that is killed.

use super::*;
use crate::features::guard::captcha::Kind;

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
    let joined = step(passed.case, &Event::Joined { name, is_vouched }, &cx);
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
fn a_mute_that_comes_after_the_pass_is_lifted() {
    let by = admin();
    let (case, effects) = course(&[join(), Event::Unmuted { by }, Event::Done(Deed::Mute)]);
    assert!(case.is_left_muted());
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
    let (case, _) = course(&[join(), Event::Left]);
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

/// A person in a group, as Telegram has it.
#[derive(Default)]
struct World {
    is_in: bool,
    is_muted: bool,
    asks: bool,
}

/// The guard's side: what is kept, and what is to be done.
struct Model {
    dice: fastrand::Rng,
    settings: Settings,
    world: World,
    case: Option<Case>,
    todo: Vec<Deed>,
    wake: Option<Moment>,
    now: Moment,
    downtime: Duration,
    trace: Vec<String>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut settings = settings();
        settings.captcha = Kind::ALL[dice.usize(..Kind::ALL.len())];
        settings.approve_first = dice.bool();
        settings.raid_declines = dice.bool();
        settings.warnings = dice.u8(0..4);
        Self {
            dice,
            settings,
            world: World::default(),
            case: None,
            todo: Vec::new(),
            wake: None,
            now: Moment(1_000_000),
            downtime: Duration::ZERO,
            trace: Vec::new(),
        }
    }

    fn event(&mut self, event: &Event) -> Reply {
        self.trace.push(format!("{event:?}"));
        let seed = self.dice.u64(..);
        let settings = self.settings.clone();
        let mut cx = context(&settings, self.now, seed);
        cx.downtime = self.downtime;
        cx.declines = settings.raid_declines && seed.is_multiple_of(5);
        let before = self.case.clone();
        let next = step(before.clone(), event, &cx);
        self.check_step(before.as_ref(), event, &next);
        if let Event::Joined { .. } | Event::Requested { .. } = event {
            self.downtime = Duration::ZERO;
        }
        for effect in next.effects {
            match effect {
                Effect::Do(deed) => self.todo.push(deed),
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::NeverWake => self.wake = None,
                _ => {}
            }
        }
        self.case = next.case;
        next.reply
    }

    fn check_step(&self, before: Option<&Case>, event: &Event, next: &Step) {
        let status = |case: Option<&Case>| case.map(|case| case.status);
        let opens = matches!(event, Event::Joined { .. } | Event::Requested { .. });
        let (was, is) = (status(before), status(next.case.as_ref()));
        let is_allowed = opens
            || was == is
            || was == Some(Status::Pending)
            || (was == Some(Status::Passed) && matches!(is, Some(Status::Left | Status::Kicked)))
            || (*event == Event::Due && is.is_none());
        assert!(is_allowed, "{was:?} → {is:?}: {:#?}", self.trace);
        if let (Some(before), Some(after)) = (before, &next.case)
            && !opens
        {
            let took = before.warnings - after.warnings;
            assert!(
                took <= u8::from(*event == Event::Warned),
                "{:#?}",
                self.trace
            );
            let is_expiring = after.ending == Some(Status::Expired) && before.ending.is_none();
            let until = before.opened + before.allowance + self.downtime;
            assert!(
                !is_expiring || self.now >= until,
                "too early: {:#?}",
                self.trace
            );
        }
    }

    /// Something happens, or something that was asked for is done.
    fn happens(&mut self) {
        match self.dice.u8(0..16) {
            0 | 1 if !self.world.is_in => self.comes(),
            2 if !self.world.is_in && !self.world.asks => {
                self.world.asks = true;
                let (name, write_to) = ("Eve".to_owned(), 70);
                let since = self.now;
                self.event(&Event::Requested {
                    name,
                    write_to,
                    since,
                });
            }
            3 => drop(self.event(&Event::Opened)),
            4 | 5 => self.answers(),
            6 => drop(self.event(&Event::PressedInGroup)),
            7 if self.world.is_in => {
                self.world.is_in = false;
                // A ban does away with a restriction, a departure does not.
                let event = if self.dice.bool() {
                    Event::Left
                } else {
                    Event::Removed
                };
                self.world.is_muted &= event == Event::Left;
                self.event(&event);
            }
            8 => {
                let by = admin();
                let event = if self.dice.bool() {
                    Event::Approved { by }
                } else {
                    Event::Rejected
                };
                self.event(&event);
            }
            9 if self.world.is_in && self.world.is_muted => {
                self.world.is_muted = false;
                self.event(&Event::Unmuted { by: admin() });
            }
            10 => {
                for event in [Event::Scanned, Event::Warned, Event::LastCall] {
                    self.event(&event);
                }
            }
            11 => self.time_passes(),
            12 => drop(self.event(&Event::Unreachable)),
            _ => self.works(),
        }
    }

    fn comes(&mut self) {
        self.world.is_in = true;
        let is_vouched = self.dice.u8(0..5) == 0;
        self.event(&Event::Joined {
            name: "Eve".to_owned(),
            is_vouched,
        });
    }

    fn answers(&mut self) {
        let Some(challenge) = self.case.as_ref().and_then(|case| case.challenge.clone()) else {
            return;
        };
        let event = if challenge.options.is_empty() {
            let text = "not it".to_owned();
            Event::Typed { text }
        } else {
            let option = self.dice.usize(..challenge.options.len());
            let challenge = challenge.id;
            Event::Pressed { challenge, option }
        };
        self.event(&event);
    }

    fn time_passes(&mut self) {
        let time = Duration::from_secs(self.dice.u64(1..90_000));
        self.now = self.now + time;
        if self.dice.u8(0..4) == 0 {
            self.downtime += time;
        }
        if self.wake.is_some_and(|wake| wake <= self.now) {
            self.wake = None;
            self.event(&Event::Due);
        }
    }

    /// The first deed is done, or fails, or is done and forgotten by a process that is killed.
    fn works(&mut self) {
        let Some(deed) = self.todo.first().copied() else {
            return;
        };
        if !is_wanted(deed, self.case.as_ref(), &self.settings) {
            self.todo.remove(0);
            return;
        }
        // Whoever is out already need not be removed.
        let is_done = deed == Deed::Remove && !self.world.is_in;
        let fails = !is_done && self.dice.u8(0..12) == 0;
        if !fails {
            self.does(deed);
        }
        let is_killed = self.dice.u8(0..6) == 0;
        self.trace.push(format!(
            "does {deed:?}, fails {fails}, is killed {is_killed}"
        ));
        if !is_killed {
            self.todo.remove(0);
            self.event(&if fails {
                Event::Failed(deed)
            } else {
                Event::Done(deed)
            });
        }
    }

    fn does(&mut self, deed: Deed) {
        match deed {
            Deed::Mute => self.world.is_muted = true,
            Deed::Lift => self.world.is_muted = false,
            Deed::Remove => {
                let case = self.case.as_ref().unwrap();
                assert!(case.ending.is_some(), "{:#?}", self.trace);
                self.world = World::default();
            }
            Deed::Approve if self.world.asks => {
                self.world.asks = false;
                if !self.world.is_in {
                    self.world.is_in = true;
                    let is_vouched = !self.settings.approve_first;
                    self.event(&Event::Joined {
                        name: "Eve".to_owned(),
                        is_vouched,
                    });
                }
            }
            Deed::Approve => {}
            Deed::Decline => self.world.asks = false,
        }
    }

    /// Everything that was asked for is done, without failure.
    fn settles(&mut self) {
        for _ in 0..100 {
            let Some(deed) = self.todo.first().copied() else {
                return;
            };
            self.todo.remove(0);
            let wanted = is_wanted(deed, self.case.as_ref(), &self.settings);
            self.trace.push(format!("{deed:?}, wanted {wanted}"));
            if wanted {
                self.does(deed);
                self.event(&Event::Done(deed));
            }
        }
        panic!("it does not come to rest: {:#?}", self.trace);
    }

    fn check_rest(&self) {
        let trace = || self.trace.join("\n");
        let Some(case) = &self.case else { return };
        assert!(
            case.ending.is_none(),
            "on the way out for ever: {}",
            trace()
        );
        match case.status {
            Status::Pending => {
                assert!(self.wake.is_some(), "no deadline: {}", trace());
                if case.route == Route::Joined {
                    assert!(self.world.is_in, "pending outside: {}", trace());
                }
            }
            Status::Passed if self.world.is_in => {
                let is_known = case.is_muted && self.wake.is_some();
                assert!(
                    !self.world.is_muted || is_known,
                    "passed and muted: {}",
                    trace()
                );
            }
            Status::Rejected | Status::Kicked | Status::Expired | Status::Left => {
                assert!(!self.world.is_in, "gone and there: {}", trace());
            }
            Status::Passed => {}
        }
    }
}

#[test]
fn whatever_happens_each_person_ends_where_the_case_says() {
    for seed in 0..3_000 {
        let mut model = Model::new(seed);
        for _ in 0..60 {
            model.happens();
        }
        model.settles();
        model.check_rest();
    }
}

#[test]
fn what_is_said_twice_changes_nothing_more() {
    let once = [
        Event::Left,
        Event::Removed,
        Event::Approved { by: admin() },
        Event::Unmuted { by: admin() },
        Event::Done(Deed::Remove),
        Event::Failed(Deed::Remove),
        Event::Unreachable,
        join(),
    ];
    for seed in 0..500 {
        let mut model = Model::new(seed);
        for _ in 0..seed % 40 {
            model.happens();
        }
        for event in &once {
            let cx = context(&model.settings, model.now, seed);
            let first = step(model.case.clone(), event, &cx);
            let second = step(first.case.clone(), event, &cx);
            let trace = model.trace.join("\n");
            assert_eq!(second.case, first.case, "{event:?} after\n{trace}");
            // To lift what is lifted does no harm.
            let is_done =
                |effect: &Effect| matches!(effect, Effect::Do(deed) if *deed != Deed::Lift);
            let deeds = |step: &Step| step.effects.iter().any(is_done);
            assert!(!deeds(&second), "{event:?} is done twice after\n{trace}");
        }
    }
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
