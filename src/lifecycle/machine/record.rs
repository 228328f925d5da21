//! What the machine remembers of each service and hook: the raw material of the report.

use std::collections::VecDeque;
use std::time::Duration;

use super::stopping::TierStop;
use super::{
    Action, Exit, ExitKind, HookId, HookPlan, Machine, Mode, Notice, Panic, Plan, RestartPolicy,
    ServiceId, ServicePlan, ServiceState, Stage, StopReason,
};

#[derive(Clone, Debug)]
pub(in crate::lifecycle) struct ServiceRecord {
    pub(in crate::lifecycle) name: String,
    pub(in crate::lifecycle) state: ServiceState,
    pub(in crate::lifecycle) started_at: Option<Duration>,
    pub(in crate::lifecycle) ready_at: Option<Duration>,
    pub(in crate::lifecycle) drained_at: Option<Duration>,
    pub(in crate::lifecycle) ended_at: Option<Duration>,
    pub(in crate::lifecycle) exit: Option<Exit>,
    /// It had to be cancelled before it said that its work was done.
    pub(in crate::lifecycle) killed: bool,
    pub(super) aborted: bool,
    /// Which life it is in; 0 before the first.
    pub(in crate::lifecycle) life: u32,
    pub(in crate::lifecycle) restarts: u32,
    pub(in crate::lifecycle) is_optional: bool,
    pub(super) group: Option<String>,
    pub(super) is_restartable: bool,
    /// It did not get ready in time; it is not waited for and not started again.
    pub(super) given_up: bool,
    /// The stop came while it waited for its next life.
    pub(in crate::lifecycle) was_waiting: bool,
    pub(super) start_timeout: Duration,
    pub(super) weight: u32,
    pub(super) restart: RestartPolicy,
    /// When the next life begins at the earliest.
    pub(super) restart_at: Option<Duration>,
    /// When this life got ready.
    pub(super) ready_since: Option<Duration>,
    pub(super) restarts_in_row: u32,
    pub(super) recent_restarts: VecDeque<Duration>,
    pub(super) intake_closed: bool,
    pub(super) drained: bool,
    /// It is on its way down to be started again: because of what it depends on, or because somebody asked for that.
    pub(super) taken_down: bool,
    /// Of the two the former: its next life waits for what is left of it.
    pub(super) waits_for_left: bool,
    /// Somebody had it taken down while it was ready, and it has not been ready since.
    pub(super) is_coming_back: bool,
    /// When it will have been heard of, as it promised.
    pub(in crate::lifecycle) promise: Option<Duration>,
    /// When it came into the state that it is in.
    pub(in crate::lifecycle) since: Duration,
}

impl ServiceRecord {
    pub(super) fn new(plan: &ServicePlan) -> Self {
        Self {
            name: plan.name.clone(),
            state: ServiceState::Pending,
            started_at: None,
            ready_at: None,
            drained_at: None,
            ended_at: None,
            exit: None,
            killed: false,
            aborted: false,
            life: 0,
            restarts: 0,
            is_optional: plan.is_optional,
            group: plan.group.clone(),
            is_restartable: plan.is_restartable,
            was_waiting: false,
            given_up: false,
            start_timeout: plan.start_timeout,
            weight: plan.weight,
            restart: plan.restart,
            restart_at: None,
            ready_since: None,
            restarts_in_row: 0,
            recent_restarts: VecDeque::new(),
            intake_closed: false,
            drained: false,
            taken_down: false,
            waits_for_left: false,
            is_coming_back: false,
            promise: None,
            since: Duration::ZERO,
        }
    }
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lifecycle) enum HookResult {
    Done,
    Failed {
        message: String,
        kind: Option<ExitKind>,
    },
    Panicked(Panic),
    TimedOut,
    /// The process was asked to stop while it ran.
    Cancelled,
    /// The budget was spent before its turn came.
    Skipped,
    /// The process did not come to the point where it runs.
    NotDue,
}

