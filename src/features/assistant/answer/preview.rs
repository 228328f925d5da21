//! What people see of an answer while it is written.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use teloxide::payloads::EditMessageTextSetters;
use teloxide::prelude::*;
use teloxide::types::{ChatAction, InlineKeyboardMarkup, MessageId};
use teloxide::{ApiError, RequestError};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::debug;

use crate::features::assistant::conversation::{Place, Question};
use crate::features::assistant::text::{Rich, render, split};
use crate::features::assistant::{Tools, outbox, words};
use crate::features::errors::{brief, is_about_the_server};
use crate::telegram::outgoing::ToChat;

/// Two edits of a message are at least so far apart.
const SPACING: Duration = Duration::from_millis(1_200);
/// In a group, of which Telegram takes 20 messages a minute.
const GROUP_SPACING: Duration = Duration::from_secs(3);
/// A model that has said nothing for so long is shown to be at work. It counts like a message, and a preview needs the room.
const PATIENCE: Duration = Duration::from_secs(2);
/// A preview that the chat had no room for is tried again after this, with the text as it is then.
const AGAIN: Duration = Duration::from_millis(300);
/// What is shown of typing is gone after five seconds.
const TYPING: Duration = Duration::from_millis(4_500);
/// An edit that is on its way is waited for so long before the next one follows it.
const ON_ITS_WAY: Duration = Duration::from_secs(10);
/// The same in a process that is about to end.
const ON_ITS_WAY_OUT: Duration = Duration::from_secs(1);
/// A part of an answer that is shown before the answer is whole.
const LONGEST: usize = 4_096;

/// The previews of one answer.
pub(super) struct Preview {
    tools: Tools,
    at: Place,
    message: Option<i32>,
    keyboard: InlineKeyboardMarkup,
    spacing: Duration,
    /// What is shown now.
    shown: String,
    /// The place still says that others are before it.
    is_old: bool,
    has_edited: bool,
    next_edit: Instant,
    next_typing: Instant,
    next_turn: Instant,
    /// The call that is on its way: one at a time.
    flight: Option<(What, Landing)>,
    /// There is nothing more to show: the message is full, or gone.
    is_over: bool,
}

type Landing = BoxFuture<'static, Result<bool, RequestError>>;

/// What is on its way.
#[derive(Clone, Copy)]
enum What {
    /// That nobody is before it any more.
    Turn,
    Text,
    Typing,
}

impl Preview {
    pub(super) fn new(tools: &Tools, at: Place, question: &Question) -> Self {
        let begin = Instant::now();
        let spacing = if at.is_private() {
            SPACING
        } else {
            GROUP_SPACING
        };
        Self {
            tools: tools.clone(),
            at,
            message: question.shown.message(),
            keyboard: outbox::placeholder(at, question.id, 0).1,
            spacing,
            shown: words::SOON.to_owned(),
            is_old: question.has_waited,
            has_edited: false,
            // The place has just been made.
            next_edit: begin + spacing,
            next_typing: begin + PATIENCE,
            next_turn: begin,
            flight: None,
            is_over: false,
        }
    }

    /// Shows the latest text when its time has come. Resolves now and then, and is to be called again.
    ///
    /// # Cancel safety
    /// What is on its way goes on with the next call.
    pub(super) async fn work(&mut self, text: &str) {
        if let Some((what, flight)) = &mut self.flight {
            let (what, landed) = (*what, flight.await);
            self.flight = None;
            self.learn(what, landed);
            return;
        }
        if self.is_over {
            return std::future::pending().await;
        }
        let is_empty = text.trim().is_empty();
        if self.is_old && is_empty && self.message.is_some() {
            sleep_until(self.next_turn).await;
            self.is_old = false;
            let (text, entities) = (words::SOON.to_owned(), Vec::new());
            self.edit(What::Turn, Rich { text, entities });
        } else if is_empty {
            sleep_until(self.next_typing).await;
            self.next_typing = Instant::now() + TYPING;
            self.type_on();
        } else {
            self.look(text).await;
        }
    }

    /// Ends the previews: what is on its way lands, and the next edit keeps its distance; but no longer than `until`.
    pub(super) async fn settle(&mut self, is_hurried: bool, until: Instant) {
        let patience = if is_hurried {
            ON_ITS_WAY_OUT
        } else {
            ON_ITS_WAY
        };
        if let Some((_, flight)) = self.flight.take() {
            let _ = timeout_at(until.min(Instant::now() + patience), flight).await;
        }
        if self.has_edited && !is_hurried {
            tokio::select! {
                () = self.tools.handle.stop_requested() => {}
                () = sleep_until(self.next_edit.min(until)) => {}
            }
        }
    }

    /// The text is not looked at before it may be shown: it will be longer by then.
    async fn look(&mut self, text: &str) {
        if self.message.is_none() {
            return std::future::pending().await;
        }
        sleep_until(self.next_edit).await;
        let parts = split(&render(text), LONGEST);
        let is_full = parts.len() > 1;
        let rich = parts.into_iter().next();
        match rich.filter(|rich| !rich.text.trim().is_empty() && rich.text != self.shown) {
            Some(rich) => self.edit(What::Text, rich),
            // More words do not change a message that is full.
            None if is_full => self.is_over = true,
            // There is more to look at by then.
            None => self.next_edit = Instant::now() + self.spacing,
        }
    }

    fn edit(&mut self, what: What, rich: Rich) {
        let Some(message) = self.message else { return };
        self.next_edit = Instant::now() + self.spacing;
        self.has_edited = true;
        self.shown.clone_from(&rich.text);
        let (chat, message) = (ChatId(self.at.chat), MessageId(message));
        let request = self.tools.bot.edit_message_text(chat, message, rich.text);
        let request = request.entities(rich.entities);
        self.send(what, request.reply_markup(self.keyboard.clone()));
    }

    fn type_on(&mut self) {
        let (bot, chat) = (&self.tools.bot, ChatId(self.at.chat));
        let typing = bot.send_chat_action(chat, ChatAction::Typing);
        self.send(What::Typing, typing);
    }

    /// Has it on its way, where there is room for it.
    fn send<R>(&mut self, what: What, request: R)
    where
        R: Request<Err = RequestError> + Send + Sync + 'static,
        R::Payload: ToChat + Sync,
    {
        let outgoing = self.tools.outgoing.clone();
        let sending = async move { outgoing.send_now(request).await.map(|sent| sent.is_some()) };
        self.flight = Some((what, sending.boxed()));
    }

    /// What failed is most often not modified; the final text finds out for itself what is the matter.
    fn learn(&mut self, what: What, landed: Result<bool, RequestError>) {
        match (landed, what) {
            (Ok(true), _) | (Ok(false), What::Typing) => {}
            (Ok(false), What::Turn) => {
                self.is_old = true;
                self.next_turn = Instant::now() + AGAIN;
                self.next_edit = self.next_turn;
            }
            (Ok(false), What::Text) => {
                self.shown.clear();
                self.next_edit = Instant::now() + AGAIN;
            }
            (Err(error), _) => {
                self.is_over = is_in_vain(&error);
                let error = brief(&error);
                debug!(chat_id = self.at.chat, error, "a preview is left out");
            }
        }
    }
}

/// Whether no further preview would be taken either.
fn is_in_vain(error: &RequestError) -> bool {
    let RequestError::Api(error) = error else {
        return matches!(error, RequestError::MigrateToChatId(_));
    };
    let is_passing = matches!(error, ApiError::MessageNotModified) || is_about_the_server(error);
    // Entities that are refused may be others in a moment.
    !is_passing && !matches!(error, ApiError::Unknown(_))
}
