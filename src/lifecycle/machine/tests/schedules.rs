//! Random schedules: whatever services and hooks do, and whenever a stop comes, the machine keeps its promises.
//!
//! Each schedule is drawn from its number alone: a plan, how everybody in it behaves, and when which stop requests
//! come. A simulated world carries the machine's actions out and feeds it what follows. A failure names the number;
//! `SUNDOWN_SCHEDULE=number cargo test schedules` runs that one alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use fastrand::Rng;

use super::super::*;
use crate::lifecycle::Restart;

const SCHEDULES: u64 = 30_000;

/// What somebody does when something happens: at once, after a while, or never.
type When = Option<Duration>;

struct ServiceBehaviour {
    ready: When,
    /// Ends by itself, so long after its start.
    ends: When,
    exit: Exit,
    promises: When,
    intake: When,
    /// Says that it is drained, and waits for its release, before it ends.
    holds: bool,
    drains: When,
    dies: When,
    aborts: When,
}

struct HookBehaviour {
    ends: When,
    result: HookResult,
}

/// A world in which time passes only from event to event.
struct World {
    machine: Machine,
    tiers: Vec<Vec<ServiceId>>,
    services: Vec<ServiceBehaviour>,
    hooks: BTreeMap<(u8, usize), HookBehaviour>,
    now: Duration,
    agenda: BinaryHeap<Reverse<(Duration, u64)>>,
    /// Events by their number, with the life of the service that they are about.
    events: BTreeMap<u64, (Option<(ServiceId, u32)>, Event)>,
    serial: u64,
    log: Vec<(Duration, Action)>,
    /// When the work of the tier that stops first is to be cancelled, as it was first said.
    first_kill: Option<Duration>,
    /// Services that went down because somebody wanted them to be started again, and when.
    requested: BTreeSet<(Duration, ServiceId)>,
    steps: usize,
}

fn key(id: HookId) -> (u8, usize) {
    let stage = match id.stage {
        Stage::OnStart => 0,
        Stage::OnDrain => 1,
        Stage::OnStopped => 2,
    };
    (stage, id.index)
}

fn some_time(rng: &mut Rng) -> Duration {
    // Most things are quick, some take longer than any budget.
    let limit = [0, 10, 500, 5_000, 200_000][rng.usize(..5)];
    Duration::from_millis(rng.u64(0..=limit))
}

fn when(rng: &mut Rng, never: f64) -> When {
    (rng.f64() >= never).then(|| some_time(rng))
}

fn hooks(rng: &mut Rng, name: &str) -> Vec<HookPlan> {
    let hook = |index| HookPlan {
        name: format!("{name}{index}"),
        timeout: Duration::from_secs(10),
    };
    (0..rng.usize(..4)).map(hook).collect()
}

fn policy(rng: &mut Rng) -> RestartPolicy {
    let restart = [Restart::Permanent, Restart::Transient, Restart::Temporary][rng.usize(..3)];
    let policy = RestartPolicy::new(restart).intensity(rng.u32(0..5), Duration::from_secs(60));
    let policy = policy.unwrap().reset_after(some_time(rng));
    if rng.u8(..3) == 0 {
        policy.rest_for_one()
    } else {
        policy
    }
}

fn services(rng: &mut Rng) -> Vec<ServicePlan> {
    let count = rng.usize(1..4);
    let mut service = |index| ServicePlan {
        name: format!("s{index}"),
        start_timeout: Duration::from_secs(30),
        weight: rng.u32(0..5),
        restart: policy(rng),
        is_optional: rng.u8(..4) == 0,
        group: (rng.u8(..4) == 0).then(|| "group".to_owned()),
        is_restartable: rng.u8(..4) == 0,
    };
    (0..count).map(&mut service).collect()
}

