//! What a bot sends, kept within Telegram's limits.
//!
//! ```text
//!  send ──→ the chat's turn ──→ the chat's pace ──→ the bot's turn ──→ the bot's pace ──→ the request
//!           one at a time,      its rates, and      one at a time,     its rate             │
//!           in order            what a 429 asked    in order                                │
//!                                   ▲                                                       │
//!                                   └───────────── 429: the same chat waits, and again ─────┘
//! ```
//!
//! **Authority**: the server. Rates only keep a bot from being refused more often than it must be; a 429 counts.
//!
//! Invariants:
//! - A chat's messages go one after another, in the order in which they were asked for: the next one when the one before
//!   was answered, also where that took a 429 and another try.
//! - A chat that must wait holds up no other chat: it asks for the bot's turn only when its own time has come.
//! - A slot is used at the moment a request goes, never reserved: who gives up while waiting leaves nothing behind.
//! - What may be left out (`send_now`) waits for nothing, and leaves a part of every rate to what must arrive.
//! - What is kept elsewhere (`send_within`) waits no longer than its caller says, and is told for how long to come back.
//! - No task, no channel: who waits is the caller, and is aborted with it.
//! - Chats that nothing was sent to for a while are forgotten.
//!
//! A 429 does not say whether the chat or the bot is meant. It counts for the chat: if the bot was meant, the other chats
//! are told so themselves. But after three in a row, whatever chats they are from, only one message a second goes out,
//! until the server takes one. So a bot that is flooded does not collect a refusal from every chat, and no chat is ever
//! frozen by another one's 429.
//!
//! Not done here: keeping what could not be sent. A handler that is cut off while it waits runs again at the next start.

mod chats;
mod limits;
mod pace;
#[cfg(test)]
mod tests;
mod to_chat;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use teloxide::RequestError;
use teloxide::requests::{Output, Request};
use teloxide::types::{Recipient, Seconds};
use tokio::sync::{Mutex as Queue, MutexGuard as QueueGuard};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::warn;

pub use limits::{Limits, Rate};
pub use to_chat::ToChat;

use chats::Chats;
use pace::{ChatPace, Overall};

/// Sends messages within limits on each chat and on the whole bot: a dependency that every handler may ask for. Cloned
/// freely; all clones share the limits.
///
/// ```no_run
/// use sundown::telegram::outgoing::Outgoing;
/// use teloxide::prelude::*;
///
/// # async fn run() {
/// let handler = Update::filter_message().endpoint(
///     async |bot: Bot, outgoing: Outgoing, message: Message| {
///         outgoing.send(bot.send_message(message.chat.id, "Hello!")).await?;
///         respond(())
///     },
/// );
/// sundown::polling(Bot::from_env(), handler).run().await;
/// # }
/// ```
///
/// Each bot has one of its own, with the default limits. For other limits, or to send from a hook too, make one and hand
/// it over; it must not be shared between bots, whose limits are their own:
///
/// ```no_run
/// # use sundown::telegram::outgoing::{Limits, Outgoing};
/// # use teloxide::prelude::*;
/// # async fn run(bot: Bot, handler: sundown::bot::UpdateHandler<teloxide::RequestError>) {
/// let outgoing = Outgoing::new(Limits { retries: 0, ..Limits::default() });
/// sundown::polling(bot, handler)
///     .dependencies(dptree::deps![outgoing.clone()])
///     .run()
///     .await;
/// # }
/// ```
///
/// What goes to the bot directly is neither counted nor held up: answers to button presses, files.
#[derive(Clone)]
pub struct Outgoing(Arc<Inner>);

