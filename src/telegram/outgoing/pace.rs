//! When the next message may go: decisions from what was sent and the time, without a clock or a task.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::limits::{Limits, Rate};

/// After so many 429 in a row, whichever chats they are about, the whole bot may be meant.
const SUSPICIOUS: u32 = 3;
/// Then one message goes out in this time, until one is taken again.
const PROBE: Duration = Duration::from_secs(1);

/// The pace of one chat.
#[derive(Debug)]
pub(super) struct ChatPace {
    windows: Vec<Window>,
    refused_until: Option<Instant>,
}

impl ChatPace {
    pub(super) fn new(limits: &Limits, is_group: bool) -> Self {
        let rates = [Some(limits.chat), is_group.then_some(limits.group)];
        Self {
            windows: rates.into_iter().flatten().map(Window::new).collect(),
            refused_until: None,
        }
    }

    /// When the next message may go, as far as the chat is concerned: `now` or later.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let windows = self.windows.iter().map(|window| window.next(now));
        windows.chain(self.refused_until).fold(now, Instant::max)
    }

    /// Whether one that may be left out may go: the server asked for no pause, and the reserve is left.
    pub(super) fn has_room(&self, now: Instant) -> bool {
        self.refused_for(now).is_zero() && self.windows.iter().all(|window| window.has_room(now))
    }

    /// A message goes now.
    pub(super) fn take(&mut self, now: Instant) {
        self.windows.iter_mut().for_each(|window| window.take(now));
    }

    /// The server refused one, and wants none before then.
    pub(super) fn refuse(&mut self, until: Instant) {
        self.refused_until = self.refused_until.max(Some(until));
    }

    /// What is left of the time in which the server wants none.
    pub(super) fn refused_for(&self, now: Instant) -> Duration {
        self.refused_until
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Whether a new one would decide the same from now on.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.refused_for(now).is_zero() && self.windows.iter().all(|window| window.is_over(now))
    }
}

/// The pace of the whole bot.
#[derive(Debug)]
pub(super) struct Overall {
    window: Window,
    last: Option<Instant>,
    refused_in_a_row: u32,
}

impl Overall {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            window: Window::new(limits.overall),
            last: None,
            refused_in_a_row: 0,
        }
    }

    /// When the next message may go, as far as all chats together are concerned: `now` or later.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let is_probing = self.refused_in_a_row >= SUSPICIOUS;
        let probe = self.last.filter(|_| is_probing).map(|last| last + PROBE);
        self.window.next(now).max(probe.unwrap_or(now))
    }

    /// Whether one that may be left out may go: the bot is not suspected to be flooding, and the reserve is left.
    pub(super) fn has_room(&self, now: Instant) -> bool {
        self.refused_in_a_row < SUSPICIOUS && self.window.has_room(now)
    }

    /// A message goes now.
    pub(super) fn take(&mut self, now: Instant) {
        self.window.take(now);
        self.last = Some(now);
    }

    /// The server refused one.
    pub(super) fn refuse(&mut self) {
        self.refused_in_a_row = self.refused_in_a_row.saturating_add(1);
    }

    /// The server had nothing against the rate.
    pub(super) fn accept(&mut self) {
        self.refused_in_a_row = 0;
    }
}

/// At most so many in any span of time. It remembers when each of the last ones was: a bucket that fills up again would
/// let up to twice as many through within a span.
#[derive(Debug)]
struct Window {
    messages: usize,
    per: Duration,
    sent: VecDeque<Instant>,
}

impl Window {
    fn new(rate: Rate) -> Self {
        let (messages, per) = rate.bounded();
        Self {
            messages,
            per,
            sent: VecDeque::new(),
        }
    }

    fn next(&self, now: Instant) -> Instant {
        // The oldest of as many as may be within a span, if there have been so many.
        let oldest = self.sent.len().checked_sub(self.messages);
        let oldest = oldest.and_then(|index| self.sent.get(index));
        oldest.map_or(now, |oldest| now.max(*oldest + self.per))
    }

    /// Whether one more leaves the reserve: a quarter of the rate, and one at least.
    fn has_room(&self, now: Instant) -> bool {
        let over = self.sent.partition_point(|sent| *sent + self.per <= now);
        let reserve = (self.messages / 4).max(1);
        self.sent.len() - over + 1 + reserve <= self.messages
    }

    fn take(&mut self, now: Instant) {
        while self
            .sent
            .front()
            .is_some_and(|sent| *sent + self.per <= now)
        {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    fn is_over(&self, now: Instant) -> bool {
        self.sent.back().is_none_or(|sent| *sent + self.per <= now)
    }
}
