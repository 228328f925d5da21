//! What each key has spent, and whether it may ask once more: decisions with the time passed in.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::settings::GatewayKey;

const MINUTE: Duration = Duration::from_secs(60);
const DAY_S: u64 = 86_400;

/// What a key has spent in one day, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spent {
    /// The day (UTC), like `2026-07-01`.
    pub(super) day: String,
    pub(super) tokens: u64,
    pub(super) requests: u64,
}

/// Why a key may not ask now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Its requests of this minute; it may ask again after this time.
    Minute(Duration),
    /// Its tokens of this day; the next one begins after this time.
    Day(Duration),
}

/// One account for each key, by the key's place.
pub(super) struct Ledger(Vec<Mutex<Account>>);

impl Ledger {
    pub(super) fn new(keys: &[GatewayKey]) -> Self {
        Self(keys.iter().map(Account::new).map(Mutex::new).collect())
    }

    /// Whether this key may ask; then the request counts.
    pub(super) fn admit(&self, key: usize, now: Instant, date: SystemTime) -> Result<(), Over> {
        self.account(key)
            .map_or(Ok(()), |mut account| account.admit(now, date))
    }

    pub(super) fn spend(&self, key: usize, tokens: u64, date: SystemTime) {
        if let Some(mut account) = self.account(key) {
            account.spend(tokens, date);
        }
    }

    /// Takes in what was spent before this process began.
    pub(super) fn restore(&self, key: usize, spent: Spent) {
        if let Some(mut account) = self.account(key) {
            account.restore(spent);
        }
    }

    /// What is not kept yet, by the names of the keys. It counts as kept from here on.
    pub(super) fn take_changed(&self) -> Vec<(usize, String, Spent)> {
        let changed = (0..self.0.len()).filter_map(|key| {
            let mut account = self.account(key)?;
            let is_changed = std::mem::take(&mut account.is_changed);
            is_changed.then(|| (key, account.name.clone(), account.spent.clone()))
        });
        changed.collect()
    }