#[derive(Clone, Debug)]
pub(in crate::lifecycle) struct HookRecord {
    pub(in crate::lifecycle) id: HookId,
    pub(in crate::lifecycle) name: String,
    pub(in crate::lifecycle) started_at: Option<Duration>,
    pub(in crate::lifecycle) ended_at: Option<Duration>,
    pub(in crate::lifecycle) result: Option<HookResult>,
    pub(super) timeout: Duration,
    /// When it is cut off; set as it starts.
    pub(super) until: Duration,
}

/// Where the hooks of one stage are.
pub(super) enum Turn {
    Running(HookId),
    Next(HookId),
    Over,
}

pub(super) fn hooks_of(plan: &Plan) -> Vec<HookRecord> {
    let stages = [
        (Stage::OnStart, &plan.on_start),
        (Stage::OnDrain, &plan.on_drain),
        (Stage::OnStopped, &plan.on_stopped),
    ];
    let record = |stage, (index, hook): (usize, &HookPlan)| HookRecord {
        id: HookId { stage, index },
        name: hook.name.clone(),
        started_at: None,
        ended_at: None,
        result: None,
        timeout: hook.timeout,
        until: Duration::ZERO,
    };
    stages
        .into_iter()
        .flat_map(|(stage, hooks)| {
            hooks
                .iter()
                .enumerate()
                .map(move |hook| record(stage, hook))
        })
        .collect()
}

impl Machine {
    pub(in crate::lifecycle) fn services(&self) -> &[ServiceRecord] {
        &self.services
    }

    pub(in crate::lifecycle) fn hooks(&self) -> &[HookRecord] {
        &self.hooks
    }

    pub(in crate::lifecycle) fn hook(&self, id: HookId) -> &HookRecord {
        self.hooks
            .iter()
            .find(|hook| hook.id == id)
            .expect("hook ids come from the plan")
    }

    pub(in crate::lifecycle) fn reasons(&self) -> &[StopReason] {
        &self.reasons
    }

    pub(in crate::lifecycle) fn failure_kind(&self) -> Option<ExitKind> {
        self.failure_kind
    }

    pub(in crate::lifecycle) fn reached_running(&self) -> bool {
        self.reached_running
    }

    pub(in crate::lifecycle) fn phase_since(&self) -> Duration {
        self.phase_since
    }

    pub(in crate::lifecycle) fn stop_began(&self) -> Option<Duration> {
        self.stop.as_ref().map(|stop| stop.began)
    }

    pub(in crate::lifecycle) fn last_signal(&self) -> Option<Duration> {
        self.last_signal
    }

    /// The end of the stop budget.
    pub(in crate::lifecycle) fn deadline(&self) -> Option<Duration> {
        self.stop.as_ref().map(|stop| stop.deadline)
    }

    /// When what is being stopped now is to be cancelled; none where nothing is, or has been already.
    pub(in crate::lifecycle) fn cancels_at(&self) -> Option<Duration> {
        let tier = self.going_down().next();
        match tier.filter(|tier| !self.live(&tier.services).is_empty()) {
            Some(tier) => (!tier.killed).then_some(tier.kill_at),
            None => self.running_hook().map(|hook| hook.until),
        }
    }

    /// When a service that goes down is killed, and when it is aborted. One may go down for two reasons; the earlier end
    /// counts.
    pub(in crate::lifecycle) fn marks_of(&self, id: ServiceId) -> Option<(Duration, Duration)> {
        let tiers = self.going_down();
        let own = tiers.filter(|tier| tier.services.contains(&id));
        own.map(|tier| (tier.kill_at, tier.abort_at)).min()
    }

    /// The tier that is being stopped, when it is killed, and when it is aborted.
    #[cfg(test)]
    pub(super) fn tier_marks(&self) -> Option<(&[ServiceId], Duration, Duration)> {
        let tier = self.going_down().next()?;
        Some((&tier.services, tier.kill_at, tier.abort_at))
    }

