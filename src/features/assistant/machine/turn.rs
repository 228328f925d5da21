//! One event's turn with a conversation.

use super::{Asked, Context, Conversation, Effect, How, Question, Reply, Shown, Step};
use crate::features::assistant::conversation::Turn;
use crate::features::assistant::prompt::trim;

pub(super) struct Turning<'a> {
    conversation: Conversation,
    effects: Vec<Effect>,
    cx: &'a Context<'a>,
}

impl<'a> Turning<'a> {
    pub(super) fn new(conversation: Conversation, cx: &'a Context<'a>) -> Self {
        let effects = Vec::new();
        Self {
            conversation,
            effects,
            cx,
        }
    }

    pub(super) fn close(self, reply: Reply) -> Step {
        Step {
            conversation: self.conversation,
            effects: self.effects,
            reply,
        }
    }

    pub(super) fn ask(&mut self, asked: Asked, replaces: Option<u64>) -> Reply {
        self.quiet();
        let conversation = &mut self.conversation;
        // One is in hand beside those that wait.
        if conversation.queue.len() > self.cx.settings.queue {
            return Reply::Full;
        }
        let id = conversation.next;
        conversation.next += 1;
        conversation.active = self.cx.now;
        // Another try is put as the first one was.
        let may_be_known = asked.quotes_us && replaces.is_none();
        let last = conversation.turns.last().filter(|_| may_be_known);
        let is_new = |quoted: &String| !last.is_some_and(|turn| says(turn, quoted));
        let quoted = asked.quoted.filter(is_new);
        conversation.queue.push(Question {
            id,
            user: asked.user,
            message: asked.message,
            text: asked.text,
            quoted,
            replaces,
            has_waited: !conversation.queue.is_empty(),
            shown: Shown::NotYet,
            is_begun: false,
            is_stopped: false,
        });
        self.effects.push(Effect::Show { id });
        Reply::Ok
    }

    pub(super) fn ask_again(&mut self, by: i64, id: Option<u64>) -> Reply {
        let conversation = &self.conversation;
        let Some(last) = &conversation.last else {
            return Reply::NothingToRepeat;
        };
        if id.is_some_and(|id| id != last.id) {
            return Reply::NotTheLast;
        }
        if last.user != by {
            return Reply::NotYours;
        }
        // One that failed has no turn, but the one that it was to take the place of may have one.
        let has_turn = conversation.turns.iter().any(|turn| turn.id == last.id);
        let earlier = last.replaces.filter(|_| !has_turn);
        let replaces = Some(earlier.unwrap_or(last.id));
        let mut queue = conversation.queue.iter();
        if queue.any(|question| question.replaces == replaces) {
            return Reply::Ok;
        }
        let asked = Asked {
            user: last.user,
            message: last.message,
            text: last.text.clone(),
            quoted: last.quoted.clone(),
            quotes_us: false,
        };
        self.ask(asked, replaces)
    }

    pub(super) fn shown(&mut self, id: u64, message: Option<i32>) -> Reply {
        let Some(at) = self.conversation.position(id) else {
            // It was over before its place was known.
            let withdraw = message.map(|message| Effect::Withdraw { message });
            self.effects.extend(withdraw);
            return Reply::Ok;
        };
        let question = &mut self.conversation.queue[at];
        if question.shown == Shown::NotYet {
            question.shown = message.map_or(Shown::Nowhere, Shown::In);
            if at > 0 {
                // Meanwhile it may have moved up.
                self.effects.push(Effect::Positions);
            }
            self.begin();
        }
        Reply::Ok
    }

    pub(super) fn unreachable(&mut self, id: u64) -> Reply {
        if let Some(at) = self.conversation.position(id) {
            self.take_out(at);
            self.go_on();
        }
        Reply::Ok
    }

    pub(super) fn answered(&mut self, id: u64, text: String, how: How, tokens: u64) -> Reply {
        if self.conversation.in_hand(id).is_none() {
            return Reply::Ok;
        }
        let question = self.take_out(0);
        let how = honest(how, &text);
        let is_kept = !text.trim().is_empty() && id >= self.conversation.fresh_from;
        if is_kept && !matches!(how, How::Failed(_)) {
            self.keep(&question, &text, how != How::Complete);
        }
        if tokens > 0 || !matches!(how, How::Failed(_)) {
            let user = question.user;
            self.effects.push(Effect::Spend { user, id, tokens });
        }
        self.effects.push(Effect::Deliver {
            question: Box::new(question.clone()),
            text,
            how,
        });
        if id >= self.conversation.fresh_from {
            self.conversation.last = Some(question);
        }
        self.conversation.active = self.cx.now;
        self.effects.push(Effect::WakeWhenQuiet);
        self.go_on();
        Reply::Ok
    }

