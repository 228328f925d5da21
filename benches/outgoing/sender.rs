//! The three ways to send a message.

use std::time::Duration;

use sundown::telegram::outgoing::{Limits, Outgoing, Rate};
use teloxide::adaptors::Throttle;
use teloxide::adaptors::throttle;
use teloxide::prelude::*;
use teloxide::types::Message;
use tokio::task::JoinSet;

/// Which limits are kept.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Bare,
    Throttle,
    Outgoing,
}

impl Side {
    pub(crate) const ALL: [Self; 3] = [Self::Bare, Self::Throttle, Self::Outgoing];
}

/// A bot of one side.
pub(crate) struct Sender {
    way: Way,
    /// The throttle's worker.
    _worker: JoinSet<()>,
}

enum Way {
    Bare(Bot),
    Throttle(Throttle<Bot>),
    Outgoing(Bot, Outgoing),
}

/// More than can be sent.
const OUT_OF_REACH: u32 = 10_000;

impl Sender {
    /// With its side's default limits, or with some that are never reached.
    pub(crate) async fn new(side: Side, url: &str, is_limited: bool) -> Self {
        let bot = Bot::new("123456789:AAbenchbenchbenchbenchbenchbenchben");
        let bot = bot.set_api_url(url.parse().expect("the server's address"));
        let mut worker = JoinSet::new();
        let way = match side {
            Side::Bare => Way::Bare(bot),
            Side::Throttle => {
                let limits = if is_limited {
                    throttle::Limits::default()
                } else {
                    throttle::Limits {
                        messages_per_sec_chat: OUT_OF_REACH,
                        messages_per_min_chat: OUT_OF_REACH,
                        messages_per_min_channel_or_supergroup: OUT_OF_REACH,
                        messages_per_sec_overall: OUT_OF_REACH,
                    }
                };
                let (bot, work) = Throttle::new(bot, limits);
                worker.spawn(work);
                Way::Throttle(bot)
            }
            Side::Outgoing => {
                let mut limits = Limits::default();
                if !is_limited {
                    let rate = Rate::new(OUT_OF_REACH, Duration::from_millis(100));
                    (limits.overall, limits.chat, limits.group) = (rate, rate, rate);
                }
                Way::Outgoing(bot, Outgoing::new(limits))
            }
        };
        Self {
            way,
            _worker: worker,
        }
    }

    pub(crate) async fn send(&self, chat: i64) -> ResponseResult<Message> {
        let (chat, text) = (ChatId(chat), "Hello!");
        match &self.way {
            Way::Bare(bot) => bot.send_message(chat, text).await,
            Way::Throttle(bot) => bot.send_message(chat, text).await,
            Way::Outgoing(bot, outgoing) => outgoing.send(bot.send_message(chat, text)).await,
        }
    }
}
