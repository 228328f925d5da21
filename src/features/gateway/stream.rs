//! An answer as it is written: server-sent events.
//!
//! The headers are held back until the providers have said whether they answer, so that a refusal has its own status; but
//! not for longer than a proxy waits. The call upstream is a part of the body: whoever drops the one ends the other.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, stream};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::error::{MODEL, PROVIDER, Problem, name};
use super::frames;
use super::meter::Meter;
use super::question::Question;
use crate::ai::{Answer, Broken, Chunk, Refusal};

type Asking = BoxFuture<'static, Result<Answer, Box<Refusal>>>;

pub(super) async fn respond(
    shared: &Shared,
    question: Question,
    mut meter: Meter,
) -> Result<Response, Problem> {
    let ai = shared.ai().clone();
    let (ask, room) = (question.ask, question.room);
    let mut asking: Asking = async move {
        let answer = ai.stream(ask).await;
        drop(room);
        answer
    }
    .boxed();
    let source = match timeout(shared.settings().ping_every, &mut asking).await {
        Ok(Ok(answer)) => Source::Answering(answer),
        Ok(Err(refusal)) => {
            meter.end(refusal.status, "refused by the providers");
            return Err(Problem::tried(refusal));
        }
        Err(_) => Source::Asking(asking),
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // Otherwise nginx keeps tokens until it has a page of them.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Source::Answering(answer) = &source {
        meter.provider(answer.provider(), answer.model());
        name(&mut response, PROVIDER, Some(answer.provider()));
        name(&mut response, MODEL, Some(answer.model()));
    }
    let writer = Writer {
        shared: shared.clone(),
        source,
        meter,
        wants_usage: question.wants_usage,
        had_usage: false,
        last: None,
    };
    *response.body_mut() = Body::from_stream(writer.frames());
    Ok(response)
}

/// Where the next frame comes from.
enum Source {
    /// No provider has said anything, and the headers have gone out.
    Asking(Asking),
    Answering(Answer),
    /// The answer is whole; this is the frame behind its last.
    Whole,
    Over,
}

struct Writer {
    shared: Shared,
    source: Source,
    meter: Meter,
    wants_usage: bool,
    had_usage: bool,
    /// The chunk before, in whose name the usage is said.
    last: Option<Value>,
}

/// What happens next.
enum Next {
    Silence,
    Stopping,
    Answer(Answer),
    Refused(Box<Refusal>),
    Chunk(Chunk),
    Broken(Broken),
    End,
    Over,
}

impl Writer {
    fn frames(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::unfold(self, async |mut writer| {
            loop {
                let next = writer.next().await;
                if let Next::Over = next {
                    return None;
                }
                if let Some(frame) = writer.frame(next) {
                    return Some((Ok(frame), writer));
                }
            }
        })
    }

    async fn next(&mut self) -> Next {
        match self.source {
            Source::Whole => return Next::End,
            Source::Over => return Next::Over,
            Source::Asking(_) | Source::Answering(_) => {}
        }
        let said = async {
            match &mut self.source {
                Source::Asking(asking) => match asking.await {
                    Ok(answer) => Next::Answer(answer),
                    Err(refusal) => Next::Refused(refusal),
                },
                Source::Answering(answer) => match answer.next().await {
                    Some(Ok(chunk)) => Next::Chunk(chunk),
                    Some(Err(broken)) => Next::Broken(broken),
                    None => Next::End,
                },
                Source::Whole | Source::Over => Next::Over,
            }
        };
        tokio::select! {
            biased;
            // First, so that a stream in which there is always something does not hide it.
            () = self.shared.drain.ending() => Next::Stopping,
            next = said => next,
            () = sleep(self.shared.settings().ping_every) => Next::Silence,
        }
    }

    /// The frame for what happened; none where there is nothing to say about it.
    fn frame(&mut self, next: Next) -> Option<Bytes> {
        if let Source::Answering(answer) = &self.source {
            self.meter.said(answer.usage());
        }
        match next {
            Next::Silence => Some(frames::PING),
            Next::Answer(answer) => {
                self.meter.provider(answer.provider(), answer.model());
                self.source = Source::Answering(answer);
                None
            }
            Next::Chunk(chunk) => Some(self.chunk(chunk)),
            Next::End => Some(self.end()),
            Next::Refused(refusal) => {
                self.meter.end(refusal.status, "refused by the providers");
                self.source = Source::Over;
                Some(frames::refused(&refusal))
            }
            Next::Broken(broken) => {
                self.meter.end(200, "broken");
                self.source = Source::Over;
                Some(frames::broken(&broken))
            }
            Next::Stopping => {
                self.meter.end(200, "cut off by the stop");
                self.source = Source::Over;
                Some(frames::stopping())
            }
            Next::Over => None,
        }
    }

    fn chunk(&mut self, chunk: Chunk) -> Bytes {
        self.meter.chunk(&chunk);
        self.had_usage |= chunk.usage().is_some();
        let frame = frames::data(&chunk.0);
        if self.wants_usage && !self.had_usage {
            self.last = Some(chunk.0);
        }
        frame
    }

    fn end(&mut self) -> Bytes {
        self.meter.end(200, "answered");
        let is_usage_missing = self.wants_usage && !self.had_usage;
        if is_usage_missing && !matches!(self.source, Source::Whole) {
            self.source = Source::Whole;
            return frames::usage(self.last.as_ref(), self.meter.usage());
        }
        self.source = Source::Over;
        frames::DONE
    }
}
