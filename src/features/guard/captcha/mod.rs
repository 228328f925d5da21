//! Challenges that tell people from programs: made from dice, checked against a pressed button or a typed message.
//!
//! A challenge is plain data, kept in the state of the person it was made for. Its question holds the only copy of what is
//! right, so the two cannot disagree; neither is ever shown by `Debug`, because a log line is not the place for answers.
//!
//! What a challenge does not know: whom it is for, how often it was tried, until when it counts.

mod emoji;
mod glyphs;
mod kind;
mod picture;
mod press;
mod question;
mod typed;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(in crate::features::guard) use self::emoji::Emoji;
pub(in crate::features::guard) use self::kind::Kind;
use self::picture::Drawing;
pub(in crate::features::guard) use self::press::{Press, parse_data};
pub(in crate::features::guard) use self::question::{Operation, Question, Sum};

/// What stands for the one button of [`Kind::Button`], whose label is a matter of language.
pub(super) const HUMAN: &str = "✅";

/// A question with its right answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Challenge {
    /// Tells the buttons of this challenge from those of an earlier one.
    pub id: u32,
    /// How it is to be shown. A text alternative to a picture is of the kind [`Kind::Arithmetic`].
    pub kind: Kind,
    /// What is asked.
    pub question: Question,
    /// The buttons' labels, shuffled; none where the answer is typed.
    pub options: Vec<String>,
}

impl Challenge {
    /// A new challenge of this kind.
    pub(super) fn new(kind: Kind, dice: &mut fastrand::Rng) -> Self {
        let question = match kind {
            Kind::Button => Question::Human,
            Kind::Arithmetic => Question::Sum(Sum::new(dice)),
            Kind::Emoji => Question::Emoji(Emoji::any(dice)),
            Kind::Code => Question::Code(question::code(question::CODE_CHARACTERS, dice)),
            Kind::Image => Question::Image(Drawing::new(dice)),
        };
        Self::of(kind, question, dice)
    }

    fn of(kind: Kind, question: Question, dice: &mut fastrand::Rng) -> Self {
        Self {
            id: dice.u32(..),
            kind,
            options: question.options(dice),
            question,
        }
    }

    /// Whether the button at this place is the right one.
    #[must_use]
    pub(super) fn is_right_option(&self, index: usize) -> bool {
        let right = self.question.right_option();
        right.is_some() && right.as_deref() == self.options.get(index).map(String::as_str)
    }

    /// Whether a typed message answers the question.
    ///
    /// A code may be anywhere in the message, so that a pasted prompt passes. A number or an emoji must be all of it.
    /// Case, spaces and the width of letters and digits never matter.
    #[must_use]
    pub(super) fn is_right_text(&self, text: &str) -> bool {
        match &self.question {
            Question::Human => false,
            Question::Sum(_) | Question::Emoji(_) => self
                .question
                .right_option()
                .is_some_and(|right| typed::equals(text, &right)),
            Question::Code(code) => typed::contains(text, code),
            Question::Image(drawing) => typed::contains(text, drawing.code()),
        }
    }

    /// The picture of an image challenge as a PNG; the same bytes each time.
    #[must_use]
    pub(super) fn picture(&self) -> Option<Vec<u8>> {
        match &self.question {
            Question::Image(drawing) => Some(drawing.png()),
            _ => None,
        }
    }

    /// A sum in words instead, for people who cannot see a picture. Buttons of the former challenge no longer count.
    #[must_use]
    pub(super) fn text_alternative(&self, dice: &mut fastrand::Rng) -> Self {
        let mut other = Self::of(Kind::Arithmetic, Question::Sum(Sum::in_words(dice)), dice);
        if other.id == self.id {
            other.id = other.id.wrapping_add(1);
        }
        other
    }

    /// The callback data of the button at this place: at most 64 bytes, as Telegram wants it.
    #[must_use]
    pub(super) fn data(&self, chat: i64, index: usize) -> String {
        let id = self.id;
        Press { chat, id, index }.data()
    }
}

/// Without the question and the options: together they are the answer.
impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