struct Inner {
    limits: Limits,
    chats: Chats,
    /// The chats' turns and times for what is no message.
    calls: Chats,
    /// The bot's turn; what it is about is in `overall`, which answers must reach without one.
    turn: Queue<()>,
    overall: Mutex<Overall>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Outgoing {
    /// With these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            chats: Chats::new(limits),
            calls: Chats::new(limits.for_calls()),
            turn: Queue::new(()),
            overall: Mutex::new(Overall::new(&limits)),
        }))
    }

    /// Waits for the chat's turn and for the limits, and sends. Where the server answers 429, the chat waits for as long
    /// as it asks, and the request is sent again, within what [`Limits`] say.
    ///
    /// It takes any request to a chat that teloxide's bots and their adaptors make; see [`ToChat`]. A file that is read
    /// from a stream may be kept in memory, to be sent again.
    ///
    /// # Errors
    /// The request's own, which is not sent again after anything but a 429: after a broken connection the message may
    /// have arrived. [`RequestError::RetryAfter`] also where nothing was sent, because the server wants nothing in this
    /// chat for longer than is waited; it says what is left of that.
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing was sent and no slot is used. Dropped while the server is asked, the message may
    /// have been sent.
    pub async fn send<R>(&self, request: R) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
        R::Payload: ToChat,
    {
        let chat = self.0.chats.of(request.payload_ref().chat());
        let patience = self.0.patience();
        self.0.take_turns(&chat, request, patience).await
    }

    /// Sends as [`send`](Self::send) does, but waits no longer than `longest` before the server is asked: neither for the
    /// chat's turn and the limits nor for what a 429 asks. For whoever can come back later, as a timer does, instead of
    /// holding up a handler and a stop.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use sundown::telegram::outgoing::Outgoing;
    /// # use teloxide::RequestError;
    /// # use teloxide::prelude::*;
    /// # async fn run(bot: Bot, outgoing: Outgoing, chat: ChatId) -> ResponseResult<()> {
    /// let request = bot.send_message(chat, "Hello!");
    /// match outgoing.send_within(Duration::from_secs(3), request).await {
    ///     Err(RequestError::RetryAfter(wait)) => println!("again in {wait}"),
    ///     sent => drop(sent?),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The request's own. [`RequestError::RetryAfter`] also where nothing was sent, because it would have waited for longer;
    /// it says when to come back: what is left of the wait, or a second where others have the turn.
    ///
    /// # Cancel safety
    /// As for [`send`](Self::send).
    pub async fn send_within<R>(
        &self,
        longest: Duration,
        request: R,
    ) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
        R::Payload: ToChat,
    {
        let chat = self.0.chats.of(request.payload_ref().chat());
        let patience = Patience {
            until: Some(Instant::now() + longest),
            ..self.0.patience()
        };
        self.0.take_turns(&chat, request, patience).await
    }

    /// Sends what may as well be left out, where it need not wait: a preview of an answer that is being written, or that the
    /// bot is typing. `None` at once where something else is on its way to the chat, where a limit is near, or where the
    /// server has asked for a pause, of this chat or by three 429 in a row; and where it answers 429 to this, which the
    /// chat then keeps to.
    ///
    /// It counts as any message does, and the chat's turn is taken until the answer. A quarter of every rate, and one
    /// message at least, is left to what must arrive: previews alone use 2 of 3 messages in 3 s, and 15 of a group's 20 a
    /// minute. So with a rate of one message nothing is sent this way.
    ///
    /// ```no_run
    /// # use sundown::telegram::outgoing::Outgoing;
    /// # use teloxide::prelude::*;
    /// # use teloxide::types::ChatAction;
    /// # async fn run(bot: Bot, outgoing: Outgoing, chat: ChatId) -> ResponseResult<()> {
    /// let typing = bot.send_chat_action(chat, ChatAction::Typing);
    /// let was_sent = outgoing.send_now(typing).await?.is_some();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The request's own, but for a 429.
    ///
    /// # Cancel safety
    /// Dropped while the server is asked, the message may have been sent.
    pub async fn send_now<R>(&self, request: R) -> Result<Option<Output<R>>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
        R::Payload: ToChat,
    {
        let chat = self.0.chats.of(request.payload_ref().chat());
        let Ok(mut pace) = chat.try_lock() else {
            return Ok(None);
        };
        if !self.0.goes_now(&mut pace, Instant::now()) {
            return Ok(None);
        }
        let sending = request.send_ref();
        let answer = sending.await;
        match self.0.learn(&mut pace, answer.as_ref().err()) {
            Some(_) => Ok(None),
            None => answer.map(Some),
        }
    }

    /// Calls a method about a chat that puts nothing into it: what is done to members, or asked about them. Such calls have
    /// turns of their own in each chat, which no message holds up; they count towards the bot's rate, and towards no chat's.
    /// A 429 is waited out as for a message.
    ///
    /// ```no_run
    /// # use sundown::telegram::outgoing::Outgoing;
    /// # use teloxide::prelude::*;
    /// # async fn remove(bot: Bot, outgoing: Outgoing, chat: ChatId, user: UserId) -> ResponseResult<()> {
    /// outgoing.call(chat, bot.ban_chat_member(chat, user)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As for [`send`](Self::send).
    pub async fn call<R>(
        &self,
        chat: impl Into<Recipient>,
        request: R,
    ) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
    {
        let chat = self.0.calls.of(chat.into());
        let patience = self.0.patience();
        self.0.take_turns(&chat, request, patience).await
    }
}

