//! What people tell the assistant with commands.

use teloxide::prelude::*;

use super::buttons::{Press, button, fits};
use super::conversation::Place;
use super::machine::{Event, Reply};
use super::moment::Moment;
use super::outbox::Parcel;
use super::updates::{ask, may_ask, place_of, quote_of, refuse};
use super::{Failed, Tools, desk, spent, words};
use crate::features::origin::asker_of;

/// The commands, each with what it does: for lists of what the bot can do.
pub const COMMANDS: [(&str, &str); 6] = [
    ("ask", "ask something, also in a group"),
    ("stop", "stop the answer, and cancel what waits"),
    ("retry", "ask the last question again"),
    ("new", "forget the conversation"),
    ("model", "show the models, or choose one"),
    ("usage", "show what was used today"),
];
/// So many models have a button.
const BUTTONS: usize = 40;

/// One of them, with what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    command: Command,
    rest: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Ask,
    Stop,
    Retry,
    New,
    Model,
    Usage,
}

impl Order {
    /// None where the text is no command, another one, or another bot's.
    pub(super) fn parse(text: &str, me: &str) -> Option<Self> {
        let (head, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let head = head.strip_prefix('/')?;
        let (name, bot) = head.split_once('@').unwrap_or((head, me));
        if !bot.eq_ignore_ascii_case(me) {
            return None;
        }
        let command = match name.to_lowercase().as_str() {
            "ask" => Command::Ask,
            "stop" => Command::Stop,
            "retry" => Command::Retry,
            "new" => Command::New,
            "model" => Command::Model,
            "usage" => Command::Usage,
            _ => return None,
        };
        let rest = rest.trim().to_owned();
        Some(Self { command, rest })
    }
}

pub(super) async fn told(tools: Tools, message: Message, order: Order) -> Result<(), Failed> {
    let at = place_of(&message);
    let Some(user) = asker_of(&message) else {
        return Ok(());
    };
    if !may_ask(&tools, at, user) {
        return refuse(&tools, at, &message, user);
    }
    match order.command {
        Command::Ask => return ask_by_command(&tools, at, &message, order.rest).await,
        Command::Stop => stop(&tools, at, &message, user).await,
        Command::Retry => {
            let by = user;
            let reply = desk::decide(&tools, at, Event::Again { by, id: None }).await?;
            match of_retry(reply) {
                Some(text) => say(&tools, at, &message, Parcel::plain(text)),
                None => Ok(()),
            }
        }
        Command::New => {
            desk::decide(&tools, at, Event::Forget).await?;
            let text = "I have forgotten our conversation. Ask me something new.";
            say(&tools, at, &message, Parcel::plain(text))
        }
        Command::Model => model(&tools, at, &message, &order.rest).await,
        Command::Usage => usage(&tools, at, &message, user).await,
    }
}

/// What is said where a question is not asked again.
pub(super) fn of_retry(reply: Reply) -> Option<&'static str> {
    match reply {
        Reply::NothingToRepeat => Some("There is nothing to ask again. Please ask anew."),
        Reply::NotTheLast => Some("Only the last question can be asked again."),
        Reply::NotYours => Some("Only who has asked that can ask it again."),
        Reply::Full => Some(FULL),
        _ => None,
    }
}

pub(super) const FULL: &str =
    "Too many questions wait already. Please ask again when some are answered.";

async fn ask_by_command(
    tools: &Tools,
    at: Place,
    message: &Message,
    text: String,
) -> Result<(), Failed> {
    let quoted = quote_of(tools, message);
    match (text.is_empty(), quoted) {
        (false, quoted) => ask(tools, at, message, text, quoted).await,
        // As an answer to what is to be asked.
        (true, Some(quoted)) => ask(tools, at, message, quoted.text, None).await,
        (true, None) => {
            let text = "Write your question behind the command, like: /ask what is a monad?";
            say(tools, at, message, Parcel::plain(text))
        }
    }
}

