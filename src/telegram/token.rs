//! The bot token: a secret that can be passed around and never printed.

use std::fmt;

use crate::store::BotId;

/// A bot token. Its `Debug` shows the bot's public number only, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
    bot: BotId,
}

/// The text is no bot token. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no bot token: one looks like 123456789:AAE… (the bot's number, a colon, then letters, digits, _ and -), as @BotFather hands it out"
)]
pub struct TokenError;

impl Token {
    /// Reads a token; white space around it is allowed.
    ///
    /// # Errors
    /// Where the text does not have the form of a token.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let (number, secret) = text.split_once(':').ok_or(TokenError)?;
        let bot = number.parse().ok().filter(|id| *id > 0).ok_or(TokenError)?;
        let is_secret = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let plain_number = number.bytes().all(|byte| byte.is_ascii_digit());
        if !plain_number || secret.is_empty() || !secret.chars().all(is_secret) {
            return Err(TokenError);
        }
        Ok(Self {
            text: text.to_owned(),
            bot: BotId(bot),
        })
    }

    /// The bot's number, which is public.
    #[must_use]
    pub fn bot(&self) -> BotId {
        self.bot
    }

    /// A text without the secret, however a server has come to repeat it.
    pub(super) fn strike_from(&self, text: &str) -> String {
        let secret = self.text.split_once(':').map_or("", |(_, secret)| secret);
        text.replace(secret, "<secret>")
    }

    /// The secret itself, for the one place that puts it into a request.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}:…)", self.bot.0)
    }
}
