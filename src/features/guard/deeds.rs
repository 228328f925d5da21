//! What is done to members, each deed after a look at whether it is still wanted.

use std::time::Duration;

use teloxide::RequestError;
use teloxide::prelude::*;
use teloxide::types::{ChatPermissions, UserId};
use tracing::{info, warn};

use super::desk::{case_of, group_name};
use super::group::Group;
use super::machine::{Deed, Event, is_wanted};
use super::moment::Moment;
use super::trouble::{Trouble, weigh};
use super::work::Work;
use super::{Failed, Tools, scan};
use crate::lifecycle::crash_point;

/// A mute that nobody lifts is over after this, should the bot be gone for good. Telegram takes more than 366 days for ever.
const MUTE: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Who is removed can come back after this. Telegram takes less than 30 s for ever.
pub(super) const REMOVAL: Duration = Duration::from_secs(60);

/// How long a migration is given.
const MOVE: Duration = Duration::from_secs(1);

pub(super) async fn carry_out(
    tools: &Tools,
    chat: i64,
    user: i64,
    deed: Deed,
    tries: u8,
) -> Result<(), Failed> {
    let group: Group = tools
        .state
        .get(&group_name(chat))
        .await?
        .unwrap_or_default();
    let case = case_of(tools, chat, user).await?;
    if !is_wanted(deed, case.as_ref(), &group.settings) {
        return Ok(());
    }
    crash_point("guard-before-deed");
    if group.settings.dry_run {
        info!(
            chat_id = chat,
            user_id = user,
            ?deed,
            "dry run: nothing is done"
        );
        return Ok(Work::Skipped { chat, user, deed }.now(&tools.state)?);
    }
    let done = attempt(tools, ChatId(chat), user, deed).await;
    crash_point("guard-after-deed");
    let event = match done {
        Ok(()) => Event::Done(deed),
        Err(error) => match weigh(&error, tries) {
            Trouble::Passing(wait) => {
                let tries = tries.saturating_add(1);
                let again = Work::Do {
                    chat,
                    user,
                    deed,
                    tries,
                };
                again.after(&tools.state, wait)?;
                return Ok(());
            }
            Trouble::Moved(to) => {
                Work::Migrate { chat, to }.now(&tools.state)?;
                // By then it is known where that is.
                let again = Work::Do {
                    chat,
                    user,
                    deed,
                    tries,
                };
                again.after(&tools.state, MOVE)?;
                return Ok(());
            }
            Trouble::Refused(reason) => {
                warn!(chat_id = chat, user_id = user, ?deed, reason, "refused");
                Work::CheckRights { chat }.now(&tools.state)?;
                scan::refused(&tools.state, chat, deed, &reason)?;
                Event::Failed(deed)
            }
        },
    };
    Work::Event { chat, user, event }.now(&tools.state)?;
    Ok(())
}

async fn attempt(tools: &Tools, chat: ChatId, user: i64, deed: Deed) -> Result<(), RequestError> {
    let (bot, outgoing) = (&tools.bot, &tools.outgoing);
    let Ok(user) = u64::try_from(user).map(UserId) else {
        return Ok(());
    };
    let answer = match deed {
        Deed::Mute => {
            let until = Moment::now() + MUTE;
            restrict(tools, chat, user, ChatPermissions::empty(), Some(until)).await
        }
        Deed::Lift => {
            let full = outgoing.call(chat, bot.get_chat(chat)).await?;
            let usual = full.permissions().unwrap_or_else(ChatPermissions::all);
            restrict(tools, chat, user, usual, None).await
        }
        Deed::Remove => remove(tools, chat, user).await,
        Deed::Approve => {
            let approve = bot.approve_chat_join_request(chat, user);
            outgoing.call(chat, approve).await.map(drop)
        }
        Deed::Decline => {
            let decline = bot.decline_chat_join_request(chat, user);
            outgoing.call(chat, decline).await.map(drop)
        }
    };
    match answer {
        // Somebody else has answered the request, or we have, before we were killed.
        Err(RequestError::Api(error))
            if matches!(deed, Deed::Approve | Deed::Decline) && is_answered(&error.to_string()) =>
        {
            Ok(())
        }
        answer => answer,
    }
}

fn is_answered(error: &str) -> bool {
    ["HIDE_REQUESTER_MISSING", "USER_ALREADY_PARTICIPANT"]
        .iter()
        .any(|known| error.contains(known))
}

async fn restrict(
    tools: &Tools,
    chat: ChatId,
    user: UserId,
    permissions: ChatPermissions,
    until: Option<Moment>,
) -> Result<(), RequestError> {
    let request = tools.bot.restrict_chat_member(chat, user, permissions);
    let mut request = request.use_independent_chat_permissions(true);
    request.until_date = until.map(Into::into);
    tools.outgoing.call(chat, request).await.map(drop)
}

/// By a ban that ends by itself, so that no other one is ever lifted.
async fn remove(tools: &Tools, chat: ChatId, user: UserId) -> Result<(), RequestError> {
    let member = tools.bot.get_chat_member(chat, user);
    let member = tools.outgoing.call(chat, member).await?;
    if !member.is_present() {
        return Ok(());
    }
    let ban = tools.bot.ban_chat_member(chat, user);
    let ban = ban.until_date(Moment::now() + REMOVAL);
    tools.outgoing.call(chat, ban).await.map(drop)
}
