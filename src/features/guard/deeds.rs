//! What is done to members, each deed after a look at whether it is still wanted.

use std::time::Duration;

use teloxide::RequestError;
use teloxide::prelude::*;
use teloxide::types::{ChatMember, ChatMemberKind, ChatPermissions, Seconds, UserId};
use tokio::time::timeout;
use tracing::{info, warn};

use super::case::MUTE;
use super::desk::{case_of, group_of};
use super::machine::{Deed, Event, is_wanted};
use super::moment::Moment;
use super::trouble::{Trouble, weigh};
use super::updates::may_write;
use super::work::Work;
use super::{Failed, Tools, scan};
use crate::lifecycle::crash_point;

/// Who is removed can come back after this. Telegram takes less than 30 s for ever, counted from when it hears of it.
pub(super) const REMOVAL: Duration = Duration::from_secs(300);
/// What must wait for longer begins anew: a removal before its end is near, and all before the handler's time is over.
const PATIENCE: Duration = Duration::from_secs(200);
/// Who has come within this time is muted without a look at what else has become of them: Telegram would have told by an update.
/// In a raid the looks would take half of the bot's pace.
const FRESH: Duration = Duration::from_secs(120);

/// How long a migration is given.
const MOVE: Duration = Duration::from_secs(1);

pub(super) async fn carry_out(
    tools: &Tools,
    chat: i64,
    user: i64,
    deed: Deed,
    tries: u8,
    was_killed: bool,
) -> Result<(), Failed> {
    let group = group_of(tools, chat).await?;
    let case = case_of(tools, chat, user).await?;
    if !is_wanted(deed, case.as_ref(), &group.settings) {
        return Ok(());
    }
    crash_point("guard-before-deed");
    // What was done before is undone in a dry run too.
    if group.settings.dry_run && deed != Deed::Lift {
        info!(
            chat_id = chat,
            user_id = user,
            ?deed,
            "dry run: nothing is done"
        );
        return Ok(Work::Skipped { chat, user, deed }.now(&tools.state)?);
    }
    let is_fresh = case.is_some_and(|case| Moment::now().since(case.came) < FRESH);
    let is_fresh = is_fresh && tries == 0 && !was_killed;
    let done = timeout(PATIENCE, attempt(tools, ChatId(chat), user, deed, is_fresh)).await;
    let done = done.unwrap_or(Err(RequestError::RetryAfter(Seconds::from_seconds(1))));
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

async fn attempt(
    tools: &Tools,
    chat: ChatId,
    user: i64,
    deed: Deed,
    is_fresh: bool,
) -> Result<(), RequestError> {
    let (bot, outgoing) = (&tools.bot, &tools.outgoing);
    let Ok(user) = u64::try_from(user).map(UserId) else {
        return Ok(());
    };
    let answer = match deed {
        Deed::Mute if is_fresh => mute(tools, chat, user).await,
        Deed::Mute => match member(tools, chat, user).await? {
            // A restriction would take the place of somebody's ban.
            other if !other.is_present() || other.is_privileged() => Ok(()),
            _ => mute(tools, chat, user).await,
        },
        Deed::Lift => lift(tools, chat, user).await,
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

async fn member(tools: &Tools, chat: ChatId, user: UserId) -> Result<ChatMember, RequestError> {
    let ask = tools.bot.get_chat_member(chat, user);
    tools.outgoing.call(chat, ask).await
}

async fn mute(tools: &Tools, chat: ChatId, user: UserId) -> Result<(), RequestError> {
    let until = Moment::now() + MUTE;
    restrict(tools, chat, user, ChatPermissions::empty(), Some(until)).await
}

/// To what everybody may. Where nobody may write now, to everything: the group's limits hold for them as for the others,
/// and end for them as for the others.
async fn lift(tools: &Tools, chat: ChatId, user: UserId) -> Result<(), RequestError> {
    let now = member(tools, chat, user).await?;
    if !now.is_present() || now.is_privileged() || may_write(&now) {
        return Ok(());
    }
    let full = tools.outgoing.call(chat, tools.bot.get_chat(chat)).await?;
    let usual = full
        .permissions()
        .filter(ChatPermissions::can_send_messages);
    let usual = usual.unwrap_or_else(ChatPermissions::all);
    restrict(tools, chat, user, usual, None).await
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
    // Whoever has left under a mute is still under it; a ban does away with that.
    let now = member(tools, chat, user).await?;
    if matches!(now.kind, ChatMemberKind::Left | ChatMemberKind::Banned(_)) {
        return Ok(());
    }
    let ban = tools.bot.ban_chat_member(chat, user);
    let ban = ban.until_date(Moment::now() + REMOVAL);
    tools.outgoing.call(chat, ban).await.map(drop)
}
