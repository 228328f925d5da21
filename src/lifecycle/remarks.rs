//! What services say about themselves while they run.
//!
//! Each service has one slot that it overwrites, so that one which talks without pause fills neither memory nor the
//! supervisor's queue.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::machine::ServiceId;
use super::panics::catch;

/// Names of unfinished work that are kept for a service.
const MANY: usize = 1_000;

/// What a service has in hand at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Pieces of work that run.
    pub running: usize,
    /// The one that has run for the longest time, as a name for people, and how long that is.
    pub oldest: Option<(String, Duration)>,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} running", self.running)?;
        match &self.oldest {
            Some((name, age)) => write!(f, ", the oldest {name} for {:.1} s", age.as_secs_f64()),
            None => Ok(()),
        }
    }
}

/// What a service has said of itself up to one moment, besides its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Said {
    /// What it has in hand, where it [shows](super::ServiceContext::show_work) that.
    pub work: Option<Work>,
    /// Its facts for the report.
    pub facts: Vec<(&'static str, u64)>,
    /// How long ago it last [promised](super::ServiceContext::alive_for) to be heard of again.
    pub heard: Option<Duration>,
}

/// Looks at a service's work; called from any thread, also while the runtime is blocked.
#[derive(Clone)]
struct Look(Arc<dyn Fn() -> Work + Send + Sync>);

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Look")
    }
}

/// The slots of all services; cloned freely.
#[derive(Clone, Debug, Default)]
pub(super) struct Remarks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    slots: Mutex<Vec<Remark>>,
    /// Names of what did not end although it was aborted.
    stuck: Mutex<Vec<String>>,
    changed: Notify,
}

/// What one service has said.
#[derive(Clone, Debug, Default)]
pub(super) struct Remark {
    life: u32,
    pub(super) status: String,
    pub(super) facts: Vec<(&'static str, u64)>,
    pub(super) unfinished: Vec<String>,
    /// Something of it still runs although it has ended; known at the end.
    pub(super) left_behind: bool,
    /// What is left behind, by whatever life, unless it is over when the report is made.
    perhaps_left: Vec<Arc<Remains>>,
    promise: Option<Instant>,
    /// The promise that the supervisor knows of.
    known: Option<Instant>,
    /// When it last made one.
    heard: Option<Instant>,
    look: Option<Look>,
}

/// Something that may outlive its service, such as a thread.
#[derive(Debug)]
pub(super) struct Remains(Mutex<Option<String>>);

impl Remains {
    pub(super) fn of(what: &str) -> Self {
        Self(Mutex::new(Some(what.to_owned())))
    }

    /// Says more exactly what it is.
    pub(super) fn are(&self, what: String) {
        if let Some(old) = &mut *self.slot() {
            *old = what;
        }
    }

    pub(super) fn are_over(&self) {
        *self.slot() = None;
    }

    fn what(&self) -> Option<String> {
        self.slot().clone()
    }

    fn slot(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remarks {
    /// Makes a slot for each of so many services.
    pub(super) fn make_room(&self, services: usize) {
        self.slots().resize(services, Remark::default());
    }

    /// From here on what an earlier life says about its work does not count. What it left unfinished was logged when it
    /// said so, and the next life may well have done it: the report, and the exit code, are about the end.
    pub(super) fn begin_life(&self, id: ServiceId, life: u32) {
        let slot = &mut self.slots()[id.0];
        slot.unfinished.clear();
        slot.life = life;
        slot.promise = None;
        (slot.known, slot.heard) = (None, None);
        slot.look = None;
    }

    pub(super) fn status(&self, id: ServiceId, text: String) {
        self.slots()[id.0].status = text;
        self.0.changed.notify_one();
    }

    pub(super) fn fact(&self, id: ServiceId, key: &'static str, value: u64) {
        let facts = &mut self.slots()[id.0].facts;
        match facts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => facts.push((key, value)),
        }
    }

    pub(super) fn unfinished(&self, id: ServiceId, what: String) {
        let unfinished = &mut self.slots()[id.0].unfinished;
        // A list that nobody would read to its end.
        match unfinished.len() {
            0..MANY => unfinished.push(what),
            MANY => unfinished.push("and more".to_owned()),
            _ => {}
        }
    }

    pub(super) fn left_behind(&self, id: ServiceId, what: String) {
        let remains = Arc::new(Remains::of(&what));
        self.slots()[id.0].perhaps_left.push(remains);
    }

    pub(super) fn left_behind_unless_over(&self, id: ServiceId, remains: Arc<Remains>) {
        let left = &mut self.slots()[id.0].perhaps_left;
        left.retain(|known| known.what().is_some());
        left.push(remains);
    }

    /// Counts what is left behind at the end, and returns everything that was said.
    pub(super) fn conclude(&self) -> Vec<Remark> {
        let mut slots = self.slots().clone();
        for slot in &mut slots {
            for what in slot.perhaps_left.drain(..).filter_map(|left| left.what()) {
                slot.unfinished.push(what);
                slot.left_behind = true;
            }
        }
        slots
    }

    /// Wakes the supervisor only where it would come too late by itself: it takes in what was promised meanwhile before
    /// it calls an earlier promise broken.
    pub(super) fn promise(&self, id: ServiceId, life: u32, until: Instant) {
        let slot = &mut self.slots()[id.0];
        if slot.life == life {
            slot.promise = Some(until);
            slot.heard = Some(Instant::now());
            if slot.known.is_none_or(|known| until < known) {
                self.0.changed.notify_one();
            }
        }
    }

    /// The promises that were made since the last call.
    pub(super) fn take_promises(&self) -> Vec<(ServiceId, Instant)> {
        let mut slots = self.slots();
        let slots = slots.iter_mut().enumerate();
        slots
            .filter_map(|(index, slot)| {
                slot.known = Some(slot.promise.take()?);
                Some((ServiceId(index), slot.known?))
            })
            .collect()
    }

    /// The promises that the supervisor has not heard of yet, by service.
    pub(super) fn new_promises(&self) -> Vec<Option<Instant>> {
        self.slots().iter().map(|slot| slot.promise).collect()
    }

    pub(super) fn show_work<F>(&self, id: ServiceId, life: u32, look: F)
    where
        F: Fn() -> Work + Send + Sync + 'static,
    {
        let slot = &mut self.slots()[id.0];
        if slot.life == life {
            slot.look = Some(Look(Arc::new(look)));
        }
    }

    /// What each service says of itself now.
    pub(super) fn said(&self) -> Vec<Said> {
        let slots: Vec<_> = self
            .slots()
            .iter()
            .map(|slot| (slot.look.clone(), slot.facts.clone(), slot.heard))
            .collect();
        // Without the lock: a look may take one that somebody holds who speaks to us.
        let look = |look: Option<Look>| look.and_then(|Look(look)| catch(|| look()).ok());
        let said = |(work, facts, heard): (_, _, Option<Instant>)| Said {
            work: look(work),
            facts,
            heard: heard.map(|at| at.elapsed()),
        };
        slots.into_iter().map(said).collect()
    }

    pub(super) fn is_stuck(&self, names: Vec<String>) {
        *self.0.stuck.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    pub(super) fn stuck(&self) -> Vec<String> {
        let stuck = self.0.stuck.lock();
        stuck.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves when a service has spoken since the last call resolved.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    pub(super) fn statuses(&self) -> Vec<String> {
        self.slots()
            .iter()
            .map(|slot| slot.status.clone())
            .collect()
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Remark>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
