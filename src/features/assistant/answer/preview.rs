//! What people see of an answer while it is written.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use teloxide::RequestError;
use teloxide::payloads::EditMessageTextSetters;
use teloxide::prelude::*;
use teloxide::types::{ChatAction, InlineKeyboardMarkup, MessageId};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::debug;

use crate::features::assistant::conversation::{Place, Question};
use crate::features::assistant::text::{Rich, render, split};
use crate::features::assistant::{Tools, outbox, words};
use crate::features::errors::brief;
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
    /// The call that is on its way: one at a time.
    flight: Option<BoxFuture<'static, Result<bool, RequestError>>>,
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
            flight: None,
        }
    }

    /// Shows the latest text when its time has come. Resolves now and then, and is to be called again.
    ///
    /// # Cancel safety
    /// What is on its way goes on with the next call.
    pub(super) async fn work(&mut self, text: &str) {
        if let Some(flight) = &mut self.flight {
            let landed = flight.await;
            self.flight = None;
            self.learn(landed);
            return;
        }
        let is_empty = text.trim().is_empty();
        if self.is_old && is_empty && self.message.is_some() {
            self.is_old = false;
            self.edit(Rich {
                text: words::SOON.to_owned(),
                entities: Vec::new(),
            });
        } else if is_empty {
            sleep_until(self.next_typing).await;
            self.next_typing = Instant::now() + TYPING;
            self.type_on();
        } else {
            self.look(text).await;
        }
    }

    /// Ends the previews: what is on its way lands, and the next edit keeps its distance.
    pub(super) async fn settle(&mut self, is_hurried: bool) {
        let patience = if is_hurried {
            ON_ITS_WAY_OUT
        } else {
            ON_ITS_WAY
        };
        if let Some(flight) = self.flight.take() {
            let _ = timeout_at(Instant::now() + patience, flight).await;
        }
        if self.has_edited && !is_hurried {
            tokio::select! {
                () = self.tools.handle.stop_requested() => {}
                () = sleep_until(self.next_edit) => {}
            }
        }
    }

    /// The text is not looked at before it may be shown: it will be longer by then.
    async fn look(&mut self, text: &str) {
        if self.message.is_none() {
            return std::future::pending().await;
        }
        sleep_until(self.next_edit).await;
        let rich = split(&render(text), LONGEST).into_iter().next();
        match rich.filter(|rich| !rich.text.trim().is_empty() && rich.text != self.shown) {
            Some(rich) => self.edit(rich),
            // Until there is more.
            None => std::future::pending().await,
        }
    }

    fn edit(&mut self, rich: Rich) {
        let Some(message) = self.message else { return };
        self.next_edit = Instant::now() + self.spacing;
        self.has_edited = true;
        self.shown.clone_from(&rich.text);
        let (chat, message) = (ChatId(self.at.chat), MessageId(message));
        let request = self.tools.bot.edit_message_text(chat, message, rich.text);
        let request = request.entities(rich.entities);
        self.send(request.reply_markup(self.keyboard.clone()));
    }

    fn type_on(&mut self) {
        let (bot, chat) = (&self.tools.bot, ChatId(self.at.chat));
        self.send(bot.send_chat_action(chat, ChatAction::Typing));
    }

    /// Has it on its way, where there is room for it.
    fn send<R>(&mut self, request: R)
    where
        R: Request<Err = RequestError> + Send + Sync + 'static,
        R::Payload: ToChat + Sync,
    {
        let outgoing = self.tools.outgoing.clone();
        let sending = async move { outgoing.send_now(request).await.map(|sent| sent.is_some()) };
        self.flight = Some(sending.boxed());
    }

    /// What failed is most often not modified, or gone; the final text finds that out for itself.
    fn learn(&mut self, landed: Result<bool, RequestError>) {
        match landed {
            Ok(true) => {}
            Ok(false) => {
                self.shown.clear();
                self.next_edit = Instant::now() + AGAIN;
            }
            Err(error) => {
                let error = brief(&error);
                debug!(chat_id = self.at.chat, error, "a preview is left out");
            }
        }
    }
}
