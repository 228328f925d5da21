//! What the model has said so far.

use futures::FutureExt;
use futures::future::BoxFuture;

use tracing::debug;

use crate::ai::{Ai, Ask, Broken, Refusal, Said, Talk, Tools, Usage};
use crate::features::assistant::machine::How;
use crate::features::assistant::words;

pub(super) const TOO_LONG: &str = "it became too long";

/// An answer that is being written.
pub(super) struct Draft {
    begin: Option<BoxFuture<'static, Result<Talk, Box<Refusal>>>>,
    talk: Option<Talk>,
    tokens: Option<u64>,
}

/// What comes of it.
pub(super) enum More {
    Text(String),
    End(How),
}

impl Draft {
    pub(super) fn begin(ai: Ai, ask: Ask, tools: Tools) -> Self {
        let begin = async move { Talk::begin(&ai, ask, tools, Talk::ROUNDS).await };
        Self {
            begin: Some(begin.boxed()),
            talk: None,
            tokens: None,
        }
    }

    /// What question and answer have cost: what the provider says, or where it does not, or was stopped, `estimated` for
    /// that, and what earlier rounds of calls are known to have cost.
    pub(super) fn tokens(&self, estimated: u64) -> u64 {
        let before = self.talk.as_ref().and_then(Talk::usage);
        let before = before.map_or(0, Usage::total);
        self.tokens.unwrap_or(before.saturating_add(estimated))
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
                Ok(talk) => self.talk = Some(talk),
                Err(refusal) => return More::End(How::Failed(words::reason(&refusal))),
            }
        }
        let Some(talk) = &mut self.talk else {
            return More::End(How::Complete);
        };
        match talk.next().await {
            None => More::End(How::Complete),
            Some(Err(broken)) => More::End(How::CutOff(why(&broken))),
            Some(Ok(Said::Text(text))) => More::Text(text),
            Some(Ok(Said::Calls(_))) => {
                debug!("the model calls a tool");
                More::Text(String::new())
            }
            Some(Ok(Said::End {
                finish_reason,
                usage,
                ..
            })) => {
                self.tokens = cost(usage);
                More::End(end(&finish_reason))
            }
        }
    }
}

/// What a provider says that it cost. One that counts nothing says zero.
fn cost(usage: Option<Usage>) -> Option<u64> {
    usage.map(Usage::total).filter(|tokens| *tokens > 0)
}

fn end(finish_reason: &str) -> How {
    match finish_reason {
        "length" => How::CutOff(TOO_LONG.to_owned()),
        "content_filter" => How::CutOff("the provider does not let the model say more".to_owned()),
        _ => How::Complete,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_says_zero_has_not_counted() {
        let usage = |completion| {
            Some(Usage {
                prompt: 0,
                completion,
            })
        };
        assert_eq!(cost(usage(0)), None);
        assert_eq!(cost(usage(7)), Some(7));
        assert_eq!(cost(None), None);
    }
}
