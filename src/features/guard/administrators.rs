//! Who may tell the guard what to do in a group.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use teloxide::prelude::*;
use teloxide::types::{ChatMember, UserId};
use tokio::time::Instant;

use super::{Failed, Tools};

/// What Telegram has said counts for so long, unless it says that an administrator has changed.
const FRESH: Duration = Duration::from_secs(300);
/// More groups than this are forgotten together.
const MOST: usize = 10_000;

/// The administrators of groups, as they were last heard of.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<i64, (Instant, Vec<ChatMember>)>>);

impl Cache {
    pub(super) fn forget(&self, chat: i64) {
        self.known().remove(&chat);
    }

    fn get(&self, chat: i64) -> Option<Vec<ChatMember>> {
        let known = self.known();
        let (at, members) = known.get(&chat)?;
        (at.elapsed() < FRESH).then(|| members.clone())
    }

    fn put(&self, chat: i64, members: Vec<ChatMember>) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(chat, (Instant::now(), members));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<i64, (Instant, Vec<ChatMember>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The administrators, bots among them.
pub(super) async fn of(tools: &Tools, chat: i64) -> Result<Vec<ChatMember>, Failed> {
    let cache = tools.guard.administrators();
    if let Some(members) = cache.get(chat) {
        return Ok(members);
    }
    let ask = tools.bot.get_chat_administrators(ChatId(chat));
    let members = tools.outgoing.call(ChatId(chat), ask).await?;
    cache.put(chat, members.clone());
    Ok(members)
}

pub(super) async fn is_one(tools: &Tools, chat: i64, user: UserId) -> Result<bool, Failed> {
    let members = of(tools, chat).await?;
    Ok(members.iter().any(|member| member.user.id == user))
}
