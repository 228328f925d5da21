//! Things that have an emoji and a plain name, each easily told from the others.

use serde::{Deserialize, Serialize};

/// One thing. Its names are among the texts of each language.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::features::guard) enum Emoji {
    Apple,
    Balloon,
    Banana,
    Bell,
    Bicycle,
    Camera,
    Car,
    Carrot,
    Cat,
    Dog,
    Elephant,
    Fire,
    Fish,
    Gift,
    Guitar,
    Key,
    Moon,
    Mushroom,
    Rocket,
    Snail,
    Star,
    Tree,
    Turtle,
    Umbrella,
}

impl Emoji {
    pub(in crate::features::guard) const ALL: [Self; 24] = [
        Self::Apple,
        Self::Balloon,
        Self::Banana,
        Self::Bell,
        Self::Bicycle,
        Self::Camera,
        Self::Car,
        Self::Carrot,
        Self::Cat,
        Self::Dog,
        Self::Elephant,
        Self::Fire,
        Self::Fish,
        Self::Gift,
        Self::Guitar,
        Self::Key,
        Self::Moon,
        Self::Mushroom,
        Self::Rocket,
        Self::Snail,
        Self::Star,
        Self::Tree,
        Self::Turtle,
        Self::Umbrella,
    ];

    /// Any of them.
    pub(super) fn any(dice: &mut fastrand::Rng) -> Self {
        Self::ALL[dice.usize(..Self::ALL.len())]
    }

    /// What a button shows.
    #[must_use]
    pub(in crate::features::guard) const fn symbol(self) -> &'static str {
        match self {
            Self::Apple => "🍎",
            Self::Balloon => "🎈",
            Self::Banana => "🍌",
            Self::Bell => "🔔",
            Self::Bicycle => "🚲",
            Self::Camera => "📷",
            Self::Car => "🚗",
            Self::Carrot => "🥕",
            Self::Cat => "🐱",
            Self::Dog => "🐶",
            Self::Elephant => "🐘",
            Self::Fire => "🔥",
            Self::Fish => "🐟",
            Self::Gift => "🎁",
            Self::Guitar => "🎸",
            Self::Key => "🔑",
            Self::Moon => "🌙",
            Self::Mushroom => "🍄",
            Self::Rocket => "🚀",
            Self::Snail => "🐌",
            Self::Star => "⭐",
            Self::Tree => "🌲",
            Self::Turtle => "🐢",
            Self::Umbrella => "☔",
        }
    }
}
