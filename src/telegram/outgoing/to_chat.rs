//! Which requests are messages to a chat.

use teloxide::payloads;
use teloxide::types::Recipient;

/// A request's payload that puts something into a chat, changes a message there, or shows that the bot is busy there.
/// Telegram limits edits in a group as it limits messages.
///
/// An album and a batch of forwarded messages count as one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` puts nothing into a chat",
    note = "what is not limited by chat needs no turn: await the request itself"
)]
pub trait ToChat {
    /// The chat that it goes to.
    fn chat(&self) -> Recipient;
}

macro_rules! to_chat {
    ($($payload:ident),+ $(,)?) => {
        $(impl ToChat for payloads::$payload {
            fn chat(&self) -> Recipient {
                // Some have an id here, and some an id or a name.
                self.chat_id.clone().into()
            }
        })+
    };
}

to_chat! {
    CopyMessage,
    CopyMessages,
    EditMessageCaption,
    EditMessageChecklist,
    EditMessageLiveLocation,
    EditMessageMedia,
    EditMessageReplyMarkup,
    EditMessageText,
    ForwardMessage,
    ForwardMessages,
    SendAnimation,
    SendAudio,
    SendChatAction,
    SendChecklist,
    SendContact,
    SendDice,
    SendDocument,
    SendGame,
    SendGiftChat,
    SendInvoice,
    SendLocation,
    SendMediaGroup,
    SendMessage,
    SendPaidMedia,
    SendPhoto,
    SendPoll,
    SendSticker,
    SendVenue,
    SendVideo,
    SendVideoNote,
    SendVoice,
    StopMessageLiveLocation,
    StopPoll,
}
