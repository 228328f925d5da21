//! What is said to people, but for the answers.

use std::time::Duration;

use super::buttons::{Press, button};
use super::conversation::{Place, Question};
use super::machine::How;
use super::outbox::Parcel;
use crate::ai::Refusal;

/// Where an answer will be.
pub(super) const SOON: &str = "…";

pub(super) fn position(before: usize) -> String {
    format!("⏳ {} in line", ordinal(before + 1))
}

/// An answer as it goes into the chat, in the place of what was shown while it was written.
pub(super) fn closing(at: Place, question: &Question, text: &str, how: &How) -> Parcel {
    let is_empty = text.trim().is_empty();
    let note = match how {
        How::Complete => String::new(),
        How::Stopped if is_empty => "Stopped.".to_owned(),
        How::Stopped => "(stopped)".to_owned(),
        How::GoingDown => "(stopped: the bot is going down)".to_owned(),
        How::CutOff(why) => format!("(cut off: {why})"),
        How::Failed(why) => format!("I could not get an answer: {why}."),
    };
    let parcel = Parcel::markdown(text).note(note).answering(question);
    match how {
        How::Complete | How::Stopped => parcel,
        How::GoingDown | How::CutOff(_) | How::Failed(_) => {
            let again = Press::Again { id: question.id };
            parcel.buttons(vec![button("Retry", at.thread, &again)])
        }
    }
}

pub(super) fn over_budget(wait: Duration) -> String {
    let wait = in_words(wait);
    format!("you have used up what you may ask in a day; it begins anew at midnight UTC, in {wait}")
}

/// For the log.
pub(super) fn name_of(how: &How) -> &'static str {
    match how {
        How::Complete => "complete",
        How::Stopped => "stopped",
        How::GoingDown => "stopped by the bot's stop",
        How::CutOff(_) => "cut off",
        How::Failed(_) => "failed",
    }
}

/// Why there is no answer, without anything that only an operator understands.
pub(super) fn reason(refusal: &Refusal) -> String {
    let code = refusal.code.as_ref().and_then(|code| code.as_str());
    let why = match refusal.status {
        _ if code == Some("model_not_found") => {
            "there is no such model any more; choose one with /model"
        }
        401..=403 => "the provider does not let me in; my operator has to look after that",
        408 | 504 => "the provider did not answer in time",
        413 => "the question is too long for the provider",
        429 => "the provider is overloaded",
        400..=499 => "the provider did not take the question",
        _ => "the provider is in trouble",
    };
    match refusal.retry_after {
        Some(wait) => format!("{why}. Try again in {}", in_words(wait)),
        None => why.to_owned(),
    }
}

/// A time in its two largest units, rounded up to seconds.
pub(super) fn in_words(time: Duration) -> String {
    let s = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match (s / 3_600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_line_and_a_wait_are_said_as_people_say_them() {
        let places = [1, 2, 10, 21].map(position);
        assert_eq!(
            places,
            [
                "⏳ 2nd in line",
                "⏳ 3rd in line",
                "⏳ 11th in line",
                "⏳ 22nd in line"
            ]
        );
        let waits = [1, 60, 90, 3_600, 3_661].map(|s| in_words(Duration::from_secs(s)));
        assert_eq!(waits, ["1 s", "1 min", "1 min 30 s", "1 h", "1 h 1 min"]);
    }

    #[test]
    fn a_refusal_is_said_without_what_the_provider_wrote() {
        let mut refusal = Refusal::new(429, "rate_limit", "org-12345 is over its limit");
        refusal.retry_after = Some(Duration::from_secs(30));
        let said = reason(&refusal);
        assert_eq!(said, "the provider is overloaded. Try again in 30 s");
        let refusal = Refusal::new(404, "x", "no such thing").code("model_not_found");
        assert!(reason(&refusal).contains("/model"));
    }
}
