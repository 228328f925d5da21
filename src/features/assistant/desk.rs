//! Where decisions are written down, in the chat's own lane.

use std::time::Duration;

use tracing::debug;

use super::conversation::{Conversation, Place};
use super::machine::{Context, Effect, Event, How, Reply, Step, step};
use super::moment::Moment;
use super::outbox::Parcel;
use super::work::Work;
use super::{Failed, Tools, words};

/// A question in hand that nobody works on any more is given up after the longest answer and this.
const LEFT: Duration = Duration::from_secs(600);
/// After a start whoever is to work on it may not have begun.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

fn name_of(at: Place) -> String {
    format!("assistant/talk/{}", at.name())
}

pub(super) async fn read(tools: &Tools, at: Place) -> Result<Conversation, Failed> {
    Ok(tools.state.get(&name_of(at)).await?.unwrap_or_default())
}

/// Decides what an event changes, and keeps it with what it asks for.
pub(super) async fn decide(tools: &Tools, at: Place, event: Event) -> Result<Reply, Failed> {
    let before = read(tools, at).await?;
    let cx = Context {
        now: Moment::now(),
        settings: tools.assistant.settings(),
    };
    let Step {
        conversation,
        effects,
        reply,
    } = step(before.clone(), event, &cx);
    if conversation != before {
        tools.state.put(&name_of(at), &conversation)?;
    }
    let in_hand = |conversation: &Conversation| conversation.queue.first().map(|first| first.id);
    if let Some(id) = in_hand(&conversation)
        && in_hand(&before) != Some(id)
    {
        look_later(tools, at, id)?;
    }
    for effect in effects {
        queue(tools, at, effect)?;
    }
    Ok(reply)
}

/// A question whose work was parked would hold up all that come after it.
pub(super) async fn look(
    tools: &Tools,
    at: Place,
    id: u64,
    is_suspect: bool,
) -> Result<(), Failed> {
    if read(tools, at).await?.in_hand(id).is_none() {
        return Ok(());
    }
    if tools.assistant.stops().is_in_hand(at, id) {
        return look_later(tools, at, id);
    }
    if !is_suspect {
        let is_suspect = true;
        let again = Work::Look { at, id, is_suspect };
        return Ok(again.after(&tools.state, LOOK_AGAIN)?);
    }
    let event = Event::Answered {
        id,
        text: String::new(),
        how: How::Failed("something went wrong on my side".to_owned()),
        tokens: 0,
    };
    decide(tools, at, event).await?;
    Ok(())
}

fn look_later(tools: &Tools, at: Place, id: u64) -> Result<(), Failed> {
    let time = tools.assistant.settings().answer_timeout + LEFT;
    let is_suspect = false;
    Ok(Work::Look { at, id, is_suspect }.after(&tools.state, time)?)
}

fn queue(tools: &Tools, at: Place, effect: Effect) -> Result<(), Failed> {
    let state = &tools.state;
    match effect {
        Effect::Show { id } => {
            let tries = 0;
            Work::Show { at, id, tries }.now(state)?;
        }
        Effect::Answer { id } => {
            let tries = 0;
            Work::Answer { at, id, tries }.now(state)?;
        }
        Effect::Cut { id } => tools.assistant.stops().stop(at, id),
        Effect::Over { id } => tools.assistant.stops().forget(at, id),
        Effect::Positions => Work::Positions { at }.now(state)?,
        Effect::Spend { user, id, tokens } => Work::Spend {
            user,
            at,
            id,
            tokens,
        }
        .now(state)?,
        Effect::WakeWhenQuiet => {
            let time = tools.assistant.settings().forget_after;
            Work::Quiet { at }.after(state, time)?;
        }
        Effect::Deliver {
            question,
            text,
            how,
        } => {
            debug!(
                chat_id = at.chat,
                user_id = question.user,
                how = words::name_of(&how),
                "answered"
            );
            let parcel = words::closing(at, &question, &text, &how);
            deliver(tools, at, format!("answer/{}", question.id), parcel)?;
        }
        Effect::Withdraw { message } => {
            let parcel = Parcel::plain("Cancelled.").instead_of(message);
            deliver(tools, at, format!("cancelled/{message}"), parcel)?;
        }
    }
    Ok(())
}

/// Has something arrive in the chat.
pub(super) fn deliver(
    tools: &Tools,
    at: Place,
    what: String,
    parcel: Parcel,
) -> Result<(), Failed> {
    Ok(Work::Deliver { at, what, parcel }.now(&tools.state)?)
}