    /// What could not be kept is to be kept later.
    pub(super) fn mark_changed(&self, key: usize) {
        if let Some(mut account) = self.account(key) {
            account.is_changed = true;
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        let keys = (0..self.0.len()).filter_map(|key| self.account(key));
        keys.map(|account| account.name.clone()).collect()
    }

    fn account(&self, key: usize) -> Option<MutexGuard<'_, Account>> {
        let account = self.0.get(key)?;
        Some(account.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Account {
    name: String,
    tokens_per_day: Option<u64>,
    requests_per_minute: Option<u32>,
    /// The requests of the last minute, where they are limited.
    recent: VecDeque<Instant>,
    spent: Spent,
    is_changed: bool,
}

impl Account {
    fn new(key: &GatewayKey) -> Self {
        Self {
            name: key.name.clone(),
            tokens_per_day: key.tokens_per_day,
            requests_per_minute: key.requests_per_minute,
            recent: VecDeque::new(),
            spent: Spent::default(),
            is_changed: false,
        }
    }

    fn admit(&mut self, now: Instant, date: SystemTime) -> Result<(), Over> {
        self.turn_the_page(date);
        if self
            .tokens_per_day
            .is_some_and(|most| self.spent.tokens >= most)
        {
            return Err(Over::Day(until_midnight(date)));
        }
        if let Some(most) = self.requests_per_minute {
            while self.recent.front().is_some_and(|at| now - *at >= MINUTE) {
                self.recent.pop_front();
            }
            if self.recent.len() >= most as usize {
                let first = self.recent.front().copied().unwrap_or(now);
                return Err(Over::Minute(MINUTE - (now - first)));
            }
            self.recent.push_back(now);
        }
        self.spent.requests += 1;
        self.is_changed = true;
        Ok(())
    }

    fn spend(&mut self, tokens: u64, date: SystemTime) {
        self.turn_the_page(date);
        self.spent.tokens = self.spent.tokens.saturating_add(tokens);
        self.is_changed = true;
    }

    /// Only where nothing has been counted yet: what is in the store else is a part of what is here.
    fn restore(&mut self, earlier: Spent) {
        if self.spent.day.is_empty() {
            self.spent = earlier;
        }
    }

    /// Forward only, for a clock that is set back by a moment must not give a day's tokens again. A page from further ahead
    /// than tomorrow was begun by a clock that was wrong.
    fn turn_the_page(&mut self, date: SystemTime) {
        let today = DateTime::<Utc>::from(date).date_naive();
        let page = self.spent.day.parse::<NaiveDate>();
        let is_present = page.is_ok_and(|page| (0..=1).contains(&(page - today).num_days()));
        if !is_present {
            self.spent = Spent {
                day: today.to_string(),
                ..Spent::default()
            };
        }
    }
}

fn until_midnight(date: SystemTime) -> Duration {
    let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(DAY_S - since.as_secs() % DAY_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::Secret;

    /// 2026-07-01, an hour before midnight.
    fn evening() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(20_635 * DAY_S + 23 * 3_600)
    }

    fn account(tokens_per_day: Option<u64>, requests_per_minute: Option<u32>) -> Account {
        Account::new(&GatewayKey {
            name: "ada".to_owned(),
            secret: Secret::new("x"),
            tokens_per_day,
            requests_per_minute,
        })
    }

    #[test]
    fn a_days_tokens_are_there_again_at_midnight_utc() {
        let (mut account, now) = (account(Some(100), None), Instant::now());
        account.admit(now, evening()).unwrap();
        account.spend(99, evening());
        account.admit(now, evening()).unwrap();
        account.spend(5, evening());
        let hour = Duration::from_secs(3_600);
        assert_eq!(account.admit(now, evening()), Err(Over::Day(hour)));
        assert_eq!(account.spent.day, "2026-07-01");
        account.admit(now, evening() + hour).unwrap();
        let fresh = Spent {
            day: "2026-07-02".to_owned(),
            tokens: 0,
            requests: 1,
        };
        assert_eq!(account.spent, fresh);
    }

    #[test]
    fn no_minute_has_more_requests_than_it_may() {
        let (mut account, start) = (account(None, Some(2)), Instant::now());
        let s = Duration::from_secs;
        account.admit(start, evening()).unwrap();
        account.admit(start + s(30), evening()).unwrap();
        let refused = account.admit(start + s(45), evening());
        assert_eq!(refused, Err(Over::Minute(s(15))));
        account.admit(start + s(60), evening()).unwrap();
        let refused = account.admit(start + s(61), evening());
        assert_eq!(refused, Err(Over::Minute(s(29))));
        assert_eq!(account.spent.requests, 3, "a refused one does not count");
    }

    #[test]
    fn what_was_spent_on_another_day_is_not_restored_over_today() {
        let mut account = account(Some(100), None);
        let earlier = |day: &str| Spent {
            day: day.to_owned(),
            tokens: 90,
            requests: 3,
        };
        account.restore(earlier("2026-06-30"));
        account.admit(Instant::now(), evening()).unwrap();
        assert_eq!(account.spent.tokens, 0);
    }

    #[test]
    fn what_is_restored_twice_counts_once() {
        let mut account = account(Some(100), None);
        let earlier = Spent {
            day: "2026-07-01".to_owned(),
            tokens: 60,
            requests: 3,
        };
        account.restore(earlier.clone());
        account.admit(Instant::now(), evening()).unwrap();
        account.restore(earlier);
        assert_eq!((account.spent.tokens, account.spent.requests), (60, 4));
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_tokens_again() {
        let (mut account, now) = (account(Some(100), None), Instant::now());
        let morning = evening() + Duration::from_secs(2 * 3_600);
        account.spend(100, morning);
        account.spend(1, evening());
        assert_eq!(account.spent.day, "2026-07-02");
        assert_eq!(account.spent.tokens, 101);
        assert!(matches!(account.admit(now, evening()), Err(Over::Day(_))));
        // A day of a clock that was years ahead does not last for years.
        account.spent.day = "2031-01-01".to_owned();
        account.admit(now, evening()).unwrap();
        assert_eq!(account.spent.day, "2026-07-01");
    }
}
