//! Who may tell the guard what to do in a group.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use teloxide::prelude::*;
use teloxide::types::{ChatMember, UserId};
use tokio::time::Instant;
use tracing::warn;

use super::trouble::{TRIES, weigh};
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
    Ok(known(tools, chat).await?)
}

/// Whether this is an administrator, whatever they may do.
pub(super) async fn is_one(tools: &Tools, chat: i64, user: UserId) -> Result<bool, Failed> {
    let members = of(tools, chat).await?;
    Ok(members.iter().any(|member| member.user.id == user))
}

/// Whether this is an administrator who may restrict members, as the guard does in their name. Where Telegram cannot be
/// asked, it is not.
pub(super) async fn may_decide(tools: &Tools, chat: i64, user: UserId) -> bool {
    match known(tools, chat).await {
        Ok(members) => may(&members, user),
        Err(error) => {
            let trouble = weigh(&error, TRIES);
            warn!(
                chat_id = chat,
                ?trouble,
                "the administrators are not known, so a command is not heard"
            );
            false
        }
    }
}

fn may(members: &[ChatMember], user: UserId) -> bool {
    let mut members = members.iter();
    members.any(|member| member.user.id == user && member.can_restrict_members())
}

async fn known(tools: &Tools, chat: i64) -> ResponseResult<Vec<ChatMember>> {
    let cache = tools.guard.administrators();
    if let Some(members) = cache.get(chat) {
        return Ok(members);
    }
    let ask = tools.bot.get_chat_administrators(ChatId(chat));
    let members = tools.outgoing.call(ChatId(chat), ask).await?;
    cache.put(chat, members.clone());
    Ok(members)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn member(id: u64, mut status: Value) -> ChatMember {
        status["user"] = json!({ "id": id, "is_bot": false, "first_name": "Ada" });
        serde_json::from_value(status).unwrap()
    }

    fn administrator(id: u64, restricts: bool) -> ChatMember {
        let rights = json!({
            "status": "administrator", "can_be_edited": false, "is_anonymous": false, "can_manage_chat": true,
            "can_delete_messages": true, "can_manage_video_chats": true, "can_restrict_members": restricts,
            "can_promote_members": false, "can_change_info": true, "can_invite_users": true,
        });
        member(id, rights)
    }

    #[test]
    fn the_owner_and_administrators_with_the_right_may_decide() {
        let owner = member(1, json!({ "status": "creator", "is_anonymous": false }));
        let members = [owner, administrator(2, true), administrator(3, false)];
        let who_may: Vec<u64> = (1..=4).filter(|id| may(&members, UserId(*id))).collect();
        assert_eq!(who_may, [1, 2]);
    }
}
