//! What people have spent, as this process knows it before it is counted in their documents.
//!
//! An answer's cost is counted in another lane than the one in which the next answer begins, and answers in several chats are
//! written side by side; so whoever looks at the document alone lets more through than the budget has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tokens by user. It begins with what the documents say, and may be forgotten with the process.
#[derive(Default)]
pub(in super::super) struct Ledger(Mutex<HashMap<i64, Account>>);

#[derive(Clone, Copy, Default)]
struct Account {
    day: u64,
    spent: u64,
    /// For answers that are being written.
    reserved: u64,
}

/// Tokens that are set aside until it is known what an answer has cost.
pub(in super::super) struct Reserved {
    ledger: Arc<Ledger>,
    user: i64,
    tokens: u64,
}

impl Ledger {
    /// What is spent on this day, where the document has counted so much.
    pub(super) fn spent(&self, user: i64, day: u64, counted: u64) -> u64 {
        let accounts = self.accounts();
        let account = accounts.get(&user).copied().unwrap_or_default();
        account.on(day, counted).spent
    }

    /// None where the budget is used up, or may be by what is being written.
    pub(super) fn reserve(
        self: &Arc<Self>,
        user: i64,
        day: u64,
        counted: u64,
        budget: u64,
        tokens: u64,
    ) -> Option<Reserved> {
        let mut accounts = self.accounts();
        accounts.retain(|_, account| account.day == day || account.reserved > 0);
        let account = accounts.entry(user).or_default();
        *account = account.on(day, counted);
        if account.used() >= budget {
            return None;
        }
        account.reserved += tokens;
        let ledger = Arc::clone(self);
        Some(Reserved {
            ledger,
            user,
            tokens,
        })
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<i64, Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn on(self, day: u64, counted: u64) -> Self {
        let spent = if self.day == day { self.spent } else { 0 };
        let (spent, reserved) = (spent.max(counted), self.reserved);
        Self {
            day,
            spent,
            reserved,
        }
    }

    fn used(self) -> u64 {
        self.spent.saturating_add(self.reserved)
    }
}

impl Reserved {
    /// The answer has cost so much.
    pub(in super::super) fn settle(self, tokens: u64) {
        if let Some(account) = self.ledger.accounts().get_mut(&self.user) {
            account.spent = account.spent.saturating_add(tokens);
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(account) = self.ledger.accounts().get_mut(&self.user) {
            account.reserved = account.reserved.saturating_sub(self.tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_side_by_side_do_not_use_up_a_budget_together() {
        let ledger = Arc::new(Ledger::default());
        let reserve = |counted| ledger.reserve(7, 1, counted, 100, 30);
        let first = reserve(50).unwrap();
        let second = reserve(50).unwrap();
        assert!(reserve(50).is_none(), "110 of 100 may be used");
        assert_eq!(ledger.spent(7, 1, 50), 50, "what is set aside is not spent");
        drop(second);
        // The document does not count it yet.
        first.settle(60);
        assert_eq!(ledger.spent(7, 1, 50), 110);
        assert!(reserve(50).is_none());
        assert!(reserve(110).is_none(), "and it is not counted twice");
        assert_eq!(ledger.spent(7, 1, 110), 110);
    }

    #[test]
    fn a_new_day_begins_anew_and_what_was_spent_before_a_start_counts() {
        let ledger = Arc::new(Ledger::default());
        ledger.reserve(7, 1, 0, 100, 30).unwrap().settle(100);
        assert!(ledger.reserve(7, 1, 0, 100, 1).is_none());
        assert!(ledger.reserve(7, 2, 0, 100, 1).is_some());
        assert!(ledger.reserve(8, 2, 100, 100, 1).is_none());
        assert_eq!(ledger.accounts().len(), 2);
    }
}