fn plan(rng: &mut Rng) -> Plan {
    Plan {
        on_start: hooks(rng, "start"),
        tiers: (0..rng.usize(..5)).map(|_| services(rng)).collect(),
        on_drain: hooks(rng, "drain"),
        on_stopped: hooks(rng, "stopped"),
        stop_timeout: Duration::from_millis(rng.u64(0..60_000)),
        seed: rng.u64(..),
        watchdog: (rng.u8(..4) == 0).then(|| Duration::from_millis(rng.u64(1..60_000))),
    }
}

impl World {
    fn new(rng: &mut Rng) -> Self {
        let plan = plan(rng);
        let exits = [
            Exit::Finished,
            Exit::Failed {
                message: "x".into(),
                kind: Some(ExitKind::Config),
                retry_after: Duration::ZERO,
            },
            Exit::Failed {
                message: "y".into(),
                kind: None,
                retry_after: some_time(rng),
            },
            Exit::Panicked(Panic::saying("z")),
        ];
        let services = plan.tiers.iter().flatten().map(|_| ServiceBehaviour {
            ready: when(rng, 0.03),
            ends: when(rng, 0.9),
            exit: exits[rng.usize(..4)].clone(),
            promises: when(rng, 0.95),
            intake: when(rng, 0.2),
            holds: rng.bool(),
            drains: when(rng, 0.15),
            dies: when(rng, 0.2),
            aborts: when(rng, 0.2),
        });
        let services = services.collect();
        let results = [
            HookResult::Done,
            HookResult::Done,
            HookResult::Done,
            HookResult::Failed {
                message: "no".into(),
                kind: None,
            },
            HookResult::Panicked(Panic::saying("oh")),
        ];
        let stages = [
            (0, plan.on_start.len()),
            (1, plan.on_drain.len()),
            (2, plan.on_stopped.len()),
        ];
        let mut hooks = BTreeMap::new();
        for (stage, count) in stages {
            for index in 0..count {
                let result = results[rng.usize(..results.len())].clone();
                hooks.insert(
                    (stage, index),
                    HookBehaviour {
                        ends: when(rng, 0.1),
                        result,
                    },
                );
            }
        }
        let machine = Machine::new(plan);
        let tiers = machine.tiers.clone();
        Self {
            machine,
            tiers,
            services,
            hooks,
            now: Duration::ZERO,
            agenda: BinaryHeap::new(),
            events: BTreeMap::new(),
            serial: 0,
            log: Vec::new(),
            first_kill: None,
            requested: BTreeSet::new(),
            steps: 0,
        }
    }

    fn later(&mut self, wait: When, event: Event) {
        if let Some(wait) = wait {
            self.serial += 1;
            self.agenda.push(Reverse((self.now + wait, self.serial)));
            let from = match &event {
                Event::Ready(id)
                | Event::IntakeClosed(id)
                | Event::Drained(id)
                | Event::Exited(id, _) => Some((*id, self.machine.services()[id.0].life)),
                _ => None,
            };
            self.events.insert(self.serial, (from, event));
        }
    }

    fn step(&mut self, event: Event) {
        self.steps += 1;
        assert!(self.steps < 10_000, "the machine runs in circles");
        if let Event::RestartRequested(id) = event
            && self.machine.may_be_restarted(id).is_ok()
        {
            self.requested.insert((self.now, id));
        }
        let actions = self.machine.step(event, self.now);
        if let Some(wake) = self.machine.wake_at() {
            assert!(wake > self.now, "it asks to be woken in the past");
        }
        self.check_groups();
        if self.first_kill.is_none() && self.machine.stop_began().is_some() {
            self.first_kill = self.machine.tier_marks().map(|(_, kill, _)| kill);
        }
        for action in actions {
            self.log.push((self.now, action.clone()));
            self.carry_out(action);
        }
    }

