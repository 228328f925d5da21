//! The rounds of a talk, one after another.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::mem;

use serde_json::{Value, json};
use tracing::debug;

use super::Said;
use super::calls::{Call, Calls};
use crate::ai::{Ai, Answer, Ask, Broken, Chunk, Refusal, Tools, Usage};

/// What goes on over all rounds.
pub(super) struct Rounds {
    ai: Ai,
    ask: Ask,
    tools: Tools,
    /// How many rounds may still call something.
    left: usize,
    usage: Option<Usage>,
    /// Who answers, and with which model.
    provider: String,
    model: String,
    /// How what was said so far ends; none where nothing was said.
    last_said: Option<char>,
}

/// What is done now.
enum Stage {
    Reading(Box<Answer>, Round),
    Calling(VecDeque<Call>),
    Over,
}

/// What one answer has said so far.
#[derive(Default)]
struct Round {
    text: String,
    calls: Calls,
    finish_reason: Option<String>,
}

/// What is heard of all, and what the rounds before that have cost.
pub(super) struct Heard {
    pub(super) said: Result<Said, Broken>,
    pub(super) usage: Option<Usage>,
}

pub(super) struct Talking(Rounds, Stage);

impl Rounds {
    pub(super) async fn begin(
        ai: Ai,
        mut ask: Ask,
        tools: Tools,
        left: usize,
    ) -> Result<(Self, Answer), Box<Refusal>> {
        let mut tools = if left == 0 { Tools::default() } else { tools };
        if !tools.is_empty() {
            let definitions = tools.definitions().into();
            ask.body.insert("tools".to_owned(), definitions);
        }
        let answer = match ai.stream(ask.clone()).await {
            // Many a model or server takes none, and says so in words of its own. It can answer all the same.
            Err(refusal) if !tools.is_empty() && is_about_tools(&refusal) => {
                debug!("the provider takes no tools; it is asked without");
                ask.body.shift_remove("tools");
                tools = Tools::default();
                ai.stream(ask.clone()).await?
            }
            answer => answer?,
        };
        let (provider, model) = (answer.provider().to_owned(), answer.model().to_owned());
        // Whoever has begun goes on: another model's text behind a first one's would be no answer of either.
        ask.providers = vec![provider.clone()];
        let rounds = Self {
            ai,
            ask,
            tools,
            left,
            usage: None,
            provider,
            model,
            last_said: None,
        };
        Ok((rounds, answer))
    }

    pub(super) fn reading(self, answer: Answer) -> Talking {
        Talking(self, Stage::Reading(answer.into(), Round::default()))
    }

    pub(super) async fn next(talking: Talking) -> Option<(Heard, Talking)> {
        let Talking(mut rounds, mut stage) = talking;
        loop {
            let (said, next) = match stage {
                Stage::Reading(answer, round) => rounds.read(answer, round).await,
                Stage::Calling(calls) => rounds.call(calls).await,
                Stage::Over => return None,
            };
            match said {
                Some(said) => {
                    let usage = rounds.usage;
                    return Some((Heard { said, usage }, Talking(rounds, next)));
                }
                None => stage = next,
            }
        }
    }

    async fn read(&mut self, mut answer: Box<Answer>, mut round: Round) -> Step {
        while let Some(chunk) = answer.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(broken) => return (Some(Err(broken)), Stage::Over),
            };
            if let Some(text) = round.hear(&chunk) {
                let said = Ok(Said::Text(self.apart(&text, round.text == text)));
                return (Some(said), Stage::Reading(answer, round));
            }
        }
        self.finish(round, answer.usage())
    }

    /// The end of one answer: of all, or of this round.
    fn finish(&mut self, round: Round, usage: Option<Usage>) -> Step {
        if let Some(usage) = usage {
            let sum = self.usage.get_or_insert_default();
            sum.prompt = sum.prompt.saturating_add(usage.prompt);
            sum.completion = sum.completion.saturating_add(usage.completion);
        }
        let Some(finish_reason) = round.finish_reason else {
            return (Some(Err(Broken::Truncated)), Stage::Over);
        };
        // Some peers say `stop` behind calls, so the calls decide.
        let calls = round.calls.finish();
        if calls.is_empty() || self.tools.is_empty() || self.left == 0 {
            let end = Said::End {
                finish_reason,
                usage: self.usage,
                provider: self.provider.clone(),
                model: self.model.clone(),
            };
            return (Some(Ok(end)), Stage::Over);
        }
        self.left -= 1;
        let content = Some(round.text).filter(|text| !text.is_empty());
        self.push(json!({
            "role": "assistant",
            "content": content,
            "tool_calls": calls.iter().map(Call::to_value).collect::<Vec<_>>(),
        }));
        announce(calls.into())
    }

    /// Calls the one that was announced, and announces the next or asks again.
    async fn call(&mut self, mut calls: VecDeque<Call>) -> Step {
        if let Some(call) = calls.pop_front() {
            let result = self.tools.call(&call.name, &call.arguments).await;
            self.push(json!({ "role": "tool", "tool_call_id": call.id, "content": result }));
        }
        if !calls.is_empty() {
            return announce(calls);
        }
        // Only the first round can be made to call something: made to in each, the model could never answer.
        let choice = if self.left == 0 { "none" } else { "auto" };
        self.ask
            .body
            .insert("tool_choice".to_owned(), choice.into());
        match self.ai.stream(self.ask.clone()).await {
            Ok(answer) => (None, Stage::Reading(answer.into(), Round::default())),
            Err(refusal) => {
                let broken = Broken::Failed(refusal.message);
                (Some(Err(broken)), Stage::Over)
            }
        }
    }

    fn push(&mut self, message: Value) {
        let messages = self.ask.body.entry("messages");
        let messages = messages.or_insert_with(|| json!([]));
        if let Some(messages) = messages.as_array_mut() {
            messages.push(message);
        }
    }

    /// The text, as a paragraph of its own where it is the first of a further round.
    fn apart(&mut self, text: &str, is_first: bool) -> String {
        let before = mem::replace(&mut self.last_said, text.chars().last());
        match before {
            Some(last) if is_first && !last.is_whitespace() => format!("\n\n{text}"),
            _ => text.to_owned(),
        }
    }
}

/// What is heard of it, where it is anything, and what is done next.
type Step = (Option<Result<Said, Broken>>, Stage);

fn is_about_tools(refusal: &Refusal) -> bool {
    refusal.message.to_lowercase().contains("tool")
}

fn announce(calls: VecDeque<Call>) -> Step {
    let said = calls.front().map(|call| Ok(Said::Calls(call.name.clone())));
    (said, Stage::Calling(calls))
}

impl Round {
    /// Keeps what a chunk says; gives the text that it adds.
    fn hear<'a>(&mut self, chunk: &'a Chunk) -> Option<Cow<'a, str>> {
        chunk
            .tool_calls()
            .iter()
            .for_each(|piece| self.calls.add(piece));
        if let Some(reason) = chunk.finish_reason() {
            self.finish_reason = Some(reason.to_owned());
        }
        let text = chunk.text()?;
        self.text.push_str(&text);
        Some(text)
    }
}
