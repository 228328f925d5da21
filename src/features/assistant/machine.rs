//! What becomes of a conversation: `(conversation, event, context) → (conversation, effects)`, without a clock, a store, a
//! chat or a model.
//!
//! ```text
//!            shown, and nobody before it        answered: complete, stopped, cut off, failed
//!  waiting ──────────────────────────────→ begun ─────────────────────────────────────────→ over
//!     │                                                                                       ▲
//!     └── cancelled, or nobody can be answered ───────────────────────────────────────────────┘
//! ```
//!
//! Invariants:
//! - A question that was taken is over once, as one of these.
//! - One question of a conversation is begun at a time, in the order in which they were asked.
//! - The history holds turns that have an answer, be it a part of one; a question that failed is not in it.
//! - Whatever an event says twice, the second time changes nothing.

#[cfg(test)]
mod tests;
mod turn;
mod words;

use super::conversation::{Conversation, Question, Shown};
use turn::Turning;
pub(super) use words::{Asked, Context, Effect, Event, How, Reply, Step};

/// Decides.
pub(super) fn step(conversation: Conversation, event: Event, cx: &Context<'_>) -> Step {
    let mut turning = Turning::new(conversation, cx);
    let reply = match event {
        Event::Asked(asked) => turning.ask(asked, None),
        Event::Again { by, id } => turning.ask_again(by, id),
        Event::Shown { id, message } => turning.shown(id, message),
        Event::Unreachable { id } => turning.unreachable(id),
        Event::Answered {
            id,
            text,
            how,
            tokens,
        } => turning.answered(id, text, how, tokens),
        Event::Stop { by, id } => turning.stop(by, id),
        Event::Forget => turning.forget(),
        Event::Choose { model } => turning.choose(model),
        Event::Quiet => turning.woken(),
    };
    turning.close(reply)
}
