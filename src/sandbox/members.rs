//! Places in a chat: who has which, and what the Bot API says of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::grants::Grants;

/// A ban or a restriction that is to end sooner than this, or later than the other, never ends.
const SHORTEST: u64 = 30;
const LONGEST: u64 = 366 * 86_400;

/// A person, or the bot itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) is_bot: bool,
    #[serde(default = "nameless")]
    pub(super) first_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language_code: Option<String>,
}

fn nameless() -> String {
    "Somebody".to_owned()
}

/// The Bot API's words for a place in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Creator,
    Administrator,
    Member,
    Restricted,
    Left,
    Kicked,
}

/// Somebody's place in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) user: User,
    pub(super) status: Status,
    /// What a restricted member may do, or an administrator.
    pub(super) grants: Grants,
    /// When a ban or a restriction ends; 0 for never.
    pub(super) until: u64,
    /// Whether somebody who is restricted is in the chat: the restriction outlasts a leave.
    pub(super) is_member: bool,
}

impl Member {
    pub(super) fn new(user: User, status: Status) -> Self {
        let grants = match status {
            Status::Administrator | Status::Creator => Grants::default_rights(),
            _ => Grants::no_permissions(),
        };
        Self {
            user,
            status,
            grants,
            until: 0,
            is_member: true,
        }
    }

    /// Whether this person is in the chat.
    pub(super) fn is_present(&self) -> bool {
        match self.status {
            Status::Creator | Status::Administrator | Status::Member => true,
            Status::Restricted => self.is_member,
            Status::Left | Status::Kicked => false,
        }
    }

    pub(super) fn is_administrator(&self) -> bool {
        matches!(self.status, Status::Creator | Status::Administrator)
    }

    /// Whether this is an administrator with that right; a creator has every one.
    pub(super) fn has_right(&self, name: &str) -> bool {
        match self.status {
            Status::Creator => true,
            Status::Administrator => self.grants.allow(name),
            _ => false,
        }
    }

    /// Ends a ban or a restriction whose time is over. Nobody is told: the real server sends no update either.
    pub(super) fn settle(&mut self, now: u64) {
        if self.until == 0 || self.until > now {
            return;
        }
        let status = match self.status {
            Status::Restricted if self.is_member => Status::Member,
            _ => Status::Left,
        };
        *self = Self::new(self.user.clone(), status);
    }

    /// The same person without a place in the chat. A restriction stays with who leaves.
    pub(super) fn gone(self) -> Self {
        match self.status {
            Status::Restricted => Self {
                is_member: false,
                ..self
            },
            _ => Self::new(self.user, Status::Left),
        }
    }

    pub(super) fn as_json(&self) -> Value {
        let mut member = json!({ "user": self.user, "status": self.status });
        match self.status {
            Status::Restricted => {
                self.grants.write_into(&mut member);
                member["is_member"] = json!(self.is_member);
                member["until_date"] = json!(self.until);
            }
            Status::Kicked => member["until_date"] = json!(self.until),
            Status::Administrator => self.grants.write_into(&mut member),
            Status::Creator => member["is_anonymous"] = json!(false),
            Status::Member | Status::Left => {}
        }
        member
    }
}

/// The end of a ban or a restriction: 0, which is never, for a date too near or too far.
pub(super) fn end_of(until_date: Option<i64>, now: u64) -> u64 {
    let until = until_date.and_then(|date| u64::try_from(date).ok());
    let counts = |until: &u64| (now + SHORTEST..=now + LONGEST).contains(until);
    until.filter(counts).unwrap_or(0)
}