    /// Of a group somebody goes on, or the process stops.
    fn check_groups(&self) {
        if self.machine.stop_began().is_some() {
            return;
        }
        let services = self.machine.services();
        let mut of_group = services.iter().filter(|one| one.group.is_some()).peekable();
        let goes_on = |one: &ServiceRecord| {
            let is_over = matches!(one.state, ServiceState::Stopped | ServiceState::Abandoned);
            !is_over && !one.given_up
        };
        assert!(
            of_group.peek().is_none() || of_group.any(goes_on),
            "a process without any of a group goes on"
        );
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Spawn(id) => {
                let behaviour = &self.services[id.0];
                let (ready, ends, exit) = (behaviour.ready, behaviour.ends, behaviour.exit.clone());
                if let Some(promise) = behaviour.promises {
                    self.machine.promise(id, self.now + promise);
                    self.later(Some(Duration::ZERO), Event::Tick);
                }
                self.later(ready, Event::Ready(id));
                self.later(ends, Event::Exited(id, exit));
            }
            Action::Drain(id) => {
                let behaviour = &self.services[id.0];
                let (intake, drains, holds) = (behaviour.intake, behaviour.drains, behaviour.holds);
                self.later(intake, Event::IntakeClosed(id));
                self.later(
                    drains,
                    if holds {
                        Event::Drained(id)
                    } else {
                        Event::Exited(id, Exit::Finished)
                    },
                );
            }
            Action::Release(id) | Action::Kill(id) => {
                let dies = self.services[id.0].dies;
                self.later(dies, Event::Exited(id, Exit::Finished));
            }
            Action::Abort(id) => {
                let aborts = self.services[id.0].aborts;
                self.later(aborts, Event::Exited(id, Exit::Aborted));
            }
            Action::RunHook(id) => {
                let behaviour = &self.hooks[&key(id)];
                let (ends, result) = (behaviour.ends, behaviour.result.clone());
                self.later(ends, Event::HookEnded(id, result));
            }
            Action::CancelHook(id) => self.later(
                Some(Duration::ZERO),
                Event::HookEnded(id, HookResult::Cancelled),
            ),
            Action::ArmDeadline(_) | Action::ArmImmediate | Action::Note(_) => {}
        }
    }

    /// Runs until nothing happens any more, or all is over.
    fn run(&mut self) {
        self.step(Event::Begin);
        while self.machine.phase() != Phase::Stopped {
            let event_at = self.agenda.peek().map(|Reverse((at, _))| *at);
            let next = match (event_at, self.machine.wake_at()) {
                (Some(event), Some(wake)) => event.min(wake),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => return,
            };
            self.now = next;
            let event = match self.agenda.peek() {
                Some(Reverse((at, _))) if *at <= next => {
                    let Reverse((_, serial)) = self.agenda.pop().unwrap();
                    let (from, event) = self.events.remove(&serial).unwrap();
                    if from.is_some_and(|(id, life)| self.machine.services()[id.0].life != life) {
                        continue; // What an earlier life says does not count.
                    }
                    event
                }
                _ => Event::Tick,
            };
            self.step(event);
        }
    }

    fn tier_of(&self, id: ServiceId) -> usize {
        self.tiers
            .iter()
            .position(|tier| tier.contains(&id))
            .unwrap()
    }

    fn times(&self, wanted: impl Fn(&Action) -> bool) -> usize {
        self.log.iter().filter(|(_, action)| wanted(action)).count()
    }

    fn check(&self) {
        self.check_end();
        self.check_order();
        self.check_hooks();
        self.check_modes();
    }

    fn check_end(&self) {
        assert_eq!(self.machine.phase(), Phase::Stopped, "it stopped");
        let began = self.machine.stop_began().unwrap();
        assert!(
            self.now - began <= self.machine.plan.stop_timeout,
            "it kept its budget"
        );
        for (index, service) in self.machine.services().iter().enumerate() {
            let spawned = self.times(|action| *action == Action::Spawn(ServiceId(index)));
            let was_spawned = spawned > 0;
            assert_eq!(
                spawned.saturating_sub(1),
                service.restarts as usize,
                "{} is counted",
                service.name
            );
            assert_eq!(
                was_spawned,
                service.started_at.is_some(),
                "{} is recorded",
                service.name
            );
            let expected: &[ServiceState] = if was_spawned {
                &[ServiceState::Stopped, ServiceState::Abandoned]
            } else {
                &[ServiceState::Pending]
            };
            assert!(
                expected.contains(&service.state),
                "{} has an end: {}",
                service.name,
                service.state
            );
            assert_eq!(
                was_spawned,
                service.ended_at.is_some(),
                "{} has a time",
                service.name
            );
        }
        for hook in self.machine.hooks() {
            assert!(hook.result.is_some(), "{} has an outcome", hook.name);
        }
    }

    fn check_order(&self) {
        let mut spawned = BTreeSet::new();
        let (mut ended, mut has_ended) = (BTreeSet::new(), BTreeSet::new());
        let mut ready = BTreeSet::new();
        let (mut states, mut taken_down) = (BTreeMap::new(), BTreeSet::new());
        let (mut drained_tier, mut is_stopping) = (usize::MAX, false);
        let (mut once, mut lives) = (BTreeSet::new(), BTreeMap::new());
        for (at, action) in &self.log {
            match action {
                Action::Spawn(id) => {
                    assert!(!is_stopping, "nothing starts once it stops");
                    assert!(
                        spawned.insert(*id) || ended.remove(id),
                        "no two lives at a time"
                    );
                    for left in self.tiers[..self.tier_of(*id)].iter().flatten() {
                        let service = &self.machine.services()[left.0];
                        let is_over = has_ended.contains(left) || service.given_up;
                        let was_up = ready.contains(left) || (service.is_optional && is_over);
                        assert!(was_up, "a tier waits for those left of it");
                        let is_up = states.get(left) == Some(&ServiceState::Ready);
                        assert!(
                            is_up || service.is_optional || !taken_down.contains(id),
                            "a dependant comes up after what it depends on"
                        );
                    }
                    taken_down.remove(id);
                }
                Action::Drain(id) => {
                    assert!(spawned.contains(id), "only what started is stopped");
                    let tier = self.tier_of(*id);
                    // Alone, whatever those right of it do.
                    let is_requested = !is_stopping && self.requested.contains(&(*at, *id));
                    if is_stopping {
                        assert!(tier <= drained_tier, "from right to left");
                        drained_tier = tier;
                    } else if !is_requested {
                        let falls = |left: &ServiceId| {
                            states.get(left) == Some(&ServiceState::Backoff)
                                && self.machine.services()[left.0].restart.rest_for_one
                        };
                        assert!(
                            self.tiers[..tier].iter().flatten().any(falls),
                            "while it runs, only dependants of what restarts are stopped"
                        );
                        taken_down.insert(*id);
                    }
                    for right in self.tiers[tier + 1..].iter().flatten() {
                        assert!(
                            is_requested || !spawned.contains(right) || ended.contains(right),
                            "after those right of it have ended"
                        );
                    }
                }
                Action::ArmDeadline(_) => {
                    assert!(!is_stopping, "armed once");
                    is_stopping = true;
                }
                Action::Note(Notice::Service(id, state)) => {
                    states.insert(*id, *state);
                    match state {
                        ServiceState::Ready => drop(ready.insert(*id)),
                        ServiceState::Stopped | ServiceState::Abandoned => {
                            ended.insert(*id);
                            has_ended.insert(*id);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
            if let Action::Spawn(id) = action {
                *lives.entry(*id).or_insert(0) += 1;
            }
            if let Action::Drain(id) | Action::Kill(id) | Action::Abort(id) | Action::Release(id) =
                action
            {
                assert!(
                    once.insert((lives[id], format!("{action:?}"))),
                    "{action:?} comes once in a life"
                );
            }
        }
    }

    fn check_hooks(&self) {
        let running = self.machine.reached_running();
        let mut open: Option<HookId> = None;
        let mut begun = Vec::new();
        for (at, action) in &self.log {
            match action {
                Action::RunHook(id) => {
                    assert_eq!(open, None, "hooks run one by one");
                    assert!(!begun.contains(id), "{id:?} runs once");
                    open = Some(*id);
                    begun.push(*id);
                    if id.stage == Stage::OnDrain {
                        assert!(running, "no goodbye where nobody was served");
                        assert_eq!(
                            self.released_before(*id),
                            0,
                            "the poll is not released before its hooks"
                        );
                    }
                }
                Action::Note(Notice::Hook(id)) => {
                    open = open.filter(|running| running != id);
                    let was_skipped = self.machine.hook(*id).result == Some(HookResult::Skipped);
                    if id.stage == Stage::OnDrain && was_skipped {
                        let until = self.first_kill.unwrap();
                        assert!(*at >= until, "{id:?} is skipped only when its time is over");
                    }
                }
                _ => {}
            }
        }
        for hook in self
            .machine
            .hooks()
            .iter()
            .filter(|hook| hook.id.stage == Stage::OnStopped)
        {
            let skipped = hook.result == Some(HookResult::Skipped);
            assert!(
                begun.contains(&hook.id) != skipped,
                "{} runs exactly once, or no time was left",
                hook.name
            );
        }
    }

    fn released_before(&self, hook: HookId) -> usize {
        let before = self
            .log
            .iter()
            .take_while(|(_, action)| *action != Action::RunHook(hook));
        // Dependants of a restarted service may have been released before the stop.
        before
            .skip_while(|(_, action)| !matches!(action, Action::ArmDeadline(_)))
            .filter(|(_, action)| matches!(action, Action::Release(_)))
            .count()
    }

    fn check_modes(&self) {
        let fast = self.times(|action| *action == Action::Note(Notice::Fast));
        assert!(fast <= 1, "the mode only rises");
        assert_eq!(fast == 1, self.machine.mode() == Some(Mode::Fast));
        let armed = self.times(|action| *action == Action::ArmImmediate);
        assert!(armed <= fast, "a third signal follows a second");
        let phases: Vec<Phase> = self
            .log
            .iter()
            .filter_map(|(_, action)| match action {
                Action::Note(Notice::Phase(phase)) => Some(*phase),
                _ => None,
            })
            .collect();
        assert!(phases.is_sorted(), "phases only go forward: {phases:?}");
    }
}

fn run_schedule(number: u64) {
    let mut rng = Rng::with_seed(number);
    let mut world = World::new(&mut rng);
    let signals = rng.usize(..4);
    let mut requests = Vec::new();
    for _ in 0..signals {
        let signal = StopReason::Signal {
            signo: 15,
            pid: None,
            uid: None,
        };
        requests.push((some_time(&mut rng), signal));
    }
    // Something always ends it.
    requests.push((some_time(&mut rng), StopReason::RunForElapsed));
    for (at, reason) in requests {
        world.later(Some(at), Event::StopRequested(reason));
    }
    let services = world.services.len();
    for _ in 0..rng.usize(..3) {
        if services > 0 {
            let request = Event::RestartRequested(ServiceId(rng.usize(..services)));
            world.later(Some(some_time(&mut rng)), request);
        }
    }
    world.run();
    world.check();
    assert!(!world.machine.reasons().is_empty(), "a reason is kept");
}

#[test]
fn the_machine_keeps_its_promises_in_every_schedule() {
    if let Some(number) = std::env::var("SUNDOWN_SCHEDULE")
        .ok()
        .and_then(|number| number.parse().ok())
    {
        return run_schedule(number);
    }
    for number in 0..SCHEDULES {
        if let Err(payload) = std::panic::catch_unwind(|| run_schedule(number)) {
            eprintln!(
                "schedule {number} breaks a promise; SUNDOWN_SCHEDULE={number} runs it alone"
            );
            std::panic::resume_unwind(payload);
        }
    }
}
