//! What the model has said so far.

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::ai::{Ai, Answer, Ask, Broken, Refusal};
use crate::features::assistant::machine::How;
use crate::features::assistant::words;

pub(super) const TOO_LONG: &str = "it became too long";

/// An answer that is being written.
pub(super) struct Draft {
    begin: Option<BoxFuture<'static, Result<Answer, Box<Refusal>>>>,
    answer: Option<Answer>,
    finish: Option<String>,
    tokens: Option<u64>,
}

/// What comes of it.
pub(super) enum More {
    Text(String),
    End(How),
}

impl Draft {
    pub(super) fn begin(ai: Ai, ask: Ask) -> Self {
        Self {
            begin: Some(async move { ai.stream(ask).await }.boxed()),
            answer: None,
            finish: None,
            tokens: None,
        }
    }

    /// What question and answer have cost, where the provider has said that.
    pub(super) fn tokens(&self) -> Option<u64> {
        self.tokens
    }

    /// Waits for more; for nothing after the end.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn more(&mut self) -> More {
        if let Some(begin) = &mut self.begin {
            let begun = begin.await;
            self.begin = None;
            match begun {
                Ok(answer) => self.answer = Some(answer),
                Err(refusal) => return More::End(How::Failed(words::reason(&refusal))),
            }
        }
        let Some(answer) = &mut self.answer else {
            return More::End(self.end());
        };
        match answer.next().await {
            None => More::End(self.end()),
            Some(Err(broken)) => More::End(How::CutOff(why(&broken))),
            Some(Ok(chunk)) => {
                self.tokens = chunk.usage().map(|usage| usage.total()).or(self.tokens);
                if let Some(finish) = chunk.finish_reason() {
                    self.finish = Some(finish.to_owned());
                }
                More::Text(chunk.text().unwrap_or_default().to_owned())
            }
        }
    }

    fn end(&self) -> How {
        match self.finish.as_deref() {
            Some("length") => How::CutOff(TOO_LONG.to_owned()),
            Some("content_filter") => {
                How::CutOff("the provider does not let the model say more".to_owned())
            }
            _ => How::Complete,
        }
    }
}

fn why(broken: &Broken) -> String {
    let why = match broken {
        Broken::Stalled => "the model fell silent",
        Broken::Truncated => "the provider ended it too early",
        _ => "the connection to the provider broke",
    };
    why.to_owned()
}