async fn stop(tools: &Tools, at: Place, message: &Message, user: i64) -> Result<(), Failed> {
    let by = (!at.is_private()).then_some(user);
    let text = match desk::decide(tools, at, Event::Stop { by, id: None }).await? {
        // The answer itself says that it was stopped.
        Reply::Stopping { cancelled: 0 } => return Ok(()),
        Reply::Stopping { cancelled: 1 } => {
            "Stopped; one question that waited is cancelled.".to_owned()
        }
        Reply::Stopping { cancelled } => {
            format!("Stopped; {cancelled} questions that waited are cancelled.")
        }
        Reply::NotYours => "Only who has asked can stop that.".to_owned(),
        _ => "There is nothing to stop.".to_owned(),
    };
    say(tools, at, message, Parcel::plain(&text))
}

async fn model(tools: &Tools, at: Place, message: &Message, name: &str) -> Result<(), Failed> {
    let models = tools.assistant.ai().models();
    if name.is_empty() {
        let chosen = desk::read(tools, at).await?.model;
        let usual = tools.assistant.settings().model.clone();
        let current = chosen.or(usual);
        let current = current
            .as_deref()
            .or(models.first().map(|model| model.id.as_str()));
        let current = current.unwrap_or("the provider's own");
        let mut buttons = Vec::new();
        for known in models.iter().take(BUTTONS) {
            let model = known.id.clone();
            buttons.push(button(&known.id, at.thread, &Press::Choose { model }));
        }
        buttons.retain(fits);
        let text = format!("{current} answers here. Choose another one, or write /model NAME.");
        return say(tools, at, message, Parcel::plain(&text).buttons(buttons));
    }
    let text = choose(tools, at, name).await?;
    say(tools, at, message, Parcel::plain(&text))
}

/// Has this model answer from now on, and says so, or that there is none.
pub(super) async fn choose(tools: &Tools, at: Place, name: &str) -> Result<String, Failed> {
    if tools.assistant.ai().model(name).is_none() {
        return Ok("There is no such model. /model shows those there are.".to_owned());
    }
    let model = Some(name.to_owned());
    desk::decide(tools, at, Event::Choose { model }).await?;
    Ok(format!("{name} answers here from now on."))
}

async fn usage(tools: &Tools, at: Place, message: &Message, user: i64) -> Result<(), Failed> {
    let now = Moment::now();
    let spent = spent::today(tools, user, now).await?;
    let (tokens, questions) = (spent.tokens, spent.questions);
    let left = words::in_words(now.left_of_day());
    let text = match tools.assistant.settings().tokens_per_day {
        Some(budget) => format!(
            "Today: {questions} questions, {tokens} of {budget} tokens. A new day begins at midnight UTC, in {left}."
        ),
        None => format!("Today: {questions} questions, {tokens} tokens."),
    };
    say(tools, at, message, Parcel::plain(&text))
}

/// Answers a message.
pub(super) fn say(
    tools: &Tools,
    at: Place,
    message: &Message,
    parcel: Parcel,
) -> Result<(), Failed> {
    let id = message.id.0;
    desk::deliver(tools, at, format!("reply/{id}"), parcel.replying_to(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_heard_with_this_bots_name_or_none() {
        let parse = |text| Order::parse(text, "tea_bot").map(|order| (order.command, order.rest));
        let asks = |rest: &str| Some((Command::Ask, rest.to_owned()));
        assert_eq!(parse("/ask  why\nnot? "), asks("why\nnot?"));
        assert_eq!(parse("/ASK@Tea_Bot x"), asks("x"));
        assert_eq!(parse("/ask"), asks(""));
        for text in ["/ask@other_bot x", "/asks x", "ask x", "/start", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_command_that_is_listed_is_understood() {
        for (name, _) in COMMANDS {
            assert!(
                Order::parse(&format!("/{name}"), "tea_bot").is_some(),
                "{name}"
            );
        }
    }
}