    pub(super) fn stop(&mut self, by: Option<i64>, id: Option<u64>) -> Reply {
        let mut reply = Reply::NothingToStop;
        let mut cancelled = 0;
        for at in (0..self.conversation.queue.len()).rev() {
            let question = &mut self.conversation.queue[at];
            if id.is_some_and(|id| id != question.id) {
                continue;
            }
            if by.is_some_and(|by| by != question.user) {
                reply = Reply::NotYours;
            } else if at == 0 {
                // Who asks the model ends it, so that it is over once.
                question.is_stopped = true;
                let id = question.id;
                self.effects.push(Effect::Cut { id });
                return self.stopping(cancelled);
            } else {
                let shown = self.take_out(at).shown.message();
                let withdraw = shown.map(|message| Effect::Withdraw { message });
                self.effects.extend(withdraw);
                cancelled += 1;
            }
        }
        if cancelled > 0 {
            reply = self.stopping(cancelled);
        }
        reply
    }

    pub(super) fn forget(&mut self) -> Reply {
        self.conversation.turns.clear();
        self.conversation.last = None;
        self.conversation.fresh_from = self.conversation.next;
        Reply::Ok
    }

    pub(super) fn choose(&mut self, model: Option<String>) -> Reply {
        self.conversation.model = model;
        Reply::Ok
    }

    pub(super) fn quiet(&mut self) -> Reply {
        let (conversation, settings) = (&mut self.conversation, self.cx.settings);
        let is_quiet = self.cx.now.since(conversation.active) >= settings.forget_after;
        if is_quiet && conversation.queue.is_empty() {
            conversation.turns.clear();
            conversation.last = None;
        }
        Reply::Ok
    }

    /// The same, where whoever says so may be early: then it is said again.
    pub(super) fn woken(&mut self) -> Reply {
        self.quiet();
        if self.conversation.last.is_some() || !self.conversation.turns.is_empty() {
            self.effects.push(Effect::WakeWhenQuiet);
        }
        Reply::Ok
    }

    fn stopping(&mut self, cancelled: usize) -> Reply {
        if cancelled > 0 {
            self.effects.push(Effect::Positions);
        }
        Reply::Stopping { cancelled }
    }

    fn take_out(&mut self, at: usize) -> Question {
        let question = self.conversation.queue.remove(at);
        self.effects.push(Effect::Over { id: question.id });
        question
    }

    /// The next one's turn, after another is over.
    fn go_on(&mut self) {
        self.begin();
        if self.conversation.queue.len() > 1 {
            self.effects.push(Effect::Positions);
        }
    }

    fn begin(&mut self) {
        if let Some(question) = self.conversation.queue.first_mut()
            && question.shown != Shown::NotYet
            && !question.is_begun
        {
            question.is_begun = true;
            let id = question.id;
            self.effects.push(Effect::Answer { id });
        }
    }

    fn keep(&mut self, question: &Question, text: &str, is_partial: bool) {
        let turns = &mut self.conversation.turns;
        let turn = Turn {
            id: question.id,
            asked: question.asked(),
            answered: text.to_owned(),
            is_partial,
        };
        let old = turns
            .iter_mut()
            .find(|turn| Some(turn.id) == question.replaces);
        match old {
            Some(old) => *old = turn,
            None => turns.push(turn),
        }
        trim(turns, self.cx.settings.history_tokens);
    }
}

/// An answer without a word is none.
fn honest(how: How, text: &str) -> How {
    if !text.trim().is_empty() {
        return how;
    }
    match how {
        How::Complete => How::Failed("the model said nothing".to_owned()),
        How::CutOff(why) => How::Failed(why),
        how => how,
    }
}

/// Whether a turn's answer holds this text, whatever markup it has: then the model knows what is meant.
fn says(turn: &Turn, quoted: &str) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).collect() };
    letters(&turn.answered).contains(&letters(quoted))
}
