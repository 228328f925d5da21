//! The kinds of challenges a group can choose from.

use serde::{Deserialize, Serialize};

/// What a person is asked to do, from the easiest to the hardest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::features::guard) enum Kind {
    /// Press the only button.
    Button,
    /// Press the result of a small sum.
    Arithmetic,
    /// Press the emoji that is named.
    Emoji,
    /// Send a one-time code back, in private.
    Code,
    /// Type the characters of a distorted picture.
    Image,
}

impl Kind {
    /// Every kind, in the order of a menu.
    pub(in crate::features::guard) const ALL: [Self; 5] = [
        Self::Button,
        Self::Arithmetic,
        Self::Emoji,
        Self::Code,
        Self::Image,
    ];

    /// The name in stored documents and in figures; the same in every language and version.
    #[must_use]
    pub(in crate::features::guard) const fn name(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Arithmetic => "arithmetic",
            Self::Emoji => "emoji",
            Self::Code => "code",
            Self::Image => "image",
        }
    }

    /// The next in a menu that cycles.
    #[must_use]
    pub(in crate::features::guard) const fn next(self) -> Self {
        match self {
            Self::Button => Self::Arithmetic,
            Self::Arithmetic => Self::Emoji,
            Self::Emoji => Self::Code,
            Self::Code => Self::Image,
            Self::Image => Self::Button,
        }
    }
}
