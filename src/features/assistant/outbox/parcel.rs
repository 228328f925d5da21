//! Something that is to arrive in a chat.

use serde::{Deserialize, Serialize};
use teloxide::types::{MessageEntity, MessageEntityKind};

use crate::features::assistant::buttons::Button;
use crate::features::assistant::conversation::Question;
use crate::features::assistant::moment::Moment;
use crate::features::assistant::text::{Rich, render, split};

/// A message's text has no more UTF-16 units than this.
pub(in super::super) const LONGEST: usize = 4_096;

/// One or more messages, and how far they have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Parcel {
    /// The message that the first part takes the place of.
    #[serde(default)]
    pub(super) message: Option<i32>,
    /// It is not said anywhere else where that message is gone.
    #[serde(default)]
    pub(super) is_only_there: bool,
    /// The message that it answers.
    #[serde(default)]
    pub(super) reply_to: Option<i32>,
    text: String,
    is_markdown: bool,
    /// Said below the text, in italics where there is a text.
    #[serde(default)]
    note: String,
    /// Under the last part.
    #[serde(default)]
    pub(super) buttons: Vec<Button>,
    /// The formatting is left out.
    #[serde(default)]
    pub(super) is_bare: bool,
    /// The part that is next.
    #[serde(default)]
    pub(super) part: usize,
    /// Of this part, those that have failed.
    #[serde(default)]
    pub(super) tries: u32,
    /// When it was handed over.
    pub(super) since: Moment,
}

impl Parcel {
    /// What a model has written.
    pub(in super::super) fn markdown(text: &str) -> Self {
        Self {
            is_markdown: true,
            ..Self::plain(text)
        }
    }

    pub(in super::super) fn plain(text: &str) -> Self {
        Self {
            message: None,
            is_only_there: false,
            reply_to: None,
            text: text.to_owned(),
            is_markdown: false,
            note: String::new(),
            buttons: Vec::new(),
            is_bare: false,
            part: 0,
            tries: 0,
            since: Moment::now(),
        }
    }

    pub(in super::super) fn note(self, note: String) -> Self {
        Self { note, ..self }
    }

    pub(in super::super) fn buttons(self, buttons: Vec<Button>) -> Self {
        Self { buttons, ..self }
    }

    /// In the place of this message, where that is still there, and nowhere else.
    pub(in super::super) fn instead_of(mut self, message: i32) -> Self {
        self.message = Some(message);
        self.is_only_there = true;
        self
    }

    /// As a reply to this message.
    pub(in super::super) fn replying_to(mut self, message: i32) -> Self {
        self.reply_to = Some(message);
        self
    }

    /// Where this question's answer is expected.
    pub(in super::super) fn answering(mut self, question: &Question) -> Self {
        self.message = question.shown.message();
        self.replying_to(question.message)
    }

    /// The messages; at least one.
    pub(super) fn parts(&self) -> Vec<Rich> {
        let mut rich = if self.is_markdown {
            render(&self.text)
        } else {
            let text = self.text.trim().to_owned();
            let entities = Vec::new();
            Rich { text, entities }
        };
        self.add_note(&mut rich);
        if rich.text.trim().is_empty() {
            // Markup alone.
            rich.text = if self.text.trim().is_empty() {
                "(nothing)".to_owned()
            } else {
                self.text.trim().to_owned()
            };
            rich.entities.clear();
        }
        let mut parts = split(&rich, LONGEST);
        if self.is_bare {
            parts.iter_mut().for_each(|part| part.entities.clear());
        }
        parts
    }

    fn add_note(&self, rich: &mut Rich) {
        if self.note.is_empty() {
            return;
        }
        if rich.text.is_empty() {
            rich.text.clone_from(&self.note);
            return;
        }
        rich.text.push_str("\n\n");
        let units = |text: &str| text.encode_utf16().count();
        let entity = MessageEntity {
            kind: MessageEntityKind::Italic,
            offset: units(&rich.text),
            length: units(&self.note),
        };
        rich.entities.push(entity);
        rich.text.push_str(&self.note);
    }

    /// The part in hand has arrived.
    pub(super) fn goes_on(&mut self) {
        self.part += 1;
        self.tries = 0;
    }
}
