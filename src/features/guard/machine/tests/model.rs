//! The machine against a model of a group: people, administrators, scans, deadlines, and a process that is killed.

use super::*;
use crate::features::guard::captcha::Kind;

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
            since: Moment(1_000),
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
                        since: Moment(1_000),
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
