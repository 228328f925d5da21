//! The machine's rules, one by one.

mod courses;

use super::*;
use crate::features::assistant::Settings;
use crate::features::assistant::moment::Moment;

const ADA: i64 = 1;
const BEN: i64 = 2;

struct Talk {
    conversation: Conversation,
    settings: Settings,
    now: Moment,
    effects: Vec<Effect>,
}

impl Talk {
    fn new() -> Self {
        let settings = Settings {
            queue: 2,
            history_tokens: 1_000,
            ..Settings::default()
        };
        Self {
            conversation: Conversation::default(),
            settings,
            now: Moment(1_000_000_000),
            effects: Vec::new(),
        }
    }

    fn tell(&mut self, event: Event) -> Reply {
        let cx = Context {
            now: self.now,
            settings: &self.settings,
        };
        let next = step(self.conversation.clone(), event, &cx);
        self.conversation = next.conversation;
        self.effects = next.effects;
        next.reply
    }

    fn ask(&mut self, user: i64, text: &str) -> u64 {
        let id = self.conversation.next;
        let asked = Asked {
            user,
            message: 100 + i32::try_from(id).unwrap(),
            text: text.to_owned(),
            quoted: None,
            quotes_us: false,
        };
        assert_eq!(self.tell(Event::Asked(asked)), Reply::Ok);
        id
    }

    fn show(&mut self, id: u64) {
        let message = Some(200 + i32::try_from(id).unwrap());
        self.tell(Event::Shown { id, message });
    }

    fn end(&mut self, id: u64, text: &str, how: How) {
        let text = text.to_owned();
        self.tell(Event::Answered {
            id,
            text,
            how,
            tokens: 10,
        });
    }

    fn asked_and_answered(&mut self, text: &str, answer: &str) -> u64 {
        let id = self.ask(ADA, text);
        self.show(id);
        self.end(id, answer, How::Complete);
        id
    }

    fn history(&self) -> Vec<(&str, &str)> {
        let turns = self.conversation.turns.iter();
        turns
            .map(|turn| (turn.asked.as_str(), turn.answered.as_str()))
            .collect()
    }

    fn delivered(&self) -> Option<&How> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Deliver { how, .. } => Some(how),
            _ => None,
        })
    }
}

#[test]
fn a_question_is_shown_then_answered_then_delivered_and_kept() {
    let mut talk = Talk::new();
    let id = talk.ask(ADA, "Why?");
    assert_eq!(talk.effects, [Effect::Show { id }]);
    talk.show(id);
    assert_eq!(talk.effects, [Effect::Answer { id }]);
    assert!(talk.history().is_empty(), "pending is not in the history");
    talk.end(id, "Because.", How::Complete);
    assert_eq!(talk.delivered(), Some(&How::Complete));
    assert_eq!(talk.history(), [("Why?", "Because.")]);
    assert!(talk.conversation.queue.is_empty());
}

#[test]
fn a_question_whose_place_could_not_be_made_is_answered_all_the_same() {
    let mut talk = Talk::new();
    let id = talk.ask(ADA, "Why?");
    talk.tell(Event::Shown { id, message: None });
    assert_eq!(talk.effects, [Effect::Answer { id }]);
}

#[test]
fn questions_wait_their_turn_and_one_too_many_is_not_taken() {
    let mut talk = Talk::new();
    let first = talk.ask(ADA, "1");
    let second = talk.ask(BEN, "2");
    let third = talk.ask(ADA, "3");
    let asked = Asked {
        user: ADA,
        message: 9,
        text: "4".to_owned(),
        quoted: None,
        quotes_us: false,
    };
    assert_eq!(talk.tell(Event::Asked(asked)), Reply::Full);
    for id in [third, second] {
        talk.show(id);
        assert!(!talk.effects.iter().any(is_answer), "{:?}", talk.effects);
    }
    talk.show(first);
    assert_eq!(talk.effects, [Effect::Answer { id: first }]);
    talk.end(first, "one", How::Complete);
    assert!(talk.effects.contains(&Effect::Answer { id: second }));
    assert!(
        talk.effects.contains(&Effect::Positions),
        "the third moves up"
    );
}

fn is_answer(effect: &Effect) -> bool {
    matches!(effect, Effect::Answer { .. })
}

#[test]
fn a_failed_question_is_not_in_the_history_and_a_stopped_one_keeps_its_part() {
    let mut talk = Talk::new();
    let failed = talk.ask(ADA, "1");
    talk.show(failed);
    talk.end(failed, "", How::Failed("x".to_owned()));
    assert!(talk.history().is_empty());
    let stopped = talk.ask(ADA, "2");
    talk.show(stopped);
    talk.end(stopped, "half an ans", How::Stopped);
    assert_eq!(talk.history(), [("2", "half an ans")]);
    assert!(talk.conversation.turns[0].is_partial);
    let empty = talk.ask(ADA, "3");
    talk.show(empty);
    talk.end(empty, "  ", How::Stopped);
    assert_eq!(talk.history().len(), 1, "there is nothing to keep");
}

