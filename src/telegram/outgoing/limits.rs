//! How much a bot sends, as plain data.

use std::time::Duration;

/// At most `messages` in any span of `per`: a burst of so many, and then no more before the first of them is that old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// 1 to 10,000; what is outside counts as the nearest bound. The time of each is remembered for as long as `per`.
    pub messages: u32,
    /// 1 ms to 1 h; what is outside counts as the nearest bound.
    pub per: Duration,
}

impl Rate {
    /// So many in any span of this length.
    #[must_use]
    pub const fn new(messages: u32, per: Duration) -> Self {
        Self { messages, per }
    }

    /// Its values, within their ranges.
    pub(super) fn bounded(self) -> (usize, Duration) {
        let messages = self.messages.clamp(1, 10_000);
        let per = self
            .per
            .clamp(Duration::from_millis(1), Duration::from_secs(3_600));
        (usize::try_from(messages).unwrap_or(usize::MAX), per)
    }
}

/// Limits on what one bot sends; see [`Outgoing`](super::Outgoing) for how they are kept.
///
/// Telegram does not specify its limits. The defaults are what its FAQ says
/// (<https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>), and an answer 429 is obeyed
/// besides, whatever they are.
///
/// ```
/// use std::time::Duration;
/// use sundown::telegram::outgoing::{Limits, Outgoing, Rate};
///
/// // A bot that pays for broadcasts may send up to 1,000 messages a second.
/// let limits = Limits {
///     overall: Rate::new(1_000, Duration::from_secs(1)),
///     ..Limits::default()
/// };
/// let outgoing = Outgoing::new(limits);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To all chats together. Default 30 in 1 s ("no more than about 30 messages per second").
    pub overall: Rate,
    /// To any one chat. Default 3 in 3 s: one a second on average ("avoid sending more than one message per second"),
    /// with short bursts ("we may allow short bursts that go over this limit").
    pub chat: Rate,
    /// Besides `chat`, to a group or a channel, which is a chat with a negative id or with a name. Default 20 in 60 s
    /// ("not be able to send more than 20 messages per minute").
    pub group: Rate,
    /// How often a request that was answered 429 is sent again, before the error goes to the caller: 0 or more.
    /// Default 3.
    pub retries: u32,
    /// The longest `retry_after` that is waited out. What is asked to wait longer fails at once, and so does everything
    /// else to that chat until no more than this is left. Default 60 s, so that the default retries are over before a
    /// handler is cut off by its default time-out of five minutes. With zero no 429 is waited out.
    pub longest_wait: Duration,
}

impl Default for Limits {
    /// 30 messages a second overall, 3 in 3 s to a chat, 20 a minute to a group; 3 retries after 60 s at most each.
    fn default() -> Self {
        Self {
            overall: Rate::new(30, Duration::from_secs(1)),
            chat: Rate::new(3, Duration::from_secs(3)),
            group: Rate::new(20, Duration::from_secs(60)),
            retries: 3,
            longest_wait: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// Those on calls that are no messages: a chat has no rate for them that anybody knows of.
    pub(super) fn for_calls(self) -> Self {
        let any = Rate::new(10_000, Duration::from_millis(1));
        Self {
            chat: any,
            group: any,
            ..self
        }
    }
}
