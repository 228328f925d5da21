//! What the bot may do in a group, and who is told where that is too little.

use std::time::Duration;

use teloxide::prelude::*;
use teloxide::types::{ChatMember, ChatMemberKind, ChatMemberUpdated};
use tracing::{debug, info, warn};

use super::menu;
use crate::features::guard::desk::{Desk, group_name};
use crate::features::guard::group::Group;
use crate::features::guard::texts::{Right, Text};
use crate::features::guard::trouble::{Trouble, weigh};
use crate::features::guard::work::Work;
use crate::features::guard::{Failed, Tools};

const RIGHTS: [Right; 3] = [
    Right::RestrictMembers,
    Right::DeleteMessages,
    Right::InviteUsers,
];
/// The administrators are told of what is refused no more often than this.
const COMPLAINT: Duration = Duration::from_secs(24 * 3_600);

/// The rights that verification needs and the bot does not have.
pub(super) async fn missing(tools: &Tools, chat: i64) -> ResponseResult<Vec<Right>> {
    let ask = tools.bot.get_chat_member(ChatId(chat), tools.me.id);
    let member = tools.outgoing.call(ChatId(chat), ask).await?;
    Ok(lacks(&member))
}

fn lacks(member: &ChatMember) -> Vec<Right> {
    let has = |right| match &member.kind {
        ChatMemberKind::Owner(_) => true,
        ChatMemberKind::Administrator(may) => match right {
            Right::RestrictMembers => may.can_restrict_members,
            Right::DeleteMessages => may.can_delete_messages,
            Right::InviteUsers => may.can_invite_users,
        },
        _ => false,
    };
    RIGHTS.into_iter().filter(|right| !has(*right)).collect()
}

/// Somebody has changed what the bot may do, or has removed it.
pub(super) async fn changed(tools: Tools, update: ChatMemberUpdated) -> Result<(), Failed> {
    let chat = update.chat.id.0;
    tools.guard.administrators().forget(chat);
    let mut desk = Desk::open(&tools, chat).await?;
    if !desk.group.settings.is_on {
        return Ok(());
    }
    let (old, new) = (&update.old_chat_member, &update.new_chat_member);
    if !new.is_present() {
        // Nothing waits for a bot that is gone, nor happens to anybody should it come back.
        info!(
            chat_id = chat,
            "removed from the group; the guard is off there"
        );
        desk.group.settings.is_on = false;
        menu::release(&mut desk).await?;
        return desk.close();
    }
    let (had_not, missing) = (lacks(old), lacks(new));
    if missing.iter().any(|right| !had_not.contains(right)) {
        let text = says(&desk.group, &missing);
        desk.group.complained = desk.now;
        Work::TellAdministrators { chat, text }.now(&tools.state)?;
    }
    desk.close()
}

/// Something was refused: looks whether that is for want of rights, and has the administrators told.
pub(in crate::features::guard) async fn check(tools: &Tools, chat: i64) -> Result<(), Failed> {
    let group: Option<Group> = tools.state.get(&group_name(chat)).await?;
    let group = group.unwrap_or_default();
    match missing(tools, chat).await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => {
            let text = says(&group, &missing);
            Work::Complain { chat, text }.now(&tools.state)?;
        }
        Err(error) => match weigh(&error, 0) {
            Trouble::Passing(wait) => Work::CheckRights { chat }.after(&tools.state, wait)?,
            Trouble::Moved(to) => Work::Migrate { chat, to }.now(&tools.state)?,
            Trouble::Refused(reason) => {
                warn!(chat_id = chat, reason, "the bot's rights are not known");
            }
        },
    }
    Ok(())
}

/// Tells the administrators, unless they have been told lately.
pub(in crate::features::guard) async fn complain(
    tools: &Tools,
    chat: i64,
    text: String,
) -> Result<(), Failed> {
    let mut desk = Desk::open(tools, chat).await?;
    if !desk.group.settings.is_on {
        return Ok(());
    }
    if desk.now.since(desk.group.complained) < COMPLAINT {
        debug!(chat_id = chat, "the administrators have been told lately");
        return Ok(());
    }
    desk.group.complained = desk.now;
    Work::TellAdministrators { chat, text }.now(&tools.state)?;
    desk.close()
}

fn says(group: &Group, missing: &[Right]) -> String {
    let title = &group.title;
    group.settings.language.say(&Text::RightsIn {
        group: title,
        missing,
    })
}
