//! A world for every token, and which tokens are accepted.

use std::collections::HashMap;

use super::answer::ApiError;
use super::world::World;

/// Which tokens are accepted.
pub(super) enum Tokens {
    Any,
    Only(Vec<String>),
}

/// A world for every token.
pub(super) struct Worlds {
    tokens: Tokens,
    by_token: HashMap<String, World>,
}

impl Worlds {
    pub(super) fn new(tokens: Tokens) -> Self {
        let known = match &tokens {
            Tokens::Any => Vec::new(),
            Tokens::Only(tokens) => tokens.clone(),
        };
        let by_token = known
            .into_iter()
            .map(|token| (token.clone(), World::new(bot_id(&token).unwrap_or(1))))
            .collect();
        Self { tokens, by_token }
    }

    /// The world of this token; a well-formed token makes one where every token is accepted.
    pub(super) fn of_token(&mut self, token: &str) -> Result<&mut World, ApiError> {
        let id = bot_id(token).ok_or_else(|| ApiError::new(404, "Not Found"))?;
        if let Tokens::Any = self.tokens {
            return Ok(self
                .by_token
                .entry(token.to_owned())
                .or_insert_with(|| World::new(id)));
        }
        self.by_token
            .get_mut(token)
            .ok_or_else(|| ApiError::new(401, "Unauthorized"))
    }

    /// The world of this bot, or of the only one there is.
    pub(super) fn of_bot(&mut self, bot: Option<i64>) -> Result<&mut World, ApiError> {
        let count = self.by_token.len();
        let mut worlds = self.by_token.values_mut();
        match bot {
            Some(id) => worlds
                .find(|world| world.bot_id == id)
                .ok_or_else(|| ApiError::bad_request("no such bot has called yet")),
            None if count == 1 => worlds
                .next()
                .ok_or_else(|| ApiError::bad_request("there is no bot")),
            None if count == 0 => Err(ApiError::bad_request(
                "no bot has called yet; make one with POST /control/bot",
            )),
            None => Err(ApiError::bad_request(&format!(
                "there are {count} bots; say which one with \"bot\", its number"
            ))),
        }
    }
}

fn bot_id(token: &str) -> Option<i64> {
    let (number, secret) = token.split_once(':')?;
    (secret.len() >= 3).then_some(())?;
    number.parse().ok().filter(|id| *id > 0)
}
