//! What each user has spent today.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::{Failed, Tools};

/// The document of a user. It is written in their own lane `assistant/spent/USER` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Spent {
    /// The day it is about (UTC), counted from 1970.
    pub(super) day: u64,
    pub(super) tokens: u64,
    pub(super) questions: u64,
}

fn name_of(user: i64) -> String {
    format!("assistant/spent/{user}")
}

/// What somebody has spent so far on the day of this moment.
pub(super) async fn today(tools: &Tools, user: i64, now: Moment) -> Result<Spent, Failed> {
    let spent: Option<Spent> = tools.state.get(&name_of(user)).await?;
    Ok(spent.unwrap_or_default().on(now))
}

/// Adds what an answer has cost.
pub(super) async fn add(tools: &Tools, user: i64, tokens: u64) -> Result<(), Failed> {
    let mut spent = today(tools, user, Moment::now()).await?;
    spent.tokens = spent.tokens.saturating_add(tokens);
    spent.questions += 1;
    Ok(tools.state.put(&name_of(user), &spent)?)
}

/// For how long somebody may ask nothing more, where that is so.
pub(super) async fn is_over(tools: &Tools, user: i64) -> Result<Option<Duration>, Failed> {
    let Some(budget) = tools.assistant.settings().tokens_per_day else {
        return Ok(None);
    };
    let now = Moment::now();
    let spent = today(tools, user, now).await?;
    Ok((spent.tokens >= budget).then(|| now.left_of_day()))
}

impl Spent {
    fn on(self, now: Moment) -> Self {
        let day = now.day();
        if self.day == day {
            self
        } else {
            Self {
                day,
                ..Self::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_begins_with_nothing_spent() {
        let day = 24 * 3_600 * 1_000;
        let spent = Spent {
            day: 5,
            tokens: 9,
            questions: 2,
        };
        assert_eq!(spent.on(Moment(6 * day - 1)), spent);
        let next = spent.on(Moment(6 * day));
        assert_eq!((next.day, next.tokens, next.questions), (6, 0, 0));
        let left = Moment(6 * day - 1_000).left_of_day();
        assert_eq!(left, Duration::from_secs(1));
    }
}
