//! What a member may do, and what an administrator may: the Bot API's names, granted or not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// What the members of a chat, or a restricted one, may do (`ChatPermissions`).
const PERMISSIONS: [&str; 14] = [
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
];

/// What an administrator may do, and two traits that are told with it.
const RIGHTS: [&str; 14] = [
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_manage_topics",
];

/// The kinds of messages that a permission for richer ones implies, where permissions are not independent.
const IMPLIED_BY_OTHERS: std::ops::Range<usize> = 0..7;

/// Names out of one of the two lists that are granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grants {
    names: &'static [&'static str],
    granted: BTreeSet<&'static str>,
}

impl Grants {
    /// What the members of a new group may do: all but what changes the group itself.
    pub(super) fn default_permissions() -> Self {
        let reserved = ["can_change_info", "can_pin_messages", "can_manage_topics"];
        Self::choose(&PERMISSIONS, |name| !reserved.contains(&name))
    }

    pub(super) fn no_permissions() -> Self {
        Self::choose(&PERMISSIONS, |_| false)
    }

    /// Rights of an administrator who is given the usual ones.
    pub(super) fn default_rights() -> Self {
        let reserved = ["can_be_edited", "is_anonymous", "can_promote_members"];
        Self::choose(&RIGHTS, |name| !reserved.contains(&name))
    }

    /// `ChatPermissions` as they are written: what is not named is not granted.
    pub(super) fn permissions(json: &Value) -> Self {
        let mut read = Self::choose(&PERMISSIONS, |name| json[name] == json!(true));
        if json.get("can_manage_topics").is_none() && read.allow("can_pin_messages") {
            read.granted.insert("can_manage_topics");
        }
        read
    }

    /// The rights of an administrator as they are written. Every administrator may manage the chat.
    pub(super) fn rights(json: &Value) -> Self {
        Self::choose(&RIGHTS, |name| {
            name == "can_manage_chat" || json[name] == json!(true)
        })
    }

    /// Richer messages imply plain ones, unless the caller says that permissions are independent.
    pub(super) fn with_implied(mut self) -> Self {
        if self.allow("can_send_other_messages") || self.allow("can_add_web_page_previews") {
            self.granted.extend(&PERMISSIONS[IMPLIED_BY_OTHERS]);
        }
        if self.allow("can_send_polls") {
            self.granted.insert("can_send_messages");
        }
        self
    }

    pub(super) fn allow(&self, name: &str) -> bool {
        self.granted.contains(name)
    }

    /// Whether everything is granted that the other grants.
    pub(super) fn cover(&self, other: &Self) -> bool {
        self.granted.is_superset(&other.granted)
    }

    /// Every name with its flag.
    pub(super) fn write_into(&self, object: &mut Value) {
        for name in self.names {
            object[name] = json!(self.allow(name));
        }
    }

    fn choose(names: &'static [&'static str], is_granted: impl Fn(&str) -> bool) -> Self {
        let granted = names.iter().copied().filter(|name| is_granted(name));
        Self {
            names,
            granted: granted.collect(),
        }
    }
}
