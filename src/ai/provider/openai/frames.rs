//! The chunks of a response that is streamed, or of one that should have been.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use reqwest::Response;
use serde_json::Value;

use super::sse::Decoder;
use super::told;
use crate::ai::{Broken, Chunk};

/// The chunks of a response; the connection is closed with the stream.
pub(super) fn chunks(response: Response) -> BoxStream<'static, Result<Chunk, Broken>> {
    let frames = Frames {
        response: Some(response),
        decoder: Decoder::default(),
        waiting: VecDeque::new(),
    };
    stream::unfold(frames, |mut frames| async move {
        let next = frames.next().await?;
        Some((next, frames))
    })
    .boxed()
}

struct Frames {
    /// None when nothing more is wanted of it.
    response: Option<Response>,
    decoder: Decoder,
    waiting: VecDeque<String>,
}

impl Frames {
    async fn next(&mut self) -> Option<Result<Chunk, Broken>> {
        loop {
            if let Some(data) = self.waiting.pop_front() {
                match data.trim() {
                    "" => continue,
                    "[DONE]" => {
                        self.end();
                        return None;
                    }
                    data => return Some(chunk(data)),
                }
            }
            let response = self.response.as_mut()?;
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    let waiting = &mut self.waiting;
                    if let Err(error) = self.decoder.push(&bytes, |event| waiting.push_back(event))
                    {
                        self.end();
                        return Some(Err(Broken::Malformed(error.to_string())));
                    }
                }
                Ok(None) => {
                    self.response = None;
                    // Half a chunk is no fault of its own: the answer lacks its end, and that is what will be said.
                    let last = self.decoder.finish();
                    self.waiting
                        .extend(last.filter(|data| data.trim() == "[DONE]" || chunk(data).is_ok()));
                }
                Err(error) => {
                    self.end();
                    return Some(Err(Broken::Disconnected(told(&error.without_url()))));
                }
            }
        }
    }

    fn end(&mut self) {
        self.response = None;
        self.waiting.clear();
    }
}

fn chunk(data: &str) -> Result<Chunk, Broken> {
    // serde_json's errors name a place and quote nothing.
    match serde_json::from_str(data) {
        Ok(chunk @ Value::Object(_)) => Ok(Chunk(chunk)),
        Ok(_) => Err(Broken::Malformed("JSON that is no object".to_owned())),
        Err(error) => Err(Broken::Malformed(error.to_string())),
    }
}

/// A whole answer as one chunk: of a server that does not stream, though it was asked to.
pub(super) fn at_once(mut whole: Value) -> Chunk {
    let choices = whole.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        if let Some(message) = choice.shift_remove("message") {
            choice.insert("delta".to_owned(), message);
        }
    }
    if let Some(object) = whole.get_mut("object") {
        *object = "chat.completion.chunk".into();
    }
    Chunk(whole)
}