/// For how long somebody waits.
#[derive(Clone, Copy)]
struct Patience {
    /// For what a 429 asks, each time.
    longest: Duration,
    /// For everything together.
    until: Option<Instant>,
}

impl Patience {
    /// Fails where that is over before it is somebody's turn.
    async fn turn<'a, T>(self, queue: &'a Queue<T>) -> Result<QueueGuard<'a, T>, RequestError> {
        let taking = queue.lock();
        match self.until {
            None => Ok(taking.await),
            // Who has the turn may be waiting; for how long is not known.
            Some(until) => timeout_at(until, taking)
                .await
                .map_err(|_| RequestError::RetryAfter(Seconds::from_seconds(1))),
        }
    }

    async fn sleep_until(self, next: Instant) -> Result<(), RequestError> {
        let now = Instant::now();
        // The timer counts in milliseconds and rounds up: it would keep also those who may go now.
        if next <= now {
            return Ok(());
        }
        if self.until.is_some_and(|until| next > until) {
            return Err(RequestError::RetryAfter(whole_seconds(next - now)));
        }
        sleep_until(next).await;
        Ok(())
    }

    fn allows(self, wait: Duration) -> bool {
        let is_in_time = self
            .until
            .is_none_or(|until| Instant::now() + wait <= until);
        wait <= self.longest && is_in_time
    }
}

impl Inner {
    /// Of those who wait for as long as the limits say.
    fn patience(&self) -> Patience {
        Patience {
            longest: self.limits.longest_wait,
            until: None,
        }
    }

    async fn take_turns<R>(
        &self,
        chat: &Queue<ChatPace>,
        request: R,
        patience: Patience,
    ) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
    {
        let mut pace = patience.turn(chat).await?;
        let mut retries = self.limits.retries;
        loop {
            self.may_go(&mut pace, patience).await?;
            let sending = request.send_ref();
            let answer = sending.await;
            let wait = self.learn(&mut pace, answer.as_ref().err());
            match wait {
                Some(wait) if retries > 0 && patience.allows(wait) => retries -= 1,
                _ => return answer,
            }
        }
    }

    /// Resolves when a message may go, and counts it then.
    async fn may_go(&self, chat: &mut ChatPace, patience: Patience) -> Result<(), RequestError> {
        let now = Instant::now();
        let left = chat.refused_for(now);
        if left > patience.longest {
            return Err(RequestError::RetryAfter(whole_seconds(left)));
        }
        patience.sleep_until(chat.next(now)).await?;
        let _turn = patience.turn(&self.turn).await?;
        // Answers that come in the meantime can make it later.
        while let Err(next) = self.go(chat, Instant::now()) {
            patience.sleep_until(next).await?;
        }
        Ok(())
    }

    /// Counts a message that goes now, or says when to ask again.
    fn go(&self, chat: &mut ChatPace, now: Instant) -> Result<(), Instant> {
        let mut overall = self.overall();
        let next = overall.next(now);
        if next > now {
            return Err(next);
        }
        overall.take(now);
        chat.take(now);
        Ok(())
    }

    /// Counts what may be left out, where it may go now and nobody waits.
    fn goes_now(&self, chat: &mut ChatPace, now: Instant) -> bool {
        let Ok(_turn) = self.turn.try_lock() else {
            return false;
        };
        chat.has_room(now) && self.overall().has_room(now) && self.go(chat, now).is_ok()
    }

    /// Takes note of an answer, and says how long the server wants to be left alone.
    fn learn(&self, chat: &mut ChatPace, error: Option<&RequestError>) -> Option<Duration> {
        match error {
            Some(RequestError::RetryAfter(asked)) => {
                let wait = asked.duration();
                chat.refuse(Instant::now() + wait);
                self.overall().refuse();
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                warn!(wait_ms, "too many messages for the server; the chat waits");
                Some(wait)
            }
            None | Some(RequestError::Api(_) | RequestError::MigrateToChatId(_)) => {
                self.overall().accept();
                None
            }
            // What the server thinks of the rate is not known.
            Some(_) => None,
        }
    }

    fn overall(&self) -> MutexGuard<'_, Overall> {
        self.overall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rounded up: who waits for as long is not too early.
fn whole_seconds(time: Duration) -> Seconds {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    Seconds::from_seconds(u32::try_from(seconds).unwrap_or(u32::MAX))
}