#[test]
fn an_answer_without_a_word_has_failed() {
    let mut talk = Talk::new();
    let id = talk.ask(ADA, "1");
    talk.show(id);
    talk.end(id, " \n", How::Complete);
    assert!(matches!(talk.delivered(), Some(How::Failed(_))));
    let id = talk.ask(ADA, "2");
    talk.show(id);
    talk.end(id, "", How::CutOff("it took too long".to_owned()));
    assert_eq!(
        talk.delivered(),
        Some(&How::Failed("it took too long".to_owned()))
    );
}

#[test]
fn an_answer_that_comes_twice_is_delivered_once() {
    let mut talk = Talk::new();
    let id = talk.asked_and_answered("1", "one");
    talk.end(id, "one", How::Complete);
    assert_eq!((talk.effects.len(), talk.history().len()), (0, 1));
    talk.show(id);
    let is_withdrawn = matches!(talk.effects[..], [Effect::Withdraw { .. }]);
    assert!(is_withdrawn, "a place that comes late is taken back");
}

#[test]
fn a_stop_ends_the_answer_and_cancels_what_waits() {
    let mut talk = Talk::new();
    let first = talk.ask(ADA, "1");
    let second = talk.ask(ADA, "2");
    let third = talk.ask(ADA, "3");
    talk.show(first);
    talk.show(third);
    let all = Event::Stop { by: None, id: None };
    let reply = talk.tell(all.clone());
    assert_eq!(reply, Reply::Stopping { cancelled: 2 });
    assert!(talk.effects.contains(&Effect::Cut { id: first }));
    assert!(talk.effects.contains(&Effect::Withdraw { message: 202 }));
    assert!(talk.conversation.queue[0].is_stopped, "for after a restart");
    talk.show(second);
    assert_eq!(talk.effects, [Effect::Withdraw { message: 201 }]);
    talk.end(first, "half", How::Stopped);
    assert_eq!(talk.tell(all), Reply::NothingToStop);
}

#[test]
fn a_button_stops_its_own_question_for_who_has_asked_it() {
    let mut talk = Talk::new();
    let first = talk.ask(ADA, "1");
    let second = talk.ask(BEN, "2");
    talk.show(first);
    let stop = |by, id| Event::Stop {
        by: Some(by),
        id: Some(id),
    };
    assert_eq!(talk.tell(stop(BEN, first)), Reply::NotYours);
    assert!(talk.effects.is_empty());
    assert_eq!(
        talk.tell(stop(BEN, second)),
        Reply::Stopping { cancelled: 1 }
    );
    assert_eq!(talk.tell(stop(BEN, second)), Reply::NothingToStop);
    assert_eq!(
        talk.tell(stop(ADA, first)),
        Reply::Stopping { cancelled: 0 }
    );
}

#[test]
fn somebodys_stop_in_a_group_spares_the_others_questions() {
    let mut talk = Talk::new();
    let first = talk.ask(ADA, "1");
    talk.ask(BEN, "2");
    let last = talk.ask(ADA, "3");
    talk.show(first);
    let stop = Event::Stop {
        by: Some(BEN),
        id: None,
    };
    assert_eq!(talk.tell(stop.clone()), Reply::Stopping { cancelled: 1 });
    assert_eq!(talk.tell(stop), Reply::NotYours);
    let left: Vec<_> = talk.conversation.queue.iter().map(|q| q.id).collect();
    assert_eq!(left, [first, last]);
}

#[test]
fn another_try_takes_the_place_of_the_answer_before() {
    let mut talk = Talk::new();
    talk.asked_and_answered("1", "one");
    talk.asked_and_answered("2", "two");
    let again = Event::Again { by: ADA, id: None };
    assert_eq!(talk.tell(again.clone()), Reply::Ok);
    let id = talk.conversation.queue[0].id;
    talk.tell(again.clone());
    assert_eq!(talk.conversation.queue.len(), 1, "asked twice, taken once");
    talk.show(id);
    talk.end(id, "", How::Failed("x".to_owned()));
    assert_eq!(talk.history(), [("1", "one"), ("2", "two")]);
    talk.tell(again);
    let id = talk.conversation.queue[0].id;
    talk.show(id);
    talk.end(id, "zwei", How::Complete);
    assert_eq!(talk.history(), [("1", "one"), ("2", "zwei")]);
}

#[test]
fn only_the_last_question_is_asked_again_and_by_who_has_asked_it() {
    let mut talk = Talk::new();
    let nothing = talk.tell(Event::Again { by: ADA, id: None });
    assert_eq!(nothing, Reply::NothingToRepeat);
    let first = talk.asked_and_answered("1", "one");
    talk.asked_and_answered("2", "two");
    let old = Event::Again {
        by: ADA,
        id: Some(first),
    };
    assert_eq!(talk.tell(old), Reply::NotTheLast);
    let others = Event::Again { by: BEN, id: None };
    assert_eq!(talk.tell(others), Reply::NotYours);
}

