//! The ends of handlers, on their way to the store.
//!
//! They are collected for a moment before the store is told: it does not hurry with them either, and each time that it is
//! told wakes a thread. What a death of the process would repeat is not decided here: a handler that ended well has been
//! marked so before.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, OptionFuture};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Sleep, sleep};

use super::handling::Handling;
use crate::store::{Completion, Pos, StoreError};

/// Ends are collected for so long at most.
const COLLECTED_FOR: Duration = Duration::from_millis(20);
/// So many ends are told at once.
const MANY: usize = 100;

type Answer = Result<(), StoreError>;

pub(super) struct Ends {
    /// Knows what to do where there is no space for them.
    handling: Handling,
    collected: Vec<Completion>,
    /// When what is collected is to be told.
    due: Option<Pin<Box<Sleep>>>,
    /// What the store has been told and has not answered, with the completions in it.
    told: FuturesUnordered<BoxFuture<'static, (usize, Answer)>>,
    unwritten: usize,
}

impl Ends {
    pub(super) fn new(handling: Handling) -> Self {
        Self {
            handling,
            collected: Vec::new(),
            due: None,
            told: FuturesUnordered::new(),
            unwritten: 0,
        }
    }

    /// Completions that are not on disk yet.
    pub(super) fn unwritten(&self) -> usize {
        self.unwritten
    }

    /// Whether everything is on disk.
    pub(super) fn is_empty(&self) -> bool {
        self.collected.is_empty() && self.told.is_empty()
    }

    pub(super) fn add(&mut self, end: Completion) {
        self.collected.push(end);
        self.unwritten += 1;
        if self.collected.len() >= MANY {
            self.tell();
        } else if self.due.is_none() {
            self.due = Some(Box::pin(sleep(COLLECTED_FOR)));
        }
    }

    /// Tells the store what is collected.
    pub(super) fn tell(&mut self) {
        self.due = None;
        if self.collected.is_empty() {
            return;
        }
        let done = std::mem::take(&mut self.collected);
        let (handling, count) = (self.handling.clone(), done.len());
        self.told.push(Box::pin(
            async move { (count, handling.record(done).await) },
        ));
    }

    /// Has what the store was told written now.
    pub(super) fn hurry(&mut self) {
        self.tell();
        let store = Arc::clone(&self.handling.store);
        self.told.push(Box::pin(async move {
            // Those who are waited for say how it went.
            let _ = store.flush().await;
            (0, Ok(()))
        }));
    }

    /// Says that the handling of an update was broken off on purpose.
    pub(super) fn put_back(&mut self, pos: Pos) {
        let handling = self.handling.clone();
        self.told
            .push(Box::pin(async move { (0, handling.put_back(pos).await) }));
    }

    /// What the store answers next, and to how many ends. It is told meanwhile what has been collected for long enough. None
    /// where there is nothing to wait for.
    ///
    /// # Cancel safety
    /// An answer is taken only as this resolves.
    pub(super) async fn answer(&mut self) -> Option<(usize, Answer)> {
        loop {
            tokio::select! {
                biased;
                Some((count, answer)) = self.told.next() => {
                    self.unwritten -= count;
                    return Some((count, answer));
                }
                Some(()) = OptionFuture::from(self.due.as_mut()) => self.tell(),
                else => return None,
            }
        }
    }
}
