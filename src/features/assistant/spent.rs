//! What each user has spent today.

mod ledger;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::work::Work;
use super::{Failed, Tools};
pub(super) use ledger::{Ledger, Reserved};

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
    tools.state.put(&name_of(user), &spent)?;
    wake_at_midnight(tools, user)
}

/// Forgets a day that is over.
pub(super) async fn forget(tools: &Tools, user: i64) -> Result<(), Failed> {
    let spent: Option<Spent> = tools.state.get(&name_of(user)).await?;
    let is_over = |spent: Spent| spent.day < Moment::now().day();
    match spent {
        Some(spent) if is_over(spent) => Ok(tools.state.delete(&name_of(user))?),
        Some(_) => wake_at_midnight(tools, user),
        None => Ok(()),
    }
}

fn wake_at_midnight(tools: &Tools, user: i64) -> Result<(), Failed> {
    let left = Moment::now().left_of_day();
    Ok(Work::Midnight { user }.after(&tools.state, left)?)
}

/// Why somebody may ask nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// What is left is set aside for answers that are being written.
    ForNow,
    /// It is spent; the next day begins after this time.
    ForToday(Duration),
}

/// Sets aside what a question costs at least, or says why there is nothing for it. An answer that has begun is not cut off, so
/// that the last ones may cost more than was left.
pub(super) async fn reserve(
    tools: &Tools,
    user: i64,
    tokens: u64,
) -> Result<Result<Reserved, Over>, Failed> {
    let now = Moment::now();
    let counted = today(tools, user, now).await?.tokens;
    let budget = tools.assistant.settings().tokens_per_day;
    let (ledger, budget) = (tools.assistant.ledger(), budget.unwrap_or(u64::MAX));
    if ledger.spent(user, now.day(), counted) >= budget {
        return Ok(Err(Over::ForToday(now.left_of_day())));
    }
    let reserved = ledger.reserve(user, now.day(), counted, budget, tokens);
    Ok(reserved.ok_or(Over::ForNow))
}

/// For how long somebody may ask nothing more, where that is so.
pub(super) async fn is_over(tools: &Tools, user: i64) -> Result<Option<Duration>, Failed> {
    let Some(budget) = tools.assistant.settings().tokens_per_day else {
        return Ok(None);
    };
    let now = Moment::now();
    let counted = today(tools, user, now).await?.tokens;
    let spent = tools.assistant.ledger().spent(user, now.day(), counted);
    Ok((spent >= budget).then(|| now.left_of_day()))
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