#[test]
fn what_is_forgotten_while_an_answer_is_written_does_not_come_back_with_it() {
    let mut talk = Talk::new();
    talk.asked_and_answered("1", "one");
    let id = talk.ask(ADA, "2");
    talk.show(id);
    talk.tell(Event::Forget);
    talk.end(id, "two", How::Complete);
    assert!(talk.history().is_empty());
    assert_eq!(talk.delivered(), Some(&How::Complete));
    let again = talk.tell(Event::Again { by: ADA, id: None });
    assert_eq!(again, Reply::NothingToRepeat, "nor is it asked again");
    talk.asked_and_answered("3", "three");
    assert_eq!(talk.history(), [("3", "three")]);
}

#[test]
fn a_conversation_that_was_quiet_begins_anew() {
    let mut talk = Talk::new();
    talk.asked_and_answered("1", "one");
    assert!(talk.effects.contains(&Effect::WakeWhenQuiet));
    talk.tell(Event::Quiet);
    assert_eq!(talk.history().len(), 1, "not yet");
    assert_eq!(talk.effects, [Effect::WakeWhenQuiet], "so later");
    talk.now = talk.now + talk.settings.forget_after;
    talk.tell(Event::Quiet);
    assert!(talk.history().is_empty() && talk.conversation.last.is_none());
    assert!(talk.effects.is_empty());
}

#[test]
fn a_question_that_comes_late_finds_nothing_even_where_nobody_was_woken() {
    let mut talk = Talk::new();
    talk.asked_and_answered("1", "one");
    talk.now = talk.now + talk.settings.forget_after;
    talk.ask(ADA, "2");
    assert!(talk.history().is_empty());
}

#[test]
fn the_oldest_turns_are_left_out_where_they_are_too_many() {
    let mut talk = Talk::new();
    talk.settings.history_tokens = 20;
    for n in 0..9 {
        talk.asked_and_answered(&format!("question {n} {}", "x".repeat(20)), "yes");
    }
    let kept = talk.history();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept[1].0.starts_with("question 8"));
}

#[test]
fn nobody_is_answered_where_nothing_can_be_written() {
    let mut talk = Talk::new();
    let first = talk.ask(ADA, "1");
    let second = talk.ask(ADA, "2");
    talk.show(second);
    talk.tell(Event::Unreachable { id: first });
    assert!(talk.effects.contains(&Effect::Answer { id: second }));
    assert_eq!(talk.delivered(), None);
}

#[test]
fn what_the_model_has_just_said_is_not_quoted_to_it() {
    let mut talk = Talk::new();
    talk.asked_and_answered("1", "It is **very** cold.");
    for (quoted, quotes_us, is_kept) in [
        ("It is very cold.", true, false),
        ("Something of long ago", true, true),
        ("very", false, true),
    ] {
        let asked = Asked {
            user: ADA,
            message: 5,
            text: "Why?".to_owned(),
            quoted: Some(quoted.to_owned()),
            quotes_us,
        };
        talk.tell(Event::Asked(asked));
        let question = talk.conversation.queue.last().unwrap();
        assert_eq!(question.quoted.is_some(), is_kept, "{quoted}");
    }
}

#[test]
fn another_try_is_put_with_what_was_quoted() {
    let mut talk = Talk::new();
    talk.asked_and_answered("1", "It is very cold.");
    let id = talk.conversation.next;
    let asked = Asked {
        user: ADA,
        message: 5,
        text: "Why?".to_owned(),
        quoted: Some("Tea".to_owned()),
        quotes_us: false,
    };
    talk.tell(Event::Asked(asked));
    talk.show(id);
    talk.end(id, "Tea is why.", How::Complete);
    talk.tell(Event::Again { by: ADA, id: None });
    let question = &talk.conversation.queue[0];
    assert_eq!(question.quoted.as_deref(), Some("Tea"));
}

#[test]
fn an_answer_that_is_longer_than_the_history_may_be_stays_with_its_end() {
    let mut talk = Talk::new();
    talk.settings.history_tokens = 20;
    talk.asked_and_answered("1", "one");
    let long = format!("{} the end", "more ".repeat(500));
    talk.asked_and_answered(&format!("2 {}", "why ".repeat(500)), &long);
    let kept = talk.history();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let (asked, answered) = kept[0];
    assert!(asked.starts_with("2 why") && asked.len() == 40, "{asked}");
    assert!(
        answered.ends_with("the end") && answered.len() == 40,
        "{answered}"
    );
    talk.settings.history_tokens = 0;
    talk.asked_and_answered("3", "three");
    assert!(talk.history().is_empty());
}

#[test]
fn a_question_that_failed_costs_nothing_unless_the_provider_says_so() {
    let mut talk = Talk::new();
    for (tokens, is_counted) in [(0, false), (7, true)] {
        let id = talk.ask(ADA, "1");
        talk.show(id);
        talk.tell(Event::Answered {
            id,
            text: String::new(),
            how: How::Failed("x".to_owned()),
            tokens,
        });
        let is_spent = |effect: &Effect| matches!(effect, Effect::Spend { .. });
        assert_eq!(talk.effects.iter().any(is_spent), is_counted, "{tokens}");
    }
}
