//! What is asked, what would be right, and what else is offered.

use serde::{Deserialize, Serialize};

use super::picture::Drawing;
use super::{Emoji, HUMAN};

/// Letters and digits that nobody mistakes for another, also where they are drawn crookedly (not 0 nor D, which look like O;
/// nor 1, 2, 5, 6, 8, 9, which look like I, Z, S, G, B, g), and no vowels, so that no code is a word.
pub(super) const ALPHABET: &[u8] = b"CFHJKLMNPRTWXY347";
/// 24 million codes.
pub(super) const CODE_CHARACTERS: usize = 6;

const SUM_OPTIONS: usize = 6;
const EMOJI_OPTIONS: usize = 8;

/// What is asked. It says what is right, and therefore has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::features::guard) enum Question {
    /// Are you human?
    Human,
    /// What is the result?
    Sum(Sum),
    /// Which of them is this thing?
    Emoji(Emoji),
    /// Send this code back.
    Code(String),
    /// Which characters are in the picture?
    Image(Drawing),
}

impl Question {
    /// The label of the right button, where there are buttons.
    pub(super) fn right_option(&self) -> Option<String> {
        match self {
            Self::Human => Some(HUMAN.to_owned()),
            Self::Sum(sum) => Some(sum.result().to_string()),
            Self::Emoji(emoji) => Some(emoji.symbol().to_owned()),
            Self::Code(_) | Self::Image(_) => None,
        }
    }

    /// The right label among wrong ones, shuffled.
    pub(super) fn options(&self, dice: &mut fastrand::Rng) -> Vec<String> {
        let mut options: Vec<String> = match self {
            Self::Human => vec![HUMAN.to_owned()],
            Self::Sum(sum) => sum.options(dice).iter().map(u8::to_string).collect(),
            Self::Emoji(right) => {
                let others = Emoji::ALL.into_iter().filter(|emoji| emoji != right);
                let mut all = dice.choose_multiple(others, EMOJI_OPTIONS - 1);
                all.push(*right);
                all.iter().map(|emoji| emoji.symbol().to_owned()).collect()
            }
            Self::Code(_) | Self::Image(_) => Vec::new(),
        };
        dice.shuffle(&mut options);
        options
    }
}

/// A one-time code of the unambiguous alphabet.
pub(super) fn code(characters: usize, dice: &mut fastrand::Rng) -> String {
    (0..characters)
        .map(|_| char::from(ALPHABET[dice.usize(..ALPHABET.len())]))
        .collect()
}

/// Two numbers between 2 and 20 and what is done with them. The result is at least 6, which leaves room for smaller wrong ones,
/// and at most 81.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::features::guard) struct Sum {
    pub left: u8,
    pub operation: Operation,
    pub right: u8,
    /// Whether it is asked in words, which a screen reader says well and a program has to understand.
    pub words: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::features::guard) enum Operation {
    Plus,
    Minus,
    Times,
}

impl Sum {
    pub(super) fn new(dice: &mut fastrand::Rng) -> Self {
        let operation = [Operation::Plus, Operation::Minus, Operation::Times][dice.usize(..3)];
        let (left, right) = match operation {
            Operation::Plus => (dice.u8(3..=19), dice.u8(3..=19)),
            Operation::Minus => {
                let right = dice.u8(2..=9);
                (right + dice.u8(6..=11), right)
            }
            Operation::Times => (dice.u8(3..=9), dice.u8(2..=9)),
        };
        Self {
            left,
            operation,
            right,
            words: false,
        }
    }

    /// A sum in words. Its numbers are at most 20, for which the languages have words.
    pub(super) fn in_words(dice: &mut fastrand::Rng) -> Self {
        let words = true;
        Self {
            words,
            ..Self::new(dice)
        }
    }

    #[must_use]
    pub(super) const fn result(self) -> u8 {
        match self.operation {
            Operation::Plus => self.left + self.right,
            Operation::Minus => self.left - self.right,
            Operation::Times => self.left * self.right,
        }
    }

    /// The result and wrong ones near it. How many of them are smaller is thrown too: otherwise the result would mostly be in
    /// the middle.
    fn options(self, dice: &mut fastrand::Rng) -> Vec<u8> {
        let right = self.result();
        let smaller = dice.usize(..SUM_OPTIONS);
        let mut all = dice.choose_multiple(right.saturating_sub(9).max(1)..right, smaller);
        all.extend(dice.choose_multiple(right + 1..=right + 9, SUM_OPTIONS - 1 - smaller));
        all.push(right);
        all
    }
}
