//! The model is asked, and what it says is shown as it comes.
//!
//! ```text
//!            the model's next words ──→ the draft ──→ previews: the latest text, when its time has come
//!  until:    the answer's end, a stop by somebody, the bot's own stop and its patience, the longest time
//! ```
//!
//! A preview never holds up the model's words, and a model that is silent never holds up a stop.

mod draft;
mod preview;

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::debug;

use super::conversation::{Conversation, Place, Question};
use super::machine::{Event, How};
use super::spent::Over;
use super::stops::Running;
use super::work::Work;
use super::{Failed, Origin, Tools, desk, outbox, prompt, spent, words};
use crate::ai::estimate;
use crate::bot::Verdict;
use crate::lifecycle::crash_point;
use draft::{Draft, More};
use preview::Preview;

/// An answer has no more bytes than this: about a hundred messages.
const LONGEST: usize = 400_000;
/// For the last words of a process that is about to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An answer that finds no seat looks for one again after this.
const NO_SEAT: Duration = Duration::from_secs(1);
/// A question is given up when the process was killed so often while it was answered.
const TRIES: u32 = 3;

/// Begins anew what was being written when the process was killed. What was in hand then is tried one after another, until it
/// is known to be harmless; an answer takes too long for that, so it gets into line as one that was never tried, and counts
/// for itself.
pub(super) fn after_a_kill(tools: &Tools, at: Place, id: u64, tries: u32) -> Result<(), Failed> {
    let tries = tries + 1;
    if tries < TRIES {
        return Ok(Work::Answer { at, id, tries }.now(&tools.state)?);
    }
    let why = "I broke off each time that I tried".to_owned();
    end(tools, at, id, End::without_asking(How::Failed(why)))
}

/// Asks the model for the question in hand, where it still is that.
pub(super) async fn answer(
    tools: &Tools,
    at: Place,
    id: u64,
    tries: u32,
    verdict: &Verdict,
) -> Result<(), Failed> {
    let conversation = desk::read(tools, at).await?;
    let Some(question) = conversation.in_hand(id) else {
        return Ok(());
    };
    if question.is_stopped {
        return end(tools, at, id, End::without_asking(How::Stopped));
    }
    let running = tools.assistant.stops().begin(at, id);
    let Some(_seat) = tools.assistant.seats().take() else {
        return Ok(Work::Answer { at, id, tries }.after(&tools.state, NO_SEAT)?);
    };
    let began = Instant::now();
    let came = match take_turn(tools, at, &conversation, question, &running).await? {
        Turn::Over(came) => came,
        Turn::NotYet => return Ok(Work::Answer { at, id, tries }.after(&tools.state, NO_SEAT)?),
        Turn::GoingDown => {
            debug!(chat_id = at.chat, "the next start asks again");
            // A stop does not wait for that.
            verdict.retry_after(Duration::ZERO);
            return Ok(());
        }
    };
    let (how, tokens, elapsed_ms) = (
        words::name_of(&came.how),
        came.tokens,
        began.elapsed().as_millis(),
    );
    debug!(chat_id = at.chat, how, tokens, %elapsed_ms, "the model was asked");
    end(tools, at, id, came)
}

fn end(tools: &Tools, at: Place, id: u64, end: End) -> Result<(), Failed> {
    let End { text, how, tokens } = end;
    let event = Event::Answered {
        id,
        text,
        how,
        tokens,
    };
    Ok(Work::Event { at, event }.now(&tools.state)?)
}

/// What came of asking.
struct End {
    text: String,
    how: How,
    tokens: u64,
}

impl End {
    fn without_asking(how: How) -> Self {
        let text = String::new();
        Self {
            text,
            how,
            tokens: 0,
        }
    }
}

/// What came of a question's turn.
enum Turn {
    Over(End),
    /// What may be spent is set aside for other answers to the same person.
    NotYet,
    /// The bot goes down before there is a word.
    GoingDown,
}

async fn take_turn(
    tools: &Tools,
    at: Place,
    conversation: &Conversation,
    question: &Question,
    running: &Running,
) -> Result<Turn, Failed> {
    let settings = tools.assistant.settings();
    let ask = prompt::ask(conversation, question, settings);
    let asked = prompt::estimate_of(&ask);
    let reserved = match spent::reserve(tools, question.user, asked).await? {
        Ok(reserved) => reserved,
        Err(Over::ForNow) => return Ok(Turn::NotYet),
        Err(Over::ForToday(wait)) => {
            let why = words::over_budget(wait);
            return Ok(Turn::Over(End::without_asking(How::Failed(why))));
        }
    };
    let origin = Origin {
        bot: tools.bot.clone(),
        outgoing: tools.outgoing.clone(),
        chat: at.chat,
        thread: at.thread,
        message: question.message,
        user: question.user,
    };
    let (ai, ai_tools) = (tools.assistant.ai(), tools.assistant.ai_tools(&origin));
    let (began, spans) = (Instant::now(), tools.assistant.seats().spans());
    let mut draft = Draft::begin(ai.clone(), ask, ai_tools);
    let mut preview = Preview::new(tools, at, question);
    let mut text = String::new();
    let deadline = began + settings.answer_timeout.min(spans.answer);
    let how = write(
        tools,
        &mut draft,
        &mut text,
        &mut preview,
        running,
        deadline,
    )
    .await;
    let is_going_down = how == How::GoingDown;
    if is_going_down && text.trim().is_empty() {
        return Ok(Turn::GoingDown);
    }
    preview.settle(is_going_down, began + spans.settled).await;
    let estimated = match how {
        // Who has not said a word has not worked, as far as is known.
        How::Failed(_) | How::CutOff(_) if text.trim().is_empty() => 0,
        _ => asked + estimate::text(&text),
    };
    let tokens = draft.tokens(estimated);
    reserved.settle(tokens);
    say_last_words(tools, at, question, &text, &how).await;
    Ok(Turn::Over(End { text, how, tokens }))
}

/// Until something ends it, and says what that was.
async fn write(
    tools: &Tools,
    draft: &mut Draft,
    text: &mut String,
    preview: &mut Preview,
    running: &Running,
    deadline: Instant,
) -> How {
    let out_of_patience = async {
        tools.handle.stop_requested().await;
        sleep(tools.assistant.settings().drain).await;
    };
    tokio::pin!(out_of_patience);
    loop {
        tokio::select! {
            biased;
            () = running.stop.cancelled() => return How::Stopped,
            () = &mut out_of_patience => return How::GoingDown,
            () = sleep_until(deadline) => return How::CutOff("it took too long".to_owned()),
            () = preview.work(text) => {}
            more = draft.more() => match more {
                More::End(how) => return how,
                More::Text(more) => {
                    crash_point("assistant-mid-answer");
                    text.push_str(&more);
                    if text.len() > LONGEST {
                        return How::CutOff(draft::TOO_LONG.to_owned());
                    }
                }
            },
        }
    }
}

/// Where the bot goes down, the next start delivers the answer; until then at least its first part is there.
async fn say_last_words(tools: &Tools, at: Place, question: &Question, text: &str, how: &How) {
    let is_stopping = tokio::select! {
        biased;
        () = tools.handle.stop_requested() => true,
        () = std::future::ready(()) => false,
    };
    if is_stopping {
        let parcel = words::closing(at, question, text, how);
        let _ = timeout(LAST_WORDS, outbox::show_first(tools, at, &parcel)).await;
    }
}
