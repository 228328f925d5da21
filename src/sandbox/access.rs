//! Which chats a bot reaches, and what it may do there.

use super::answer::ApiError;
use super::chat::{Chat, Kind};
use super::members::{Member, Status};
use super::world::World;

/// So long after a request to join the bot may write to the person, unless the request is over before.
const REQUEST_WINDOW: u64 = 300;

impl World {
    /// A chat of this number, whatever the bot may do in it.
    pub(super) fn chat(&mut self, id: i64) -> Result<&mut Chat, ApiError> {
        let chat = self
            .chats
            .get_mut(&id)
            .ok_or_else(|| ApiError::bad_request("chat not found"))?;
        chat.settle();
        Ok(chat)
    }

    /// A chat that has not become another one.
    pub(super) fn living(&mut self, id: i64) -> Result<&mut Chat, ApiError> {
        let chat = self.chat(id)?;
        match chat.migrated_to {
            Some(new) => Err(ApiError::migrated(new)),
            None => Ok(chat),
        }
    }

    /// A chat that the bot is in.
    pub(super) fn reachable(&mut self, id: i64) -> Result<&mut Chat, ApiError> {
        let bot_id = self.bot_id;
        let chat = self.living(id)?;
        let place = match chat.kind {
            Kind::Private => return Ok(chat),
            Kind::Group => "group",
            Kind::Supergroup => "supergroup",
        };
        match chat.members.get(&bot_id) {
            Some(bot) if bot.is_present() => Ok(chat),
            Some(bot) if bot.status == Status::Kicked => Err(ApiError::new(
                403,
                format!("Forbidden: bot was kicked from the {place} chat"),
            )),
            _ => Err(ApiError::new(
                403,
                format!("Forbidden: bot is not a member of the {place} chat"),
            )),
        }
    }

    /// A chat that the bot may write to.
    pub(super) fn writable(&mut self, id: i64, what: &Writing) -> Result<&mut Chat, ApiError> {
        let bot_id = self.bot_id;
        let is_asking = self.is_asking(id);
        let is_known = self.person(id).is_some();
        let closed = || {
            ApiError::new(
                403,
                "Forbidden: bot can't initiate conversation with a user",
            )
        };
        if !self.chats.contains_key(&id) && is_known {
            return Err(closed());
        }
        let chat = self.reachable(id)?;
        if chat.is_blocked {
            return Err(ApiError::new(403, "Forbidden: bot was blocked by the user"));
        }
        if !chat.is_group() && !chat.is_open && !is_asking {
            return Err(closed());
        }
        let allowed = |bot: &Member| match bot.status {
            Status::Restricted => bot.grants.allow(what.permission),
            Status::Member => chat.permissions.allow(what.permission),
            _ => true,
        };
        if chat.is_group() && !chat.members.get(&bot_id).is_some_and(allowed) {
            let text = format!("not enough rights to send {} to the chat", what.name);
            return Err(ApiError::bad_request(&text));
        }
        Ok(chat)
    }

    /// A group that the bot is in.
    pub(super) fn reachable_group(&mut self, id: i64) -> Result<&mut Chat, ApiError> {
        let chat = self.reachable(id)?;
        if !chat.is_group() {
            return Err(ApiError::bad_request(
                "method is available for supergroup and channel chats only",
            ));
        }
        Ok(chat)
    }

    /// Whether a person's request to join some group is young enough to be written to about.
    fn is_asking(&self, id: i64) -> bool {
        let now = self.clock.now();
        let requests = self.chats.values();
        requests
            .filter_map(|chat| chat.requests.get(&id))
            .any(|request| now < request.date + REQUEST_WINDOW)
    }
}

/// What is written, for the permission it takes and the words that refuse it.
pub(super) struct Writing {
    permission: &'static str,
    name: &'static str,
}

pub(super) const TEXT: Writing = Writing {
    permission: "can_send_messages",
    name: "text messages",
};

pub(super) const PHOTO: Writing = Writing {
    permission: "can_send_photos",
    name: "photos",
};

pub(super) const DOCUMENT: Writing = Writing {
    permission: "can_send_documents",
    name: "documents",
};

impl Chat {
    /// Whether the bot has this right as an administrator.
    pub(super) fn grants(&self, bot_id: i64, right: &str) -> bool {
        let bot = self.members.get(&bot_id);
        bot.is_some_and(|bot| bot.has_right(right))
    }

    /// Refuses what needs the right to restrict members.
    pub(super) fn need_restricting(&self, bot_id: i64) -> Result<(), ApiError> {
        if self.grants(bot_id, "can_restrict_members") {
            return Ok(());
        }
        Err(ApiError::bad_request(
            "not enough rights to restrict/unrestrict chat member",
        ))
    }
}