    /// What is on its way down: the tier of the stop, or that of a sweep and every service that was asked for.
    fn going_down(&self) -> impl Iterator<Item = &TierStop> {
        let stopping = self.stop.as_ref().and_then(|stop| stop.current.as_ref());
        let swept = self.sweep.as_ref().and_then(|sweep| sweep.current.as_ref());
        stopping.into_iter().chain(swept).chain(&self.requested)
    }

    pub(in crate::lifecycle) fn running_hook(&self) -> Option<&HookRecord> {
        let runs = |hook: &&HookRecord| hook.started_at.is_some() && hook.result.is_none();
        self.hooks.iter().find(runs)
    }

    pub(in crate::lifecycle) fn mode(&self) -> Option<Mode> {
        self.stop.as_ref().map(|stop| stop.mode)
    }

    /// Runs the next hook of a stage, or cuts the running one off when its time is over. `limit` is the end of
    /// what the stage may take; each hook gets an equal share of what is left of it, so that one that hangs does
    /// not rob the next. True where something changed.
    pub(super) fn advance_hooks(&mut self, stage: Stage, limit: Option<Duration>) -> bool {
        match self.turn(stage) {
            Turn::Over => false,
            Turn::Running(id) => {
                let until = self.hook(id).until;
                let cut = limit.map_or(until, |limit| until.min(limit));
                if !self.is_due(cut) {
                    return false;
                }
                self.actions.push(Action::CancelHook(id));
                self.end_hook(id, HookResult::TimedOut);
                true
            }
            Turn::Next(id) if limit.is_some_and(|limit| self.now >= limit) => {
                self.end_hook(id, HookResult::Skipped);
                true
            }
            Turn::Next(id) => {
                let left = self.hooks.iter().filter(|hook| hook.id.stage == stage);
                let left = left.filter(|hook| hook.result.is_none()).count();
                let now = self.now;
                let share = limit.map(|limit| (limit - now) / u32::try_from(left).unwrap_or(1));
                let hook = self.hook_mut(id);
                let allowed = share.map_or(hook.timeout, |share| share.min(hook.timeout));
                hook.started_at = Some(now);
                hook.until = now + allowed;
                self.actions.push(Action::RunHook(id));
                true
            }
        }
    }

    pub(super) fn hooks_are_over(&self, stage: Stage) -> bool {
        matches!(self.turn(stage), Turn::Over)
    }

    /// Ends the hooks of a stage that have not ended, because the stage will not go on.
    pub(super) fn close_hooks(&mut self, stage: Stage) {
        loop {
            match self.turn(stage) {
                Turn::Over => return,
                Turn::Running(id) => {
                    self.actions.push(Action::CancelHook(id));
                    self.end_hook(id, HookResult::Cancelled);
                }
                Turn::Next(id) => self.end_hook(id, HookResult::NotDue),
            }
        }
    }

    /// Records a hook's end once; what comes after it was cut off is not believed.
    pub(super) fn end_hook(&mut self, id: HookId, result: HookResult) {
        let now = self.now;
        let kind = match &result {
            HookResult::Failed { kind, .. } => *kind,
            _ => None,
        };
        let hook = self.hook_mut(id);
        if hook.result.is_some() {
            return;
        }
        hook.ended_at = hook.started_at.map(|_| now);
        hook.result = Some(result);
        self.failure_kind = self.failure_kind.or(kind);
        self.actions.push(Action::Note(Notice::Hook(id)));
    }

    fn turn(&self, stage: Stage) -> Turn {
        let next = self
            .hooks
            .iter()
            .find(|hook| hook.id.stage == stage && hook.result.is_none());
        match next {
            None => Turn::Over,
            Some(hook) if hook.started_at.is_some() => Turn::Running(hook.id),
            Some(hook) => Turn::Next(hook.id),
        }
    }

    fn hook_mut(&mut self, id: HookId) -> &mut HookRecord {
        self.hooks
            .iter_mut()
            .find(|hook| hook.id == id)
            .expect("hook ids come from the plan")
    }
}
