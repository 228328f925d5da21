//! Random courses: people who ask, stop and change their minds, and a process that is killed at any step.

use std::collections::BTreeMap;

use super::*;

/// The assistant's side: what is kept, and what is to be done.
struct Model {
    dice: fastrand::Rng,
    talk: Talk,
    todo: Vec<Effect>,
    /// How each question that was taken has ended, as often as it did.
    ends: BTreeMap<u64, usize>,
    begun: Vec<u64>,
    trace: Vec<String>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut talk = Talk::new();
        let mut dice = fastrand::Rng::with_seed(seed);
        talk.settings.queue = dice.usize(0..4);
        talk.settings.history_tokens = 1_000_000;
        Self {
            dice,
            talk,
            todo: Vec::new(),
            ends: BTreeMap::new(),
            begun: Vec::new(),
            trace: Vec::new(),
        }
    }

    fn tell(&mut self, event: Event) {
        self.trace.push(format!("{event:?}"));
        let next = self.talk.conversation.next;
        let before = self.talk.history().len();
        self.talk.tell(event);
        if self.talk.conversation.next > next {
            self.ends.insert(next, 0);
        }
        for effect in std::mem::take(&mut self.talk.effects) {
            match effect {
                Effect::Over { id } => *self.ends.get_mut(&id).unwrap() += 1,
                Effect::Answer { id } => {
                    self.begun.push(id);
                    self.todo.push(effect);
                }
                Effect::Show { .. } => self.todo.push(effect),
                _ => {}
            }
        }
        self.check(before);
    }

    fn check(&self, before: usize) {
        let trace = &self.trace;
        let queue = &self.talk.conversation.queue;
        assert!(self.talk.history().len() <= before + 1, "{trace:#?}");
        assert!(queue.len() <= self.talk.settings.queue + 1, "{trace:#?}");
        let begun = queue.iter().filter(|question| question.is_begun).count();
        let is_first = queue.first().is_some_and(|first| first.is_begun);
        assert!(begun <= 1 && (begun == 0 || is_first), "{trace:#?}");
        assert!(queue.is_sorted_by_key(|question| question.id), "{trace:#?}");
        assert!(self.begun.is_sorted_by(|a, b| a < b), "twice: {trace:#?}");
        assert!(self.ends.values().all(|ends| *ends <= 1), "{trace:#?}");
        let is_waiting = |id: &u64| queue.iter().any(|question| question.id == *id);
        for (id, ends) in &self.ends {
            assert_ne!(*ends == 1, is_waiting(id), "{id} is lost: {trace:#?}");
        }
    }

    fn happens(&mut self) {
        let user = self.dice.i64(1..3);
        let id = Some(self.dice.u64(0..=self.talk.conversation.next)).filter(|_| self.dice.bool());
        match self.dice.u8(0..20) {
            0..=4 => {
                let asked = Asked {
                    user,
                    message: 1,
                    text: "why".to_owned(),
                    quoted: None,
                    quotes_us: false,
                };
                self.tell(Event::Asked(asked));
            }
            5 => self.tell(Event::Stop {
                by: Some(user).filter(|_| id.is_none()),
                id,
            }),
            6 => self.tell(Event::Again { by: user, id }),
            7 => self.tell(Event::Forget),
            8 => {
                self.talk.now = self.talk.now + self.talk.settings.forget_after / 3;
                self.tell(Event::Quiet);
            }
            _ => self.works(),
        }
    }

    /// Something that was asked for is done, in any order between lanes; where the process is killed before that is kept, it
    /// is done again.
    fn works(&mut self) {
        if self.todo.is_empty() {
            return;
        }
        let at = self.dice.usize(..self.todo.len());
        let was_killed = self.dice.u8(0..4) == 0;
        let work = self.todo[at].clone();
        if was_killed {
            return;
        }
        self.todo.remove(at);
        match work {
            Effect::Show { id } => {
                let message = self.dice.bool().then_some(5);
                let event = if self.dice.u8(0..10) == 0 {
                    Event::Unreachable { id }
                } else {
                    Event::Shown { id, message }
                };
                self.tell(event);
            }
            Effect::Answer { id } => {
                // As the answer's lane looks first whether it is still wanted.
                let text = ["", "half", "whole"][self.dice.usize(0..3)].to_owned();
                let how = match self.dice.u8(0..4) {
                    0 => How::Failed("x".to_owned()),
                    1 => How::Stopped,
                    _ => How::Complete,
                };
                self.tell(Event::Answered {
                    id,
                    text,
                    how,
                    tokens: 1,
                });
            }
            _ => {}
        }
    }
}

#[test]
fn every_question_is_over_once_in_order_and_never_two_at_a_time() {
    for seed in 0..3_000 {
        let mut model = Model::new(seed);
        for _ in 0..80 {
            model.happens();
        }
        while !model.todo.is_empty() {
            model.works();
        }
        let left = &model.talk.conversation.queue;
        assert!(left.is_empty(), "seed {seed}: {left:?} {:#?}", model.trace);
        let all_ended = model.ends.values().all(|ends| *ends == 1);
        assert!(all_ended, "seed {seed}: {:#?}", model.trace);
    }
}
